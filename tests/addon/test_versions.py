# SPDX-License-Identifier: GPL-3.0-or-later
"""The oldest supported Blender and a newer one, each in a process of its own."""

import os
import subprocess
import sys

import pytest
import soundfile

from tests.addon.extension import ROOT


@pytest.mark.parametrize("engine", ["fake", "real"])
@pytest.mark.parametrize("version", ["4.2", "5.0"])
def test_it_registers_generates_and_imports(version, engine, tmp_path):
    folder = ROOT / ".venv" / f"bpy-{version}"
    if not folder.is_dir():
        pytest.skip(f"needs the bpy {version} wheel unpacked in .venv/bpy-{version}")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}
    for name in ("BLENDER_USER_RESOURCES", "BLENDER_USER_EXTENSIONS"):
        environment[name] = str(tmp_path / name.lower())
        (tmp_path / name.lower()).mkdir()
    speech, rate = soundfile.read(ROOT / "engine/data/sample_speech.flac", frames=20000)
    soundfile.write(tmp_path / "line.wav", speech, rate)
    script = [sys.executable, str(ROOT / "tests/addon/other_blender.py"), str(tmp_path / "line.wav"), engine]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "all is well" in done.stdout.splitlines()[-1], done.stdout + done.stderr

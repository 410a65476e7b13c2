# SPDX-License-Identifier: GPL-3.0-or-later
"""A fitted head in Blender, with the real engine: from its file to pictures and splat points that speak."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

import build_addon
from engine.head.storage import save_head
from engine.protocol import EXPRESSION_NAMES
from tests.fitted_puppet import fitted_puppet

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Two seconds of the sample speech, said happily by a head from a file of the animator's own."""
    folder = tmp_path_factory.mktemp("fitted")
    save_head(fitted_puppet(), folder / "mine.emohead")
    speech, rate = soundfile.read(ROOT / "engine" / "data" / "sample_speech.flac", frames=32000)
    soundfile.write(folder / "line.wav", speech, rate)
    script = ROOT / "tests" / "end_to_end" / "demo_in_blender.py"
    zip_file = build_addon.build(build_addon.host_target(), with_wheels=False)
    command = [sys.executable, script, "--zip", zip_file, "--interpreter", sys.executable,
               "--audio", folder / "line.wav", "--head", folder / "mine.emohead", "--out", folder / "out",
               "--size", "96", "--emotion", "happy=0.9"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_its_mouth_moves_in_the_pictures_as_in_the_take(film):
    take = json.loads(Path(film["take"]).read_text(encoding="utf-8"))
    jaw = np.array(take["expression"])[:, EXPRESSION_NAMES.index("jawOpen")]
    files = sorted(Path(film["frames_folder"]).glob("frame_*.png"))
    assert len(files) == len(jaw) == film["frames"]
    pictures = np.stack([np.asarray(Image.open(file)).astype(float) for file in files])
    assert (pictures[..., 3] == 255).mean(axis=(1, 2)).min() > 0.1
    wide, shut = jaw.argmax(), jaw.argmin()
    change = np.abs(pictures[wide] - pictures[shut])[..., :3].mean(axis=2)
    lower = change[48:72, 30:66]
    assert jaw[wide] > 0.1 and lower.max() > 40 and lower.mean() > 3 * change[:24].mean()


def test_it_lives_in_the_scene_as_points(film):
    import bpy

    bpy.ops.wm.open_mainfile(filepath=film["scene"])
    points = next(thing for thing in bpy.data.objects if thing.get("emosplat_points_of"))
    keys = points.data.shape_keys
    assert len(points.data.vertices) > 5000 and 2 < len(keys.key_blocks) <= 65 and keys.animation_data.action
    doubt = points.data.attributes["uncertainty"].data
    assert all(value.value > 0 for value in doubt)

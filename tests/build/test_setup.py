# SPDX-License-Identifier: GPL-3.0-or-later
"""What setup says when it cannot go on: one line, with what to type."""

import subprocess
import sys
from collections import namedtuple

import build_addon
import pytest
from build_addon import Failure


def _message(function, *arguments) -> str:
    with pytest.raises(Failure) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_another_python(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["build_addon.py", "demo", "--json"])
    message = _message(build_addon.check_python, (3, 13))
    assert "needs Python 3.11 and this is 3.13" in message
    assert message.endswith("build_addon.py demo --json")
    build_addon.check_python((3, 11))


def test_another_python_not_installed(monkeypatch):
    monkeypatch.setattr(build_addon.shutil, "which", lambda name: None)
    assert "Install Python 3.11, then type" in _message(build_addon.check_python, (3, 9))


def test_full_disk(monkeypatch, tmp_path):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(build_addon, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.setattr(build_addon.shutil, "disk_usage", lambda path: usage(10**12, 10**12, 10**8))
    assert "The disk is full: free about 5 GB" in _message(build_addon.check_disk)


def test_disk_that_fills_up_while_pip_works():
    output = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    assert "The disk is full" in build_addon.explain_pip(output)


@pytest.mark.skipif(sys.platform != "linux", reason="Debian's libraries")
def test_missing_library_without_root(monkeypatch):
    monkeypatch.setattr(build_addon, "SYSTEM_LIBRARIES", {"libnowhere.so.9": "libnowhere9", "libc.so.6": "libc6"})
    monkeypatch.setattr(build_addon.os, "geteuid", lambda: 1000)
    message = _message(build_addon.check_system_libraries)
    assert message.endswith("Type: sudo apt-get install libnowhere9")


@pytest.mark.skipif(sys.platform != "linux", reason="Debian's libraries")
def test_missing_library_as_root_is_installed(monkeypatch):
    commands = []

    def fake_run(command, **options):
        commands.append(command[1:])
        build_addon.SYSTEM_LIBRARIES.clear()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(build_addon, "SYSTEM_LIBRARIES", {"libnowhere.so.9": "libnowhere9"})
    monkeypatch.setattr(build_addon.os, "geteuid", lambda: 0)
    monkeypatch.setattr(build_addon.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(build_addon.subprocess, "run", fake_run)
    build_addon.check_system_libraries()
    assert commands == [["update"], ["install", "-y", "--no-install-recommends", "libnowhere9"]]


@pytest.mark.parametrize(
    "output, part",
    [
        ("ERROR: No matching distribution found for torch==2.13.0+cpu", "pip offers no CPU build of torch 2.13.0+cpu"),
        ("ERROR: No matching distribution found for av==18.1.0", "pip cannot find av==18.1.0"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n    av==18.1.0 from x.whl:\n", "av==18.1.0 is not the file"),
        ("/usr/bin/python3.11: No module named pip", "has no pip"),
        ("WARNING: first\nERROR: something else broke", "pip failed: something else broke"),
    ],
)
def test_what_pip_says_in_one_line(output, part):
    message = build_addon.explain_pip(output)
    assert part in message and "\n" not in message


def test_second_run_changes_nothing(monkeypatch, tmp_path):
    """With the stamp of the lock in place, no program is started."""
    environment = tmp_path / ".venv"
    monkeypatch.setattr(build_addon, "ENVIRONMENT", environment)
    build_addon.environment_python().parent.mkdir(parents=True)
    build_addon.environment_python().touch()
    (environment / "emosplat-lock.txt").write_text(build_addon.sha256_of(build_addon.LOCK_FILE))
    monkeypatch.setattr(build_addon, "check_python", lambda version: None)
    monkeypatch.setattr(build_addon, "check_system_libraries", lambda: None)
    monkeypatch.setattr(build_addon.subprocess, "run", lambda *a, **k: pytest.fail("a program was started"))
    build_addon.setup()


def test_cuda_without_nvcc(monkeypatch):
    monkeypatch.setattr(build_addon.shutil, "which", lambda *a, **k: None)  # neither on the path nor in a toolkit
    assert "nvcc is not here" in _message(build_addon.build_gsplat, "")


def test_wheel_given_by_hand(tmp_path):
    linux = build_addon.Target("linux-x64", "cp313")
    file = tmp_path / "torch-2.13.0+cpu-cp313-cp313-linux_x86_64.whl"
    file.write_bytes(b"a wheel")
    assert build_addon.given_wheels([str(file)], linux) == {"torch": file.resolve()}


@pytest.mark.parametrize(
    "file, part",
    [
        ("torch-2.13.0+cpu-cp311-cp311-linux_x86_64.whl", "does not fit linux-x64-cp313"),
        ("torch-2.9.0-cp313-cp313-linux_x86_64.whl", "the lock wants version 2.13.0+cpu"),
        ("leftpad-1.0-py3-none-any.whl", "names no package leftpad"),
        ("torch.zip", "is not a wheel's file name"),
    ],
)
def test_wrong_wheel_given_by_hand(file, part, tmp_path):
    (tmp_path / file).write_bytes(b"")
    linux = build_addon.Target("linux-x64", "cp313")
    assert part in _message(build_addon.given_wheels, [str(tmp_path / file)], linux)


def test_absent_wheel_given_by_hand(tmp_path):
    linux = build_addon.Target("linux-x64", "cp313")
    assert "there is no such file" in _message(build_addon.given_wheels, [str(tmp_path / "no.whl")], linux)
    assert "there is no such folder" in _message(build_addon.pip_sources, str(tmp_path / "no"))


def test_one_line_on_the_command_line(tmp_path):
    command = [sys.executable, str(build_addon.ROOT / "build_addon.py"), "validate", str(tmp_path / "none.zip")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1 and done.stderr.startswith("error: ")

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
        (
            "ERROR: Cannot install torch==2.13.0+cpu because these package versions have conflicting dependencies.\n"
            "ERROR: ResolutionImpossible: for help visit the manual",
            "pip offers no CPU build of torch 2.13.0+cpu",
        ),
        ("ERROR: No matching distribution found for av==18.1.0", "pip cannot find av==18.1.0"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n    av==18.1.0 from x.whl:\n", "av==18.1.0 is not the file"),
        ("/usr/bin/python3.11: No module named pip", "has no pip"),
        ("WARNING: first\nERROR: something else broke", "pip failed: something else broke"),
    ],
)
def test_what_pip_says_in_one_line(output, part):
    message = build_addon.explain_pip(output)
    assert part in message and "\n" not in message


@pytest.fixture
def environment_is_ready(monkeypatch, tmp_path):
    """The stamp of the lock is in place, and no program may be started."""
    environment = tmp_path / ".venv"
    monkeypatch.setattr(build_addon, "ENVIRONMENT", environment)
    build_addon.environment_python().parent.mkdir(parents=True)
    build_addon.environment_python().touch()
    (environment / "emosplat-lock.txt").write_text(build_addon.sha256_of(build_addon.LOCK_FILE))
    monkeypatch.setattr(build_addon, "check_python", lambda version: None)
    monkeypatch.setattr(build_addon, "check_system_libraries", lambda: None)
    monkeypatch.setattr(build_addon.subprocess, "run", lambda *a, **k: pytest.fail("a program was started"))


def test_second_run_changes_nothing(environment_is_ready, pinned_model):
    pinned_model.write_bytes(b"sees faces")
    build_addon.setup()
    assert pinned_model.read_bytes() == b"sees faces"


def test_setup_goes_on_without_the_face_model(environment_is_ready, pinned_model, capsys):
    build_addon.setup()
    told = next(line for line in capsys.readouterr().out.splitlines() if "could not be had" in line)
    assert "https://models.invalid" in told and "--model FILE" in told and "films cannot be captured" in told
    assert not pinned_model.exists()


def test_setup_takes_the_face_model_that_is_given(environment_is_ready, pinned_model, tmp_path):
    own = tmp_path / "own.task"
    own.write_bytes(b"sees faces")
    build_addon.setup(model=str(own))
    assert pinned_model.read_bytes() == b"sees faces"
    own.write_bytes(b"sees cats")
    assert "is another file than face_landmarker.task" in _message(build_addon.setup, (), "", str(own))


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
    wheel = str(tmp_path / "none.whl")
    command = [sys.executable, str(build_addon.ROOT / "build_addon.py"), "wheels", "--wheel", wheel]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1 and done.stderr.startswith("error: ")

# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker as Blender sees it: a real process, real jobs, real audio."""

import os
import signal
import subprocess
import sys
import time

import pytest
from tests.engine.process.client import ROOT, Client

SAMPLE = str(ROOT / "engine/data/sample_speech.flac")
END = ("result", "error")


@pytest.fixture
def worker():
    client = Client()
    client.until(("ready",))
    yield client
    client.close()


def speak(out, **more):
    return {"audio": SAMPLE, "head": "puppet", "out": str(out), "size": 96, **more}


def test_a_job_reports_stages_and_ends_with_whole_files(worker, tmp_path):
    worker.job("1", "speak", **speak(tmp_path, last=12))
    end, before = worker.until(END, "1")
    assert end["type"] == "result", end
    assert end["result"]["frames"] == 12
    stages = [m["stage"] for m in before if m["type"] == "progress"]
    assert stages[-1] == "draw" and "load" in stages
    last = [m for m in before if m["type"] == "progress"][-1]
    assert last["done"] == last["total"] == 12
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [f"frame_{i:05d}.png" for i in range(1, 13)] + ["take.json"]


def test_cancel_is_answered_within_half_a_second_and_leaves_whole_files(worker, tmp_path):
    from PIL import Image

    worker.job("1", "speak", **speak(tmp_path, size=512))
    worker.until(("progress",), "1")
    while worker.until(("progress",), "1")[0]["stage"] != "draw":
        pass
    asked = time.monotonic()
    worker.send({"type": "cancel", "id": "1"})
    end, _ = worker.until(END, "1")
    assert time.monotonic() - asked < 0.5
    assert (end["type"], end["code"]) == ("error", "cancelled")
    worker.job("2", "heads")  # waits for the cancelled job's thread, so that the folder is at rest afterwards
    assert worker.until(END, "2")[0]["type"] == "result"
    assert not [p for p in tmp_path.iterdir() if p.suffix == ".part"]
    for picture in tmp_path.glob("*.png"):
        Image.open(picture).load()


def test_cancel_is_answered_while_modules_load(worker, tmp_path):
    worker.job("1", "speak", **speak(tmp_path))
    worker.until(("progress",), "1")
    asked = time.monotonic()
    worker.send({"type": "cancel", "id": "1"})
    assert worker.until(END, "1")[0]["code"] == "cancelled"
    # A library that loads from a cold disk holds Python's lock; an add-on that waits in vain kills the worker.
    assert time.monotonic() - asked < 1.0


def test_two_jobs_at_once_are_refused_and_the_first_goes_on(worker, tmp_path):
    worker.job("1", "speak", **speak(tmp_path, last=3))
    worker.job("2", "heads")
    assert worker.until(END, "2")[0]["code"] == "busy"
    assert worker.until(END, "1")[0]["type"] == "result"


def test_a_warm_up_gives_way_to_a_job(worker):
    worker.job("1", "warm_up")
    worker.job("2", "heads")
    assert worker.until(END, "1")[0]["code"] == "cancelled"
    assert worker.until(END, "2")[0]["type"] == "result"


def test_bad_messages_are_answered_and_the_worker_goes_on(worker):
    for line in (b"not json\n", b"[1]\n", b'{"type": "job", "id": "1"}\n', b'{"type": "dance", "id": "1"}\n', b"{}\n",
                 b"[" * 200_000 + b"\n", b"\xff\xfe\n"):
        worker.send(line)
        assert worker.until(("error",))[0]["code"] == "input"
    worker.job("1", "fly")
    assert "no verb 'fly'" in worker.until(END, "1")[0]["what"]
    worker.job("2", "speak", audio=SAMPLE, head="puppet", out="x", wings=2)
    assert "wings" in worker.until(END, "2")[0]["what"]
    worker.job("3", "heads")
    assert worker.until(END, "3")[0]["type"] == "result"


def test_stdout_holds_messages_only(tmp_path):
    """A print of Python or of native code in the worker must not break the channel."""
    code = ("import os, engine.serve as s, engine.jobs as j\n"
            "def noisy(job, report): print('python'); os.write(1, b'native'); return {}\n"
            "from engine.protocol import HeadsJob\nj._FUNCTIONS[HeadsJob] = noisy\ns.serve()")
    asked = b'{"type": "job", "id": "1", "verb": "heads", "job": {}}\n'
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    process.stdin.write(asked)
    process.stdin.flush()
    lines = [process.stdout.readline() for _ in range(2)]
    process.stdin.close()
    assert process.wait(10) == 0
    assert b'"ready"' in lines[0] and b'"result"' in lines[1] and process.stdout.read() == b""


@pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
def test_ends_within_5_s_of_its_parents_death():
    """The parent dies by kill -9 in the middle of a job, while somebody else still holds the pipe's other end."""
    code = ("import subprocess, sys, time\n"
            "p = subprocess.Popen([sys.executable, '-m', 'engine', 'serve'], stdin=sys.stdin, stdout=subprocess.PIPE)\n"
            "print(p.pid, flush=True)\ntime.sleep(100)")
    read, write = os.pipe()
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdin=read, stdout=subprocess.PIPE)
    pid = int(parent.stdout.readline())
    time.sleep(1.0)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 5.0
    while time.monotonic() < deadline and _alive(pid):
        time.sleep(0.1)
    os.close(read), os.close(write)
    assert not _alive(pid)


def test_ends_when_stdin_closes_in_the_middle_of_a_job(worker, tmp_path):
    worker.job("1", "speak", **speak(tmp_path, size=512))
    worker.until(("progress",), "1")
    worker.process.stdin.close()
    assert worker.process.wait(5) == 0


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as file:  # a zombie of a container without a reaper is dead
        return file.read().rpartition(")")[2].split()[0] != "Z"

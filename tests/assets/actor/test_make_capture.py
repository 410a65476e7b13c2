# SPDX-License-Identifier: GPL-3.0-or-later
"""The actor's capture in small: built, performed, rendered, whole; and the same command goes on."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.capture.storage import load_capture, read_picture, verify

ROOT = Path(__file__).resolve().parents[3]
FACES = ROOT.parent / "shared" / "data" / "ict_facekit" / "ict_facekit.npz"


@pytest.mark.skipif(not FACES.exists(), reason="ICT FaceKit is not there")
def test_a_small_capture_of_the_actor(tmp_path):
    pytest.importorskip("bpy")
    script = ROOT / "assets" / "actor" / "make_capture.py"
    command = [sys.executable, script, "--out", tmp_path / "capture", "--actor", tmp_path / "actor.blend",
               "--frames", "18", "--size", "96", "--samples", "1", "--jobs", "2", "--threads", "1"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr[-2000:]
    assert made.stdout.count("\nmasks 8/8\n") == 3, "designed, spoken and held-out pictures"
    assert verify(tmp_path / "capture") == []
    capture = load_capture(tmp_path / "capture")
    assert len(capture) == 24 and capture.expression.max() == 1.0
    assert (tmp_path / "capture" / "audio.flac").exists() and len(capture.labels) > 1
    seen = set()
    for row in range(len(capture)):
        picture, mask = read_picture(tmp_path / "capture", capture, row)
        seen |= set(np.unique(mask))
        assert 0.2 < (picture[..., 3] > 127).mean() < 0.9
        nose = capture.Ks[row] @ (capture.viewmats[row] @ [0.0, -0.1, -0.01, 1.0])[:3]
        x, y = (nose[:2] / nose[2]).astype(int)
        assert mask[y, x] == 2, "the middle of the face lies where its camera says"
    assert seen == {0, 1, 2, 3, 4}
    frames = np.unique(capture.frames[capture.test])
    assert (frames[-2:] >= capture.labels[-1].start * 25).all(), "the last tenth is of the held-out line"
    work = tmp_path / "capture.render"
    min((work / "spoken" / "masks").glob("*.png")).unlink()
    rest = ["--work", work, *command[4:-4], "--threads", "1"]
    for out, more, pictures in (("less", ["--now"], 23), ("again", [], 24)):
        made = subprocess.run([*command[:3], tmp_path / out, *rest, *more], capture_output=True, text=True)
        assert made.returncode == 0, made.stderr[-2000:]
        assert len(load_capture(tmp_path / out)) == pictures
    assert "masks 1/1" in made.stdout and "render 0/1" not in made.stdout, "nothing is rendered twice"

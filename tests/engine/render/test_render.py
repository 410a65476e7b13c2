# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of finished pictures: writers that are slower than the drawing must not fill the memory."""

import threading
from fractions import Fraction

import numpy as np
import pytest

from engine.errors import StorageError
from engine.protocol import CameraTrack
from engine.render import render as module
from engine.render.camera_path import CameraPath
from engine.report import Report
from engine.take.take import Take

FRAMES = 12


@pytest.fixture
def scene(monkeypatch):
    """A take of FRAMES frames through a camera of 64 x 64 pixels, whose drawing costs nothing."""
    picture = np.zeros((64, 64, 3), np.float32), np.zeros((64, 64, 1), np.float32), None
    monkeypatch.setattr(module, "draw_frame", lambda *_, **__: picture)
    track = CameraTrack(64, 64, [np.eye(4).tolist()], [np.diag([60.0, 60.0, 1.0]).tolist()])
    zeros = {"expression": 52, "emotion_weights": 8, "gaze": 2, "head_pose": 6}
    take = Take(fps=Fraction(25), **{name: np.zeros((FRAMES, width), np.float32) for name, width in zeros.items()})
    return take, CameraPath(track)


@pytest.mark.parametrize(("waiting_bytes", "most"), [(0, 1), (2 * 64 * 64 * 16, 3), (10**9, 4 * module.WRITERS + 1)])
def test_large_pictures_do_not_pile_up(scene, monkeypatch, tmp_path, waiting_bytes, most):
    monkeypatch.setattr(module, "WAITING_BYTES", waiting_bytes)
    lock, counts = threading.Lock(), {"open": 0, "peak": 0}
    submit = module.ThreadPoolExecutor.submit

    def counting(pool, write, *arguments):
        with lock:
            counts["open"] += 1
            counts["peak"] = max(counts["peak"], counts["open"])
        future = submit(pool, write, *arguments)
        result = future.result

        def taken():
            with lock:
                counts["open"] -= 1
            return result()

        future.result = taken
        return future

    monkeypatch.setattr(module.ThreadPoolExecutor, "submit", counting)
    paths = module.render(None, *scene, tmp_path, first=0, last=FRAMES - 1, backend="torch", report=Report())
    assert len(paths) == FRAMES and all(path.is_file() for path in paths)
    assert counts["peak"] == most


def test_a_folder_that_vanishes_is_a_sentence(scene, monkeypatch, tmp_path):
    gone = tmp_path / "frames"
    gone.mkdir()
    monkeypatch.setattr(module, "require_space", lambda *_: gone.rmdir())
    with pytest.raises(StorageError, match="frames"):
        module.render(None, *scene, gone, first=0, last=FRAMES - 1, backend="torch", report=Report())
    assert not gone.exists()

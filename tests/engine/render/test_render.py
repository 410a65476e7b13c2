# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of finished pictures: writers that are slower than the drawing must not fill the memory."""

import threading
from fractions import Fraction

import numpy as np
import pytest
import torch

from engine.deform.deformation import Deformation
from engine.deform.settings import DeformationSettings
from engine.errors import InputError, StorageError
from engine.head.head import Head
from engine.head.puppet import build_puppet
from engine.jobs import run_job
from engine.protocol import CameraTrack, SpeakJob
from engine.render import render as module
from engine.render.camera_path import CameraPath
from engine.render.render import draw_frame
from engine.report import Report
from engine.splats.cameras import portrait_camera
from engine.take.take import Take

FRAMES = 12


@pytest.fixture
def scene(monkeypatch):
    """A take of FRAMES frames through a camera of 64 x 64 pixels, whose drawing costs nothing."""
    picture = np.zeros((64, 64, 3), np.float32), np.zeros((64, 64, 1), np.float32), {}
    monkeypatch.setattr(module, "draw_frame", lambda *_, **__: picture)
    track = CameraTrack(64, 64, [np.eye(4).tolist()], [np.diag([60.0, 60.0, 1.0]).tolist()])
    return still_take(), CameraPath(track)


def still_take() -> Take:
    zeros = {"expression": 52, "emotion_weights": 8, "gaze": 2, "head_pose": 6}
    return Take(fps=Fraction(25), **{name: np.zeros((FRAMES, width), np.float32) for name, width in zeros.items()})


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


def test_the_uncertainty_pass_is_what_the_head_expects(tmp_path):
    """A head that is sure of its left half only: the pass holds its expected errors, and nothing beside the head."""
    puppet = build_puppet()
    mover = Deformation(DeformationSettings(), len(puppet.gaussians))
    with torch.no_grad():
        mover.log_error[:] = torch.where(puppet.gaussians.means[:, 0] > 0, -4.0, -1.0)
    head = Head("half", puppet.gaussians, mover)
    take = still_take()
    viewmat, K = portrait_camera(64, 64)
    cameras = CameraPath(CameraTrack(64, 64, [viewmat.tolist()], [K.tolist()]))
    _, alphas, passes = draw_frame(
        head, take, 0, cameras.at(0), 64, 64, depth=True, uncertainty=True, backend="torch", threads=1
    )
    assert set(passes) == {"depth", "uncertainty"}
    values, there = passes["uncertainty"], alphas[..., 0] > 0.9
    right, left = values[:, :26][there[:, :26]], values[:, 38:][there[:, 38:]]  # the head's left is the picture's right
    assert there.sum() > 1000 and not values[alphas[..., 0] < 0.5].any()
    for half, expected in ((right, -1.0), (left, -4.0)):
        np.testing.assert_allclose(np.quantile(half, (0.1, 0.5, 0.9)), np.exp(expected), rtol=0.02)
    paths = module.render(head, take, cameras, tmp_path, first=0, last=0, uncertainty=True, report=Report())
    assert len(paths) == 1 and (tmp_path / "uncertainty_00001.exr").is_file()
    assert not (tmp_path / "depth_00001.exr").exists()


def test_a_head_that_was_not_fitted_expects_no_errors(tmp_path):
    job = SpeakJob(audio="none.wav", head="puppet", out=str(tmp_path), uncertainty=True)
    with pytest.raises(InputError, match="not fitted"):
        run_job(job, Report())

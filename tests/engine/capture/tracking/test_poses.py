# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations, derivatives of the projection and the banded solve, against their definitions."""

import numpy as np
import pytest
from synthetic_face import synthetic_face

from engine.capture.tracking import smoothing
from engine.capture.tracking.poses import FramePoses, exp_so3, initial_poses, log_so3, reprojection
from engine.report import Report


def test_exp_and_log_are_inverse():
    vectors = np.random.default_rng(0).normal(0, 1, (50, 3))
    vectors[0], vectors[1] = 0, [1e-9, 0, 0]
    rotations = exp_so3(vectors)
    assert np.allclose(rotations @ rotations.transpose(0, 2, 1), np.eye(3), atol=1e-12)
    turned = np.linalg.norm(vectors, axis=-1) < np.pi
    assert np.allclose(log_so3(rotations[turned]), vectors[turned], atol=1e-9)
    assert np.allclose(exp_so3(np.array([0, 0, np.pi / 2])) @ [1, 0, 0], [0, 1, 0])


def test_jacobians_against_differences():
    face = synthetic_face(frames=3)
    poses = FramePoses(face.rotations, face.translations)
    here = reprojection(poses, face.shape, face.focal)
    step = 1e-6
    for axis in range(6):
        move = np.zeros((3, 6))
        move[:, axis] = step
        there = reprojection(poses.moved(move), face.shape, face.focal).pixels
        assert np.allclose((there - here.pixels) / step, here.pose_jacobian()[..., axis], rtol=1e-4, atol=1e-4)
    for axis in range(3):
        there = reprojection(poses, face.shape + step * np.eye(3)[axis], face.focal).pixels
        assert np.allclose((there - here.pixels) / step, here.point_jacobian()[..., axis], rtol=1e-4, atol=1e-4)
    there = reprojection(poses.moved(np.zeros((3, 6)), step), face.shape, face.focal * np.exp(step)).pixels
    assert np.allclose((there - here.pixels) / step, here.zoom_jacobian(poses), rtol=1e-4, atol=1e-4)


def test_first_guess_is_near():
    face = synthetic_face(frames=50, noise=0.0)
    guess = initial_poses(face.clean - np.array([320, 240]), face.shape, face.focal)
    turned = guess.rotations.transpose(0, 2, 1) @ face.rotations
    assert np.degrees(np.linalg.norm(log_so3(turned), axis=-1)).max() < 8
    assert np.abs(guess.translations[:, 2] / face.translations[:, 2] - 1).max() < 0.1


@pytest.mark.parametrize("frames", [1, 2, 7, 8, 9, 40])
def test_banded_solve_is_the_dense_one(frames, monkeypatch):
    monkeypatch.setattr(smoothing, "SEGMENT", 2)  # so that a few frames are several
    rng = np.random.default_rng(frames)
    roots = rng.normal(size=(frames, 6, 6))
    hessians = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(6)
    tension = (rng.uniform(size=max(frames - 2, 0)) > 0.3).astype(float)
    stiffness = rng.uniform(0.5, 2, 6)
    right = rng.normal(size=(frames, 6))
    second = np.diff(np.eye(frames), 2, axis=0) if frames > 2 else np.zeros((0, frames))
    dense = np.kron(second.T @ (tension[:, None] * second), np.diag(stiffness))
    for k in range(frames):
        dense[6 * k : 6 * k + 6, 6 * k : 6 * k + 6] += hessians[k]
    expected = np.linalg.solve(dense, right.ravel()).reshape(frames, 6)
    solved = smoothing._solve_banded(hessians, tension, stiffness, right, Report())
    assert np.allclose(solved, expected, rtol=1e-5, atol=1e-7)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A film as one camera and a head that turns; poses of head and torso that are refined."""

import numpy as np
import pytest
import torch

from engine.capture.storage import load_capture
from engine.fit.poses import PoseOffsets, rotation_vector
from engine.fit.viewpoints import is_filmed, viewpoints
from engine.splats.quats import matrices_from_quats, quats_from_rotation_vectors


def matrix(pose) -> np.ndarray:
    pose = torch.as_tensor(pose, dtype=torch.float32)
    out = np.eye(4)
    out[:3, :3] = matrices_from_quats(quats_from_rotation_vectors(pose[None, :3]))[0].numpy()
    out[:3, 3] = pose[3:].numpy()
    return out


def test_a_film_is_one_camera_and_head_poses(film):
    capture = load_capture(film)
    views = viewpoints(capture)
    assert views.filmed and np.ptp(views.viewmats, axis=0).max() == 0
    for row in (0, 17, 42):
        assert np.allclose(views.viewmats[row] @ matrix(views.head_poses[row]), capture.viewmats[row], atol=1e-5)
    assert np.abs(views.head_poses[:, :3]).max() > 0.05


def test_a_characters_cameras_stay(character):
    capture = load_capture(character)
    views = viewpoints(capture)
    assert not is_filmed(capture) and not views.head_poses.any()
    assert (views.viewmats == capture.viewmats).all()


def test_offsets_of_head_and_torso_are_rigid_and_apart():
    tracked = np.array([[0.1, -0.2, 0.05, 0.01, 0.02, -0.01]], np.float32)
    poses = PoseOffsets(tracked, rate=1e-3)
    camera = torch.from_numpy(np.linalg.inv(matrix([0.3, 0.1, 0.0, 0.0, -1.0, 0.1])).astype(np.float32))
    head_only = torch.tensor([0.02, 0.01, -0.03, 0.04, -0.02, 0.05] + [0.0] * 6)
    torso_too = head_only + torch.tensor([0.0] * 6 + [0.05, -0.02, 0.03, 0.1, 0.05, -0.08])
    seen = []
    for offsets in (head_only, torso_too):
        placed, head_pose = poses.placed(0, offsets, camera)
        seen.append((placed.numpy(), placed.numpy() @ matrix(head_pose)))
    (torso_before, head_before), (torso_after, head_after) = seen
    assert np.allclose(torso_before, camera.numpy(), atol=1e-6)
    assert np.abs(torso_after - torso_before).max() > 0.01
    assert np.allclose(head_before, head_after, atol=1e-5)  # a torso that moves leaves the head where it is
    assert np.allclose(torso_after[:3, :3] @ torso_after[:3, :3].T, np.eye(3), atol=1e-5)
    wanted = camera.numpy() @ matrix(tracked[0] + np.array([0.02, 0.01, -0.03, 0.004, -0.002, 0.005]))
    assert np.allclose(head_before, wanted, atol=1e-5)


def test_exact_poses_stay():
    poses = PoseOffsets(np.ones((2, 6), np.float32), rate=0.0)
    leaf = poses.leaf(1)
    placed, head_pose = poses.placed(1, leaf, torch.eye(4))
    assert not leaf.requires_grad and (head_pose == 1).all() and (placed == torch.eye(4)).all()
    poses.step(1, None, 1.0)
    assert not poses.offsets.any()


def test_a_step_moves_its_row_alone_and_against_the_slope():
    poses = PoseOffsets(np.zeros((3, 6), np.float32), rate=1e-3, pull=0.0)
    slope = torch.zeros(12)
    slope[4] = 2.0
    poses.step(1, slope, 0.5)
    assert not poses.offsets[[0, 2]].any()
    assert poses.offsets[1, 4] == pytest.approx(-0.5e-3, rel=1e-3) and np.count_nonzero(poses.offsets) == 1


def test_rotation_vectors_come_back_and_have_slopes_at_rest():
    vectors = torch.tensor([[0.3, -0.5, 0.2], [1e-4, 0.0, 0.0]])
    for vector in vectors:
        assert torch.allclose(rotation_vector(quats_from_rotation_vectors(vector[None])[0]), vector, atol=1e-5)
    leaf = torch.zeros(3, requires_grad=True)
    rotation_vector(quats_from_rotation_vectors(leaf[None])[0]).sum().backward()
    assert torch.allclose(leaf.grad, torch.ones(3), atol=1e-3)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A face that known cameras see says where the head's frame lies in their world, and how large its unit is."""

import numpy as np
import pytest
from written_sets import rotation

from engine.capture.datasets.head_frame import Views, find_head, looked_at
from engine.capture.tracking.cameras import EYE_CORNERS
from engine.capture.tracking.rigid_face import RIGID_LANDMARKS, rigid_canonical
from engine.report import Report

AT = {landmark: k for k, landmark in enumerate(RIGID_LANDMARKS)}
EYES = tuple(tuple(AT[corner] for corner in corners) for corners in EYE_CORNERS)
UNIT = 0.037  # units of the world per centimetre
TURN = rotation(2, 0.7) @ rotation(0, 1.2) @ rotation(1, -0.4)  # of the canonical face (left, up, front) to the world
MOVE = np.array([3.0, -2.0, 5.0])


def cameras(angles, distance=60.0) -> np.ndarray:
    """(N, 4, 4) camera to world of cameras around the face, each looking at it and turned about its axis."""
    poses = []
    for k, (yaw, pitch) in enumerate(angles):
        # Canonical axes: the face looks along +z; an OpenCV camera before it looks along -z with y down.
        turn = rotation(1, yaw) @ rotation(0, pitch) @ np.diag([1.0, -1.0, -1.0]) @ rotation(2, 0.1 * k)
        centre = turn @ [0.5, -0.3, -distance]
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = TURN @ turn, UNIT * (TURN @ centre) + MOVE
        poses.append(pose)
    return np.array(poses)


def views(poses, moments, heads=None, noise=0.0, seed=0) -> Views:
    """What cameras see of a face a few per cent unlike the canonical one, which moves by `heads` (centimetres)."""
    rng = np.random.default_rng(seed)
    shape = rigid_canonical() * [1.03, 0.98, 1.02]
    shape[:, 0] *= 6.31 / np.linalg.norm(shape[list(EYES[0])].mean(0) - shape[list(EYES[1])].mean(0))
    Ks, observed = [], []
    for k, pose in enumerate(poses):
        K = np.array([[900.0 + 40 * k, 0, 300], [0, 880.0 + 40 * k, 250], [0, 0, 1]])
        turn, move = heads[moments[k]] if heads else (np.eye(3), np.zeros(3))
        world = UNIT * ((shape @ turn.T + move) @ TURN.T) + MOVE
        camera = (world - pose[:3, 3]) @ pose[:3, :3]
        pixels = camera @ K.T
        observed.append(pixels[:, :2] / pixels[:, 2:] + rng.normal(0, noise, (len(shape), 2)))
        Ks.append(K)
    return Views(np.array(observed), np.array(Ks), np.asarray(poses), np.array(moments), rigid_canonical(), EYES)


def check(frame, seen: Views, turn=np.eye(3), move=np.zeros(3), metres=0.0015, radians=0.01, moment=0) -> None:
    """Compare with where the ears' middle truly is: the canonical face's (0, 1, -4.3) cm, moved with the head."""
    origin = UNIT * (TURN @ (turn @ [0, 1.0, -4.3] + move)) + MOVE
    at = list(frame.moments).index(moment) if len(frame.moments) > 1 else 0
    assert np.linalg.norm(frame.origins[at] - origin) * frame.metres < metres
    axes = TURN @ turn @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]])  # left, back and up of the head as columns
    cosine = (np.trace(frame.rotations[at].T @ axes) - 1) / 2
    assert np.arccos(np.clip(cosine, -1, 1)) < radians
    assert frame.metres == pytest.approx(0.01 / UNIT, rel=0.015)


RIG = [(-0.6, 0.1), (-0.2, -0.1), (0.15, 0.2), (0.5, 0.0), (0.8, -0.2)]


@pytest.mark.parametrize("noise", [0.0, 0.5])
def test_a_rig_at_one_moment(noise):
    seen = views(cameras(RIG), [7] * 5, noise=noise)
    frame = find_head(seen, True, Report())
    check(frame, seen, metres=0.003, radians=0.02)
    assert frame.misfits(seen).max() < 0.012


def test_one_camera_that_moves_around_a_head_that_stands_still():
    rng = np.random.default_rng(1)
    angles = np.stack([np.linspace(-0.7, 0.7, 40), rng.uniform(-0.2, 0.2, 40)], -1)
    seen = views(cameras(angles), list(range(40)), noise=0.3)
    frame = find_head(seen, True, Report())
    assert len(frame.moments) == 1
    check(frame, seen, metres=0.003, radians=0.02)


def test_a_head_that_moves_within_a_rig_has_a_pose_at_every_moment():
    rng = np.random.default_rng(2)
    heads = {
        time: (rotation(1, rng.uniform(-0.3, 0.3)) @ rotation(0, rng.uniform(-0.2, 0.2)), rng.uniform(-3, 3, 3))
        for time in range(0, 20, 2)
    }
    poses = np.tile(cameras(RIG), (len(heads), 1, 1))
    seen = views(poses, np.repeat(list(heads), len(RIG)), heads, noise=0.2)
    frame = find_head(seen, True, Report())
    assert frame.moments.tolist() == list(heads)
    for time, (turn, move) in heads.items():
        check(frame, seen, turn, move, metres=0.004, radians=0.02, moment=time)
    viewmats = frame.viewmats(poses, seen.moments)
    # Told in the head's frame and metres, the cameras of one moment stand to each other as they were given.
    between = viewmats[1] @ np.linalg.inv(viewmats[0])
    given = np.linalg.inv(poses[1]) @ poses[0]
    np.testing.assert_allclose(between[:3, :3], given[:3, :3], atol=1e-9)
    np.testing.assert_allclose(between[:3, 3], given[:3, 3] * frame.metres, atol=1e-9)


def test_one_camera_that_stands_still_before_a_head_that_moves():
    heads = {t: (rotation(1, 0.03 * t - 0.3), np.array([0.2 * t, 0.0, 0.0])) for t in range(20)}
    poses = np.tile(cameras([(0.1, 0.0)]), (20, 1, 1))
    seen = views(poses, list(heads), heads)
    frame = find_head(seen, True, Report())
    viewmats = frame.viewmats(poses, seen.moments)
    distances = np.linalg.norm(viewmats[:, :3, 3], axis=1)
    camera = TURN.T @ (poses[0, :3, 3] - MOVE) / UNIT
    true = [np.linalg.norm(turn @ [0, 1.0, -4.3] + move - camera) for turn, move in heads.values()]
    np.testing.assert_allclose(distances, 0.01 * np.array(true), rtol=0.03)


def test_pictures_of_something_else_are_noticed():
    seen = views(cameras(RIG), [0] * 5)
    seen.observed[2] += np.random.default_rng(0).normal(0, 60, seen.observed[2].shape)
    frame = find_head(seen, True, Report())
    misfits = frame.misfits(seen)
    assert misfits[2] > 0.06 and np.delete(misfits, 2).max() < 0.012
    check(frame, seen, metres=0.004, radians=0.03)


def test_where_cameras_look_without_a_face():
    poses = []
    for angle in (-0.5, 0.0, 0.6):
        forward = np.array([np.sin(angle), np.cos(angle), 0.0])  # looks along +y, z is up
        right = np.array([np.cos(angle), -np.sin(angle), 0.0])
        pose = np.eye(4)
        pose[:3, :3] = np.stack([right, [0, 0, -1], forward], axis=1)
        pose[:3, 3] = np.array([1.0, 2.0, 3.0]) - 4 * forward
        poses.append(pose)
    turn, origin = looked_at(np.array(poses))
    np.testing.assert_allclose(origin, [1, 2, 3], atol=1e-4)
    assert turn[2, 2] == pytest.approx(1, abs=1e-6) and turn[1, 1] > 0.99
    assert np.linalg.det(turn) == pytest.approx(1)


def test_parallel_cameras_still_get_a_frame():
    pose = np.eye(4)
    turn, origin = looked_at(np.array([pose, pose]))
    assert np.isfinite(turn).all() and np.isfinite(origin).all()
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)

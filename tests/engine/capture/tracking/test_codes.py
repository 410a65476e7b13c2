# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes and gaze of a face whose expression, eyes and cameras are known."""

import numpy as np
import pytest
from synthetic_face import SIZE, synthetic_face, wander

from engine.capture.tracking.cameras import EYE_CORNERS, CameraSolve
from engine.capture.tracking.codes import (
    EXPRESSIVE_LANDMARKS,
    EYEBALL_RADIUS,
    LIDS_AND_IRIS,
    LIPS,
    expression_basis,
    gaze,
    head_landmarks,
)
from engine.capture.tracking.rigid_face import CANONICAL_ORIGIN, CANONICAL_TO_HEAD, RIGID_LANDMARKS

FRAMES = 250


def acted_face(seed: int = 0):
    """(T, 478, 3) metres in the head's frame with moving lips and eyes, their activations (T, 2), true gaze (T, 2),
    pixels with relative depth (T, 478, 3), and the cameras."""
    rng = np.random.default_rng(seed)
    face = synthetic_face(FRAMES, seed=seed, noise=0.0)
    rest = rng.normal([0.0, -0.085, -0.02], [0.04, 0.01, 0.04], (478, 3))
    rigid = (face.shape - CANONICAL_ORIGIN) @ CANONICAL_TO_HEAD.T / 100
    rest[RIGID_LANDMARKS] = rigid
    points = np.repeat(rest[None], FRAMES, 0)
    acts = wander(rng, FRAMES, 2, 25.0) * [1.0, 0.5]
    moves = np.zeros((2, 478, 3))
    moves[:, LIPS] = rng.normal(0, 0.004, (2, len(LIPS), 3)) * [1, 0, 1]
    points += np.einsum("ta,ani->tni", acts, moves)
    looks = wander(rng, FRAMES, 2, 25.0) * [0.2, 0.1]
    for (outer, inner), (upper, lower, iris) in zip(EYE_CORNERS, LIDS_AND_IRIS):
        corners = (rest[outer] + rest[inner]) / 2
        points[:, upper], points[:, lower] = corners + [0, 0, 0.005], corners - [0, 0, 0.005]
        points[:, iris] = corners
        points[:, iris, 0] += EYEBALL_RADIUS * np.sin(looks[:, 0])
        points[:, iris, 2] += EYEBALL_RADIUS * np.sin(looks[:, 1]) + 0.0015  # pupils lie above the corners

    viewmats = np.tile(np.eye(4), (FRAMES, 1, 1))
    viewmats[:, :3, :3] = face.rotations @ CANONICAL_TO_HEAD.T
    viewmats[:, :3, 3] = (face.translations + face.rotations @ CANONICAL_ORIGIN) / 100
    K = np.array([[face.focal, 0, SIZE[0] / 2], [0, face.focal, SIZE[1] / 2], [0, 0, 1]])
    camera = points @ viewmats[:, :3, :3].transpose(0, 2, 1) + viewmats[:, None, :3, 3]
    pixels = camera @ K.T
    pixels = pixels / pixels[..., 2:]
    head = camera[:, RIGID_LANDMARKS, 2].mean(1)[:, None]
    pixels[..., 2] = (camera[..., 2] - head) / head * face.focal
    solve = CameraSolve(viewmats, K, rigid, 0.0, np.zeros(FRAMES), 0.0, 0.0)
    return points, acts, looks, pixels, solve


@pytest.fixture(scope="module")
def acted():
    return acted_face()


def test_pose_is_removed(acted):
    points, _, _, pixels, solve = acted
    found = np.ones(FRAMES, bool)
    found[10:13] = False
    seen = head_landmarks(np.where(found[:, None, None], pixels, 0), solve, found)
    assert np.isfinite(seen).all()
    still = np.setdiff1d(np.arange(468), EXPRESSIVE_LANDMARKS)
    assert np.abs(seen - points)[found][:, still].max() < 0.001
    assert np.sqrt(((seen - points)[found] ** 2).mean()) < 0.0005
    assert np.abs(seen[10] - np.median(seen[found], 0)).max() < 1e-6


def test_codes_hold_the_expression_and_not_the_pose(acted):
    _, acts, _, pixels, solve = acted
    found = np.ones(FRAMES, bool)
    points = head_landmarks(pixels, solve, found)
    basis = expression_basis(points, found, 6)
    codes = basis.encode(points)
    assert codes.shape == (FRAMES, 6) and codes[:, 0].std() == pytest.approx(1, rel=1e-3)
    design = np.column_stack([codes, np.ones(FRAMES)])
    left = acts - design @ np.linalg.lstsq(design, acts, rcond=None)[0]
    assert (left.std(0) < 0.05 * acts.std(0)).all()
    flat = basis.basis.reshape(6, -1)
    assert np.allclose(flat @ flat.T, np.eye(6), atol=1e-5)
    rebuilt = basis.mean + basis.scale * np.einsum("tk,kni->tni", codes, basis.basis)
    assert np.abs(rebuilt - points[:, EXPRESSIVE_LANDMARKS]).max() < 0.002
    assert (expression_basis(points, found, 6).basis == basis.basis).all()


def test_still_face_has_finite_codes(acted):
    still = np.repeat(acted[0][:1], 5, 0)
    basis = expression_basis(still, np.ones(5, bool))
    assert np.allclose(basis.encode(still), 0, atol=1e-3)


def test_gaze_and_blinks(acted):
    points, _, looks, _, solve = acted
    found = np.ones(FRAMES, bool)
    seen = gaze(points, solve, found)
    assert np.abs(seen[:, 0] - looks[:, 0]).max() < 0.01
    off = seen[:, 1] - looks[:, 1]
    assert off.std() < 0.01  # its level is the camera's, not the truth's
    blink = points.copy()
    for upper, lower, iris in LIDS_AND_IRIS:
        blink[100:105, upper] = blink[100:105, lower]
        blink[100:105, iris] += [0, 0, -0.006]
    assert np.abs(gaze(blink, solve, found) - seen).max() < 0.06
    assert (gaze(points, solve, np.zeros(FRAMES, bool)) == 0).all()

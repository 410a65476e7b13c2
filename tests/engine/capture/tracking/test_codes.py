# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes and gaze of a face whose expression, eyes and cameras are known."""

import numpy as np
import pytest
from synthetic_face import ACTED_FRAMES as FRAMES
from synthetic_face import acted_face

from engine.capture.tracking.codes import EXPRESSIVE_LANDMARKS, LIDS_AND_IRIS, HeadLandmarks, expression_basis, gaze


@pytest.fixture(scope="module")
def acted():
    return acted_face()


def test_pose_is_removed(acted):
    points, _, _, pixels, solve = acted
    found = np.ones(FRAMES, bool)
    found[10:13] = False
    seen = HeadLandmarks(np.where(found[:, None, None], pixels, 0), solve, found)[:]
    assert np.isfinite(seen).all()
    still = np.setdiff1d(np.arange(468), EXPRESSIVE_LANDMARKS)
    assert np.abs(seen - points)[found][:, still].max() < 0.001
    assert np.sqrt(((seen - points)[found] ** 2).mean()) < 0.0005
    assert np.abs(seen[10] - np.median(seen[found], 0)).max() < 1e-6


def test_codes_hold_the_expression_and_not_the_pose(acted):
    _, acts, _, pixels, solve = acted
    found = np.ones(FRAMES, bool)
    points = HeadLandmarks(pixels, solve, found)[:]
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

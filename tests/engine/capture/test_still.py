# SPDX-License-Identifier: GPL-3.0-or-later
"""A head held still: what lies in the face's plane stays where it is, however head and square move."""

import numpy as np
import pytest

pytest.importorskip("cv2", reason="needs OpenCV, which is not installed here")
from engine.capture.still import FACE_PLANE, head_still
from engine.splats.cameras import look_at

DOTS = np.array([[-0.03, FACE_PLANE, 0.03], [0.03, FACE_PLANE, 0.03], [0.0, FACE_PLANE, -0.04]])


def camera(x: float, z: float, roll: float, focal: float) -> tuple[np.ndarray, np.ndarray]:
    viewmat = look_at((x, -1.0, z), (0, 0, 0), (np.sin(roll), 0, np.cos(roll)))
    return viewmat, np.array([[focal, 0, 64 + 40 * x], [0, focal, 60], [0, 0, 1]], np.float32)


def pixels(viewmat: np.ndarray, K: np.ndarray) -> np.ndarray:
    points = DOTS @ viewmat[:3, :3].T + viewmat[:3, 3]
    return (points / points[:, 2:] @ K.T)[:, :2]


def drawn(viewmat: np.ndarray, K: np.ndarray) -> np.ndarray:
    ys, xs = np.mgrid[0:128, 0:128] + 0.5
    spots = [np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 8) for x, y in pixels(viewmat, K)]
    return np.repeat((250 * np.max(spots, axis=0)).astype(np.uint8)[..., None], 3, axis=2)


def places(image: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Centres of the spots, found around where they should be."""
    ys, xs = np.mgrid[0:128, 0:128] + 0.5
    found = []
    for x, y in near:
        weight = image[..., 0] * (np.hypot(xs - x, ys - y) < 9)
        found.append([(xs * weight).sum() / weight.sum(), (ys * weight).sum() / weight.sum()])
    return np.array(found)


@pytest.mark.parametrize("moved", [(0.2, 0.1, 0.0, 700.0), (-0.25, 0.0, 0.15, 640.0), (0.0, -0.15, -0.1, 820.0)])
def test_the_face_stays_where_it_is(moved):
    view = camera(0.0, 0.0, 0.0, 700.0)
    seen = camera(*moved)
    assert np.abs(pixels(*seen) - pixels(*view)).max() > 3
    assert places(head_still(drawn(*seen), *seen, view), pixels(*view)) == pytest.approx(pixels(*view), abs=0.25)

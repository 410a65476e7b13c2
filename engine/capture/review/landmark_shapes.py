# SPDX-License-Identifier: GPL-3.0-or-later
"""Shapes to which MediaPipe's scores barely react, judged by its landmarks instead, which do.

A landmark's height on the head is where its line of sight meets the head's frontal plane. How far it lies behind that
plane is not known; it is what explains best how the height varies with the camera's slope.
"""

from dataclasses import dataclass

import numpy as np

from ...disk_rows import blocks
from ...protocol import EXPRESSION_NAMES
from ..capture import Capture, directions

EYES_METRES = 0.063  # between the pupils; the cameras are solved in this unit
MOST_YAW = np.radians(35)  # beyond it one side of the face hides its landmarks
# Landmarks wander by half of a full movement while a person only speaks: that much is no expression.
WANDER = 0.5
FEWEST = 50  # pictures: fewer tell no habit that one could differ from


@dataclass(frozen=True)
class _Sign:
    """What of a face moves with a shape.

    Args:
        landmark: that moves.
        full: how far up at weight 1, in distances between the eyes: measured on rendered heads.
        still: landmarks whose mean height it is measured from.
        alone: another shape that moves it too and must be below `most`.
    """

    landmark: int
    full: float
    still: tuple[int, ...]
    alone: str
    most: float


_NOSE_BRIDGE = (6, 197, 195)
_SIGNS = {
    "mouthFrownLeft": _Sign(291, -0.05, _NOSE_BRIDGE, "jawOpen", 0.1),
    "mouthFrownRight": _Sign(61, -0.05, _NOSE_BRIDGE, "jawOpen", 0.1),
    "eyeWideLeft": _Sign(386, 0.045, (362, 263), "eyeBlinkLeft", 0.3),
    "eyeWideRight": _Sign(159, 0.045, (133, 33), "eyeBlinkRight", 0.3),
}
_USED = sorted({landmark for sign in _SIGNS.values() for landmark in (sign.landmark, *sign.still)})


def shapes_from_landmarks(capture: Capture, rows: np.ndarray) -> dict[str, np.ndarray]:
    """How far each of these shapes goes beyond the person's habit.

    Args:
        rows: (R,) indices of the rows whose landmarks mean something.

    Returns:
        Shape -> (n,) weights, 0 within what is habit; a shape that too few rows tell is missing.
    """
    yaw, _ = directions(capture.viewmats[rows])
    rows = rows[np.abs(yaw) < MOST_YAW]
    points = np.empty((len(rows), len(_USED), 2), np.float32)
    for part in blocks(len(rows)):
        points[part] = capture.landmarks[rows[part]][:, _USED]
    found = {}
    for name, sign in _SIGNS.items():
        alone = capture.expression[rows, EXPRESSION_NAMES.index(sign.alone)] < sign.most
        chosen = rows[alone]
        if len(chosen) < FEWEST:
            continue
        moved, slope = _heights(capture, chosen, points[alone, _USED.index(sign.landmark)])
        still, _ = _heights(capture, chosen, points[alone][:, [_USED.index(one) for one in sign.still]].mean(axis=1))
        known = np.stack([np.ones(len(chosen)), slope, capture.gaze[chosen, 1]], axis=1)
        height = moved - still
        height = height - known @ np.linalg.lstsq(known, height, rcond=None)[0]
        weights = (height - np.median(height)) / EYES_METRES / sign.full
        found[name] = np.clip(weights - WANDER, 0.0, 1.0)
    return found


def _heights(capture: Capture, rows: np.ndarray, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(R,) metres above the head's origin at which points (R, 2) of these rows appear, and the slope of their sight."""
    K, viewmat = capture.Ks[rows], capture.viewmats[rows]
    rays = np.ones((len(rows), 3))
    rays[:, :2] = (pixels - K[:, :2, 2]) / K[:, [0, 1], [0, 1]]
    rays = np.einsum("rji,rj->ri", viewmat[:, :3, :3], rays)
    eye = -np.einsum("rji,rj->ri", viewmat[:, :3, :3], viewmat[:, :3, 3])
    slope = rays[:, 2] / rays[:, 1]
    return eye[:, 2] - eye[:, 1] * slope, slope

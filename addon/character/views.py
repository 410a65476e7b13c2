# SPDX-License-Identifier: GPL-3.0-or-later
"""From where a head is looked at: one camera of its own for each frame. Knows nothing of Blender.

A camera per frame shows a fit every expression from one side and every side in some expression: with exact cameras
that is worth more than several views of fewer expressions (the fitting study's settings).
"""

from dataclasses import dataclass

import numpy as np

MAX_YAW, MAX_PITCH, MAX_ROLL = np.radians(60.0), np.radians(25.0), np.radians(6.0)
LENSES = (50.0, 120.0)  # millimetres on a sensor 36 mm wide
FILLS = (0.80, 1.10)  # of the picture's side that the head takes
RADIUS = 0.148  # metres around the middle of a head that hold it and its hair
JITTER = 0.012  # metres that a camera aims beside the middle


@dataclass(frozen=True)
class Views:
    """F cameras in the head's own frame, metres.

    Args:
        viewmats: (F, 4, 4) float64, head's frame to camera, OpenCV axes.
        Ks: (F, 3, 3) float64, pixels.
    """

    viewmats: np.ndarray
    Ks: np.ndarray


def choose_views(count: int, size: int, middle: np.ndarray, seed: int) -> Views:
    """Cameras over yaw, pitch, distance, lens and roll.

    Yaw and pitch follow the R2 sequence (Roberts 2018, The unreasonable effectiveness of quasirandom sequences), so
    that few frames already cover them evenly.

    Args:
        middle: (3,) the head's middle in its own frame.
    """
    rng = np.random.default_rng([seed, 2])
    plastic = 1.324717957244746
    even = (rng.random(2) + np.arange(1, count + 1)[:, None] / plastic ** np.arange(1, 3)) % 1.0
    even = even[rng.permutation(count)]
    yaw, pitch = (2.0 * even[:, 0] - 1.0) * MAX_YAW, (2.0 * even[:, 1] - 1.0) * MAX_PITCH
    roll = rng.uniform(-MAX_ROLL, MAX_ROLL, count)
    focal = np.exp(rng.uniform(*np.log(LENSES), count)) / 36.0 * size
    distance = 2.0 * focal * RADIUS / (rng.uniform(*FILLS, count) * size)
    target = middle + rng.normal(0.0, JITTER / 2, (count, 3)).clip(-JITTER, JITTER)
    away = np.stack([np.sin(yaw) * np.cos(pitch), -np.cos(yaw) * np.cos(pitch), np.sin(pitch)], axis=1)
    viewmats = np.stack([look_at(t + d * a, t, r) for t, d, a, r in zip(target, distance, away, roll)])
    Ks = np.zeros((count, 3, 3))
    Ks[:, 0, 0] = Ks[:, 1, 1] = focal
    Ks[:, :2, 2], Ks[:, 2, 2] = size / 2, 1.0
    return Views(viewmats, Ks)


def look_at(place: np.ndarray, target: np.ndarray, roll: float) -> np.ndarray:
    """(4, 4) view matrix, OpenCV axes, from `place` to `target` with z up before it rolls."""
    forward = (target - place) / np.linalg.norm(target - place)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    turned = np.cos(roll) * right + np.sin(roll) * down
    rotation = np.stack([turned, np.cross(forward, turned), forward])
    viewmat = np.eye(4)
    viewmat[:3, :3], viewmat[:3, 3] = rotation, -rotation @ place
    return viewmat


def project(points: np.ndarray, viewmat: np.ndarray, K: np.ndarray) -> np.ndarray:
    """(P, 2) pixels of points (P, 3); NaN behind the camera."""
    seen = points @ viewmat[:3, :3].T + viewmat[:3, 3]
    seen[seen[:, 2] <= 0.0] = np.nan
    pixels = seen @ K.T
    return pixels[:, :2] / pixels[:, 2:]

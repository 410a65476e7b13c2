# SPDX-License-Identifier: GPL-3.0-or-later
"""Where mouth and eyes are, in the head's frame and in each picture: what is looked at closely, and measured apart."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..capture.capture import REGIONS, Capture
from ..capture.face_geometry import INNER_LIPS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE
from .pictures import Pictures

MOUTH_INTERIOR = REGIONS.index("mouth_interior")
# Where they are by the head's frame alone (capture/tracking/rigid_face.py): metres.
USUAL = {"mouth": (0.0, -0.088, -0.052), "left_eye": (0.0315, -0.073, 0.016), "right_eye": (-0.0315, -0.073, 0.016)}
HALF_SIZES = {"mouth": (0.034, 0.024), "left_eye": (0.021, 0.014), "right_eye": (0.021, 0.014)}  # metres, x and z
_LANDMARKS = {"mouth": INNER_LIPS + OUTER_LIPS, "left_eye": LEFT_EYE, "right_eye": RIGHT_EYE}
# An ellipsoid behind the lips: its half axes and how far its middle lies behind them, metres.
INSIDE, BEHIND_LIPS = (0.026, 0.014, 0.016), 0.017
LEAST_INSIDE = 16
USUAL_SIGMA = 0.02  # metres that a person's differ from the usual
RAY_SIGMA = 0.003  # metres that a ray misses by
MOST_ROWS, LEAST_PIXELS = 120, 6


@dataclass(frozen=True)
class Places:
    """Centres of mouth and eyes in the head's frame, metres: (3,) each."""

    mouth: np.ndarray
    left_eye: np.ndarray
    right_eye: np.ndarray

    def inside_mouth(self, means: Tensor) -> Tensor:
        """(N,) bool, the points (N, 3) that lie behind the lips, at least LEAST_INSIDE of them."""
        off = means - torch.from_numpy(self.mouth).to(means)
        reach = off.new_tensor(INSIDE)
        away = ((off - reach.new_tensor([0.0, BEHIND_LIPS, 0.0])) / reach).square().sum(1)
        return away <= max(1.0, float(away.kthvalue(min(LEAST_INSIDE, len(away))).values))

    def boxes(self, capture: Capture, Ks: np.ndarray, name: str) -> np.ndarray:
        """A place's box in every picture.

        Args:
            Ks: (F, 3, 3) of the pictures.
            name: mouth, left_eye or right_eye.

        Returns:
            (F, 4) int left, top, right, bottom in pixels, the last two exclusive; perhaps beyond the picture.
        """
        viewmats = capture.viewmats.astype(np.float64)
        at = viewmats[:, :3, :3] @ getattr(self, name) + viewmats[:, :3, 3]
        depth = np.maximum(at[:, 2], 1e-3)
        focal = Ks[:, [0, 1], [0, 1]] / depth[:, None]
        middle = at[:, :2] * focal + Ks[:, :2, 2]
        half = np.array(HALF_SIZES[name]) * focal
        return np.round(np.concatenate([middle - half, middle + half], axis=1)).astype(int)


def find_places(capture: Capture, pictures: Pictures, rows: np.ndarray) -> Places:
    """Mouth and eyes from landmarks, the mouth otherwise from its interior in the masks; what neither shows is where
    people have it."""
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, MOST_ROWS).astype(int))]
    found = {name: np.array(usual) for name, usual in USUAL.items()}
    if capture.landmarks is not None:
        tracked = rows[capture.confidence[rows] > 0]
        for name, landmarks in _LANDMARKS.items():
            seen = capture.landmarks[tracked][:, list(landmarks)].mean(axis=1)
            found[name] = meeting_point(capture.viewmats[tracked], capture.Ks[tracked], seen, found[name])
        return Places(**found)
    at, seen = [], []
    for row in rows.tolist():
        y, x = np.nonzero(pictures.regions(row) == MOUTH_INTERIOR)
        if len(x) >= LEAST_PIXELS:
            at.append(row)
            seen.append((x.mean() + 0.5, y.mean() + 0.5))
    if at:
        found["mouth"] = meeting_point(capture.viewmats[at], pictures.Ks[at], np.array(seen), found["mouth"])
    return Places(**found)


def meeting_point(viewmats: np.ndarray, Ks: np.ndarray, pixels: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """The point that rays through pixels pass nearest to, held near a usual one where they do not tell.

    Args:
        viewmats: (T, 4, 4). Ks: (T, 3, 3). pixels: (T, 2).
        usual: (3,) metres.

    Returns:
        (3,) metres.
    """
    rotations = viewmats[:, :3, :3].astype(np.float64)
    origins = -np.einsum("tij,ti->tj", rotations, viewmats[:, :3, 3])
    rays = np.concatenate([(pixels - Ks[:, :2, 2]) / Ks[:, [0, 1], [0, 1]], np.ones((len(pixels), 1))], axis=1)
    rays = np.einsum("tij,ti->tj", rotations, rays)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    across = np.eye(3) - rays[:, :, None] * rays[:, None]
    # Rays of one film miss together: all of them tell as much as ten would.
    weight = min(1.0, 10 / max(len(rays), 1)) / RAY_SIGMA**2
    left = weight * across.sum(axis=0) + np.eye(3) / USUAL_SIGMA**2
    right = weight * np.einsum("tij,tj->i", across, origins) + np.asarray(usual) / USUAL_SIGMA**2
    return np.linalg.solve(left, right)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Pinhole cameras in OpenCV's axes (x right, y down, z forward), as numpy float32."""

import math

import numpy as np

# A head in its own frame: metres, origin between the ears, face towards -y, z up, about 0.24 m tall.
PORTRAIT_TARGET = (0.0, 0.0, -0.03)
PORTRAIT_DISTANCE = 1.4
PORTRAIT_HEIGHT = 0.39


def look_at(eye, target, up=(0.0, 0.0, 1.0)) -> np.ndarray:
    """The world-to-camera matrix (4, 4) of a camera at `eye` (3,) that sees `target` (3,) in its middle.

    Raises:
        ValueError: eye and target coincide, or `up` (3,) points along the line between them.
    """
    eye, target, up = (np.asarray(v, np.float64) for v in (eye, target, up))
    forward = target - eye
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-9 * max(np.linalg.norm(forward), 1e-9):
        raise ValueError(f"A camera at {eye} cannot look at {target} with {up} upwards.")
    forward /= np.linalg.norm(forward)
    right /= np.linalg.norm(right)
    viewmat = np.eye(4)
    viewmat[:3, :3] = right, np.cross(forward, right), forward
    viewmat[:3, 3] = -viewmat[:3, :3] @ eye
    return viewmat.astype(np.float32)


def intrinsics(width: int, height: int, fov_y: float) -> np.ndarray:
    """The pinhole matrix K (3, 3), pixels, of a lens that sees `fov_y` radians from top to bottom, centred."""
    focal = height / (2 * math.tan(fov_y / 2))
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]], np.float32)


def portrait_camera(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """A portrait of a head in its own frame, from 1.4 m in front with about an 85 mm lens: head, neck and a hint
    of shoulders.

    Returns:
        viewmat (4, 4) and K (3, 3). In a picture narrower than tall the head keeps its place within the width.
    """
    viewmat = look_at((0.0, -PORTRAIT_DISTANCE, PORTRAIT_TARGET[2]), PORTRAIT_TARGET)
    seen = PORTRAIT_HEIGHT * max(1.0, 0.8 * height / width)
    return viewmat, intrinsics(width, height, 2 * math.atan(seen / 2 / PORTRAIT_DISTANCE))

# SPDX-License-Identifier: GPL-3.0-or-later
"""A head's rotation as yaw, pitch and roll, and as a rotation vector.

In the head's frame (face towards -y, z up, x to its left): positive yaw turns the face to the head's left, positive
pitch lifts it, positive roll leans the head's top to its left. Roll comes first, then pitch, then yaw.
"""

import numpy as np

SMALL = 1e-9


def rotation_vectors(angles: np.ndarray) -> np.ndarray:
    """(T, 3) rotation vectors of (T, 3) yaw, pitch, roll, radians."""
    yaw, pitch, roll = np.asarray(angles, np.float64).T
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def stack(*rows) -> np.ndarray:
        return np.stack(rows, axis=1).reshape(-1, 3, 3)

    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, -pitch, roll) for f in (np.cos, np.sin))
    about_z = stack(cy, -sy, zero, sy, cy, zero, zero, zero, one)
    about_x = stack(one, zero, zero, zero, cp, -sp, zero, sp, cp)
    about_y = stack(cr, zero, sr, zero, one, zero, -sr, zero, cr)
    turn = about_z @ about_x @ about_y
    axis = np.stack([turn[:, i, j] - turn[:, j, i] for i, j in ((2, 1), (0, 2), (1, 0))], axis=1) / 2
    sine = np.linalg.norm(axis, axis=1)
    angle = np.arctan2(sine, (np.trace(turn, axis1=1, axis2=2) - 1.0) / 2.0)
    return axis * (angle / np.maximum(sine, SMALL))[:, None] * (sine > SMALL)[:, None]


def yaw_pitch_roll(vectors: np.ndarray) -> np.ndarray:
    """(T, 3) yaw, pitch, roll of (T, 3) rotation vectors, radians; pitch within a quarter turn."""
    vectors = np.asarray(vectors, np.float64)
    angle = np.linalg.norm(vectors, axis=1)
    x, y, z = (vectors / np.maximum(angle, SMALL)[:, None]).T
    c, s = np.cos(angle), np.sin(angle)
    d = 1.0 - c
    pitch = -np.arcsin(np.clip(y * z * d + x * s, -1.0, 1.0))
    yaw = np.arctan2(-(x * y * d - z * s), c + y * y * d)
    roll = np.arctan2(-(x * z * d - y * s), c + z * z * d)
    return np.stack([yaw, pitch, roll], axis=1)

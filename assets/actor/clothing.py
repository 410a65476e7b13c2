# SPDX-License-Identifier: GPL-3.0-or-later
"""A knitted crew-neck jumper, lofted around the neck: rolled collar, sloping shoulders, chest."""

import numpy as np

from .facekit import NECK

AROUND = 96
UP = 14  # a step of the loft between two rings

# Rings from inside the collar over its roll down to the chest: height, middle y, half width, half depth, roundness.
RINGS = (
    (-0.142, 0.018, 0.062, 0.058, 2.0), (-0.118, 0.018, 0.0635, 0.0595, 2.0), (-0.112, 0.018, 0.067, 0.063, 2.0),
    (-0.114, 0.018, 0.072, 0.068, 2.0), (-0.126, 0.017, 0.077, 0.073, 2.0), (-0.137, 0.016, 0.081, 0.075, 2.0),
    (-0.141, 0.015, 0.092, 0.078, 2.1), (-0.155, 0.012, 0.125, 0.088, 2.2), (-0.172, 0.010, 0.160, 0.100, 2.3),
    (-0.195, 0.008, 0.190, 0.112, 2.5), (-0.240, 0.004, 0.212, 0.122, 2.6), (-0.330, 0.000, 0.220, 0.128, 2.6),
)


def jumper(neck: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (N, 3) in metres and quads (Q, 4), outside facing out; `neck` is the neck's width against the mean."""
    rings = np.array(RINGS)
    rings[:, 2:4] *= np.interp(rings[:, 0], [-0.19, -0.14], [1.0, max(neck, 0.9)])[:, None]
    place = np.linspace(0.0, len(rings) - 1.0, (len(rings) - 1) * UP // 4 + 1)
    profile = np.stack([smooth(place, rings[:, column]) for column in range(rings.shape[1])], axis=1)
    turn = 2.0 * np.pi * np.arange(AROUND) / AROUND
    z, middle, width, depth, round_ = (profile[:, column, None] for column in range(5))
    c, s = np.cos(turn)[None], np.sin(turn)[None]
    x = width * np.sign(c) * np.abs(c) ** (2.0 / round_)
    y = middle + depth * np.sign(s) * np.abs(s) ** (2.0 / round_)
    # The throat slopes forwards into the chest.
    y = y - 0.013 * np.clip(-s, 0.0, 1.0) ** 2
    # The collar and the chest hang lower in front than at the nape.
    z = z - 0.020 * np.clip(-s, 0.0, 1.0) ** 1.5 + 0.014 * np.clip(s, 0.0, 1.0)
    vertices = np.stack([x, y, z * np.ones_like(x)], axis=-1)
    index = np.arange(vertices.shape[0] * AROUND).reshape(-1, AROUND)
    after = np.roll(index, -1, axis=1)
    quads = np.stack([index[:-1], index[1:], after[1:], after[:-1]], axis=-1).reshape(-1, 4)
    return vertices.reshape(-1, 3), quads


def neck_width(rest: np.ndarray, template: np.ndarray) -> float:
    """The neck's width and depth where the collar lies, as a factor of the mean's; (V, 3) each."""
    ring = np.flatnonzero(np.abs(template[:NECK[1], 2] + 0.110) < 0.008)
    return float(np.max(np.ptp(rest[ring, :2], axis=0) / np.ptp(template[ring, :2], axis=0)))


def covered(template: np.ndarray) -> np.ndarray:
    """(V,) bool: the skin that the jumper hides, and that would show through it on broad shoulders."""
    x, y, z = template.T
    return ((z < -0.160) | (z < -0.113) & ((np.abs(x) > 0.066) | (y > 0.020))) & (np.arange(len(template)) < NECK[1])


def smooth(place: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Catmull-Rom through values at the whole numbers."""
    low = np.clip(place.astype(int), 0, len(values) - 2)
    t = place - low
    p0, p1, p2, p3 = (values[np.clip(low + shift, 0, len(values) - 1)] for shift in (-1, 0, 1, 2))
    return 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t ** 2
                  + (3 * p1 - p0 - 3 * p2 + p3) * t ** 3)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Baked light: half-Lambert lamps, ambient occlusion by the distance field, and a little gloss.

Half-Lambert: Mitchell, McTaggart, Green: Shading in Valve's Source engine, SIGGRAPH 2006. Occlusion from five samples
of the distance field: Evans: Fast approximations for global illumination on dynamic scenes, SIGGRAPH 2006.
"""

import numpy as np

from .puppet_eyes import clearance
from .puppet_patch import Patch, unit
from .puppet_surface import distance

KEY = unit(np.array([-0.50, -0.72, 0.62]))
FILL = unit(np.array([0.85, -0.60, 0.05]))
RIM = unit(np.array([0.62, 0.62, 0.45]))
KEY_COLOR = np.array([1.00, 0.95, 0.88])
FILL_COLOR = np.array([0.23, 0.28, 0.36])
RIM_COLOR = np.array([0.30, 0.28, 0.27])
SKY = np.array([0.20, 0.21, 0.24])
BOUNCE = np.array([0.17, 0.12, 0.10])


def occlusion(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """(N,) 1 in the open to 0 in a deep fold, from face, eyes and neck."""
    blocked = np.zeros(len(points))
    for step, share in ((0.004, 0.40), (0.009, 0.28), (0.016, 0.20), (0.028, 0.14), (0.045, 0.10)):
        probe = points + step * normals
        free = np.minimum(np.minimum(distance(probe), clearance(probe)), _body(probe))
        blocked += share * np.clip((step - free) / step, 0.0, 1.0)
    return np.clip(1.0 - blocked, 0.0, 1.0)


def _body(points: np.ndarray) -> np.ndarray:
    """Distance to shoulders and collar, roughly."""
    scaled = (points - [0, 0.024, -0.215]) / [0.125, 0.072, 0.060]
    return (np.linalg.norm(scaled, axis=-1) - 1.0) * 0.060


def shade(patch: Patch) -> np.ndarray:
    """(N, 3) sRGB of a patch as it stands under the lamps."""
    n = patch.normals

    def lamp(direction: np.ndarray, power: float) -> np.ndarray:
        return ((0.5 + 0.5 * (n @ direction)) ** power)[:, None]

    open_air = 1 - (patch.shelter * (1 - occlusion(patch.means, n)))[:, None]
    up = (0.5 + 0.5 * n[:, 2])[:, None]
    light = KEY_COLOR * lamp(KEY, 2.0) * (0.35 + 0.65 * open_air) + FILL_COLOR * lamp(FILL, 1.5) * open_air
    light = light + RIM_COLOR * np.maximum(n @ RIM, 0.0)[:, None] ** 1.5 + (SKY * up + BOUNCE * (1 - up)) * open_air
    half = unit(KEY + np.array([0.0, -1.0, 0.1]))
    spark = (np.maximum(n @ half, 0.0) ** 28)[:, None] * patch.gloss[:, None]
    lit = patch.albedo * light + 0.35 * spark * KEY_COLOR
    color = lit * (1 - patch.glow[:, None]) + patch.albedo * patch.glow[:, None]
    return np.clip(color, 0.0, 1.0) ** (1 / 2.2)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet's knitted jumper: shoulders, and a rolled collar with ribs."""

import numpy as np

from .puppet_patch import Patch, grid_patch, linear, smoothstep

WOOL = linear((0.16, 0.50, 0.55))
STRIPE = linear((0.95, 0.74, 0.33))
_Z = [-0.142, -0.150, -0.158, -0.168, -0.182, -0.204, -0.232, -0.258, -0.272, -0.276]
_HALF_X = [0.046, 0.056, 0.070, 0.092, 0.112, 0.126, 0.131, 0.124, 0.092, 0.010]
_HALF_Y = [0.044, 0.049, 0.054, 0.060, 0.067, 0.073, 0.075, 0.070, 0.052, 0.006]


def jumper() -> Patch:
    """The body, ending round below like a plush bust."""
    rows = np.concatenate([np.linspace(-0.142, -0.262, 14), [-0.267, -0.271, -0.274, -0.276]])
    z, turn = np.meshgrid(rows, np.linspace(0, 2 * np.pi, 40, endpoint=False), indexing="ij")
    half_x, half_y = np.interp(-z, -np.array(_Z), _HALF_X), np.interp(-z, -np.array(_Z), _HALF_Y)
    ribs = 0.0010 * np.sin(turn * 10)
    points = np.stack([(half_x + ribs) * np.sin(turn), 0.024 - (half_y + ribs) * np.cos(turn), z], axis=-1)
    knit = 1 + 0.10 * np.sin(turn * 10) + 0.05 * np.sin(np.arange(len(rows)) * np.pi)[:, None]
    band = (smoothstep(-0.186, -0.190, z) * smoothstep(-0.206, -0.202, z))[..., None]
    albedo = (WOOL * (1 - band) + STRIPE * band) * knit[..., None]
    centre = np.stack([0 * z, 0 * z + 0.024, np.maximum(z, -0.235)], axis=-1)
    return grid_patch(points, points + (points - centre) + [0, 0, 0.005], albedo, cover=0.72)


def collar() -> Patch:
    """A rolled collar about the neck."""
    turn, around = np.meshgrid(
        np.linspace(0, 2 * np.pi, 60, endpoint=False), np.linspace(0, 2 * np.pi, 9, endpoint=False), indexing="ij"
    )
    tube = 0.0110 * (1 + 0.10 * np.sin(turn * 20))
    out = 0.047 + tube * np.cos(around)
    points = np.stack(
        [out * np.sin(turn), 0.022 - 0.96 * out * np.cos(turn), -0.138 + 1.25 * tube * np.sin(around)], axis=-1
    )
    points[..., 2] += 0.06 * out * np.cos(turn)  # a little higher under the chin
    centre = np.stack([0.047 * np.sin(turn), 0.022 - 0.96 * 0.047 * np.cos(turn), 0 * turn - 0.138], axis=-1)
    rib = (1 + 0.16 * np.sin(turn * 20))[..., None]
    return grid_patch(points, points + (points - centre), WOOL * 1.12 * rib, cover=0.72)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet's lips, teeth, tongue and the dark inside of its mouth."""

import numpy as np

from .puppet_patch import Patch, grid_patch, join, linear, smoothstep
from .puppet_surface import MOUTH_HALF, MOUTH_Z, front, gradient, slit

LIP = linear((0.81, 0.47, 0.42))
LIP_DARK = linear((0.45, 0.14, 0.14))
INSIDE = linear((0.26, 0.05, 0.07))
TOOTH = linear((0.98, 0.96, 0.91))
GUM = linear((0.80, 0.38, 0.40))
TONGUE = linear((0.86, 0.40, 0.42))


def lip_height(s: np.ndarray, side: int) -> np.ndarray:
    """Metres from the slit to the lip's border at s in [-1, 1] along the mouth: the upper with its cupid's bow."""
    body = np.sqrt(np.maximum(1 - s * s, 0.0))
    if side < 0:
        return 0.0010 + 0.0070 * body**1.15
    return 0.0010 + 0.0044 * body + 0.0010 * np.exp(-(((np.abs(s) - 0.20) / 0.14) ** 2)) - 0.0004


def lip(side: int) -> Patch:
    """One lip: a half-round roll from its border over the crest to the slit, then back into the mouth."""
    even = np.linspace(-0.5, 0.5, 43)
    s, t = np.meshgrid(0.5 * np.sin(np.pi * even) + even, np.linspace(0.0, 1.55, 10), indexing="ij")  # dense at corners
    height = lip_height(s, side)
    round_part = np.minimum(t, 1.0)
    rise = height * (1 + np.cos(np.pi * round_part)) / 2
    plump = (0.0036 if side < 0 else 0.0030) * np.sqrt(np.maximum(1 - s**4, 0.0)) + 0.0006
    out = plump * np.sin(np.pi * round_part) ** 0.8
    back = np.maximum(t - 1.0, 0.0) * 0.016
    rise = rise + np.maximum(t - 1.0, 0.0) * 0.006
    x = MOUTH_HALF * s
    z = slit(x) + side * rise
    points = np.stack([x, front(x, z), z], axis=-1)
    points = points + gradient(points, nose=False) * out[..., None] + np.stack([0 * x, back, 0 * x], axis=-1)
    inner = smoothstep(0.72, 1.25, t)[..., None]
    edge = smoothstep(0.20, 0.0, t)[..., None]
    albedo = (LIP * (0.86 if side > 0 else 1.0)) * (1 - inner) + LIP_DARK * inner
    albedo = albedo * (1 - 0.5 * edge) + linear((0.90, 0.62, 0.51)) * 0.5 * edge
    outside = points + np.array([0.0, -0.03, 0.0]) - side * np.array([0, 0, 0.02]) * smoothstep(0.9, 1.1, t)[..., None]
    patch = grid_patch(points, outside, albedo, side=side, gloss=0.5, shelter=0.55)
    patch.scales[:, 0] *= 1.4  # room for a smile
    return patch


def _arch(x: np.ndarray, depth: float) -> np.ndarray:
    """y of a dental arch at x, `depth` behind the lips' line."""
    return front(0 * x, 0 * x + MOUTH_Z) + depth + 26.0 * x * x


def teeth(side: int) -> Patch:
    """A row of rounded teeth with its gum, +1 the upper, -1 the lower."""
    widths = np.array([0.0078, 0.0066, 0.0060, 0.0054]) * (1.0 if side > 0 else 0.84)
    edges = np.concatenate([[0.0], np.cumsum(widths)])
    depth, length = (0.0098, 0.0098) if side > 0 else (0.0122, 0.0080)
    tip = MOUTH_Z + (-0.0016 if side > 0 else -0.0030)
    patches = []
    for left, right in zip(edges[:-1], edges[1:]):
        for mirror in (1, -1):
            u, v = np.meshgrid(np.linspace(0.0, 1.0, 5), np.linspace(0.0, 1.0, 5), indexing="ij")
            x = mirror * (left + (right - left) * (0.06 + 0.88 * u))
            corner = 0.0012 * (2 * np.abs(u - 0.5)) ** 3 * smoothstep(0.35, 0.0, v)
            z = tip + side * (v * length + corner)
            bulge = 0.0016 * np.sqrt(np.maximum(1 - (1.7 * (u - 0.5)) ** 2, 0)) * (1 - 0.5 * v)
            points = np.stack([x, _arch(x, depth) - bulge, z], axis=-1)
            shade = (1 - 0.16 * (2 * np.abs(u - 0.5)) ** 4) * (1 - 0.25 * v) * (1 - 0.30 * (np.abs(x) / 0.028) ** 2)
            patches.append(grid_patch(points, np.array([0, -0.3, tip]), TOOTH * shade[..., None] * 0.86, glow=1.0))
    x, v = np.meshgrid(np.linspace(-edges[-1], edges[-1], 13), np.linspace(0.0, 1.0, 3), indexing="ij")
    points = np.stack([x, _arch(x, depth - 0.0006), tip + side * (length * 0.92 + 0.006 * v)], axis=-1)
    patches.append(grid_patch(points, np.array([0, -0.3, tip]), GUM * 0.55, glow=1.0))
    return join(patches)


def tongue() -> Patch:
    """A soft wedge lying on the mouth's floor."""
    along, around = np.meshgrid(np.linspace(0.0, 1.0, 13), np.linspace(0, 2 * np.pi, 16, endpoint=False), indexing="ij")
    profile = np.sqrt(np.maximum(1 - np.maximum((along - 0.55) / 0.45, 0.0) ** 2, 0.0)) + 0.02
    tip_y = float(front(np.zeros(1), np.full(1, MOUTH_Z))[0]) + 0.0150
    y = tip_y + 0.042 * (1 - along)
    arch = 0.004 * np.sin(np.pi * (1 - along))
    x = 0.0165 * profile * np.cos(around)
    z = MOUTH_Z - 0.0075 + arch + 0.0042 * profile * np.sin(around) - 0.0012 * np.exp(-((x / 0.003) ** 2))
    points = np.stack([x, y, z], axis=-1)
    centre = np.stack([0 * x, y + 0.001 * (1 - along), 0 * x + MOUTH_Z - 0.0075 + arch], axis=-1)
    shade = (0.30 + 0.70 * along[..., None] ** 1.3) * (0.72 + 0.28 * np.sin(around))[..., None]
    groove = 1 - 0.22 * np.exp(-((x / 0.0025) ** 2))[..., None] * (np.sin(around) > 0)[..., None]
    patch = grid_patch(
        points, points + (points - centre), TONGUE * shade * groove * 0.85, along=along, gloss=0.4, glow=1.0
    )
    patch.scales = np.minimum(patch.scales, 0.0036 * (1 - 0.6 * along.reshape(-1, 1) ** 8))
    return patch


def cavity() -> Patch:
    """A dark pocket behind the lips; its walls are tall enough to stay closed when the jaw pulls them apart."""
    rim = np.pi / 2 * (1 + np.sin(np.linspace(-0.5, 0.5, 13) * np.pi))  # dense, with small discs, behind the lips
    poles = 0.47 * np.pi * np.sin(np.linspace(-0.5, 0.5, 11) * np.pi)  # and above and below
    lat, lon = np.meshgrid(poles, rim, indexing="ij")
    centre = np.array([0.0, float(front(np.zeros(1), np.full(1, MOUTH_Z))[0]) + 0.011, MOUTH_Z])
    ball = np.stack([np.cos(lon) * np.cos(lat), np.sin(lon) * np.cos(lat), np.sin(lat)], axis=-1)
    points = centre + np.array([0.0240, 0.0400, 0.0150]) * ball
    shade = 0.16 + 0.84 * smoothstep(0.7, 0.0, np.sin(lon) * np.cos(lat))[..., None]
    patch = grid_patch(points, np.broadcast_to(centre, points.shape), INSIDE * shade, glow=1.0, cover=0.75)
    patch.scales[:, 0] *= 1 + 0.8 * (np.cos(2.2 * lat).clip(0.0) * np.sin(lon)).reshape(-1)
    return patch


def covers(points: np.ndarray) -> np.ndarray:
    """(N,) whether a skin point lies where the lips are."""
    s = points[:, 0] / MOUTH_HALF
    above = points[:, 2] - slit(points[:, 0])
    inside = np.abs(s) < 1.0
    clipped = np.clip(s, -1, 1)
    high, low = lip_height(clipped, 1) - 0.0002, lip_height(clipped, -1) - 0.0002
    return inside & (above < high) & (above > -low) & (points[:, 1] < -0.03)



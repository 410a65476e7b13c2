# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet's face, ears, neck and brows."""

import numpy as np

from .puppet_eyes import clearance
from .puppet_mouth import covers
from .puppet_patch import Patch, grid_patch, join, linear, make_patch, smoothstep
from .puppet_surface import BROW_Z, along_rays, front, graded_spiral, gradient, slit

SKIN = linear((0.94, 0.70, 0.56))
BLUSH = linear((0.95, 0.42, 0.36))
HAIR = linear((0.36, 0.17, 0.09))


def face(rng: np.random.Generator) -> Patch:
    """The skin, finest about nose and mouth, without what lies under the eyes and the lips."""
    directions = graded_spiral(0.0025, 0.0080, np.radians(44), np.radians(88))
    points = along_rays(directions)
    spacing = 0.0025 + 0.0055 * smoothstep(np.radians(44), np.radians(88), np.arccos(np.clip(-directions[:, 1], -1, 1)))
    spacing = spacing * np.linalg.norm(points - [0, -0.012, 0], axis=1) / 0.092
    keep = (clearance(points) > -0.002) & ~covers(points)
    points, spacing = points[keep], spacing[keep]
    albedo = skin_albedo(points) * (1 + 0.025 * rng.standard_normal((len(points), 1)))
    near_lips = smoothstep(0.006, 0.0, np.abs(points[:, 2] - slit(points[:, 0]))) * (np.abs(points[:, 0]) < 0.029)
    scale = 0.66 * spacing * (1 - 0.3 * near_lips * (points[:, 1] < -0.04))
    return make_patch(points, gradient(points), scale, np.clip(albedo, 0, 1))


def skin_albedo(points: np.ndarray) -> np.ndarray:
    """(N, 3) points to (N, 3) linear colour: blush on cheeks, nose and ears, freckles, a rosy rim about the eyes."""
    side = np.abs(points[:, 0])
    frontal = smoothstep(0.0, -0.05, points[:, 1])

    def spot(x: float, z: float, radius_x: float, radius_z: float) -> np.ndarray:
        return np.exp(-(((side - x) / radius_x) ** 2) - ((points[:, 2] - z) / radius_z) ** 2) * frontal

    blush = 0.62 * spot(0.046, -0.036, 0.020, 0.014) + 0.40 * spot(0.0, -0.025, 0.013, 0.012)
    blush = blush + 0.22 * spot(0.0, -0.093, 0.016, 0.010)
    blush = blush + 0.30 * smoothstep(0.004, 0.0, clearance(points)) + 0.35 * smoothstep(0.080, 0.092, side) * (points[:, 2] < 0.03)
    blush = np.clip(blush, 0, 0.8)[:, None]
    return SKIN * (1 - blush) + BLUSH * blush


def ear(rng: np.random.Generator) -> Patch:
    """The left ear: a cupped disc with a rolled rim."""
    radius, turn = np.meshgrid(np.linspace(0.04, 1.0, 10), np.linspace(0, 2 * np.pi, 30, endpoint=False), indexing="ij")
    u, v = radius * np.cos(turn), radius * np.sin(turn)
    width = 0.0155 * (1 + 0.18 * v)
    rim = np.exp(-(((radius - 0.86) / 0.16) ** 2))
    bowl = -0.0050 * np.exp(-((u + 0.15) ** 2 + (v + 0.15) ** 2) / 0.16)
    fold = 0.0022 * np.exp(-(((radius - 0.50) / 0.13) ** 2)) * smoothstep(-0.6, 0.6, v)
    out = 0.0045 * rim + bowl + fold - 0.0050 * smoothstep(0.92, 1.0, radius)
    centre, axis_u = np.array([0.0905, 0.004, -0.008]), np.array([0.36, 0.93, 0.0])
    axis_n = np.array([0.93, -0.36, 0.0])
    points = centre + (u * width)[..., None] * axis_u + (v * 0.0235)[..., None] * np.array([0.10, 0.12, 0.98])
    points = points + out[..., None] * axis_n
    dark = (0.5 * np.exp(-((u + 0.15) ** 2 + (v + 0.15) ** 2) / 0.10) + 0.25 * np.exp(-(((radius - 0.68) / 0.10) ** 2)))[..., None]
    rosy = 0.30 * rim[..., None]
    albedo = (SKIN * (1 - rosy) + BLUSH * rosy) * (1 - dark * np.array([0.6, 0.8, 0.85]))
    front_side = grid_patch(points, points + axis_n, albedo, cover=0.7)
    back = points - np.where(radius < 0.97, 0.004, 0.0)[..., None] * axis_n
    return join([front_side, grid_patch(back, back - axis_n, SKIN * 0.8, cover=0.7)])


def neck(rng: np.random.Generator) -> Patch:
    """From inside the jaw down into the collar."""
    around, t = np.meshgrid(np.linspace(0, 2 * np.pi, 40, endpoint=False), np.linspace(0, 1, 14), indexing="ij")
    radius = 0.040 + 0.006 * (2 * t - 1) ** 2
    points = np.stack(
        [radius * np.sin(around), 0.016 + 0.008 * t - radius * np.cos(around), -0.055 - 0.105 * t], axis=-1
    )
    centre = np.stack([0 * t, 0.016 + 0.008 * t, points[..., 2]], axis=-1)
    return grid_patch(points, points + (points - centre), SKIN, cover=0.68)


def brow(rng: np.random.Generator) -> Patch:
    """The left brow: short thick strokes, combed up and out."""
    count = 150
    t = (np.arange(count) + 0.5) / count
    v = ((np.arange(count) * 0.618034) % 1.0) * 2 - 1
    thick = 0.0052 * (0.55 + 0.45 * np.sin(np.pi * np.minimum(t * 1.15 + 0.12, 1.0))) * smoothstep(1.08, 0.70, t)
    x = 0.0145 + 0.0440 * t
    z = BROW_Z - 0.004 + 0.0105 * np.sin(np.pi * (0.12 + 0.70 * t)) - 0.007 * t**3 + v * thick
    lift = 0.0030 * np.sqrt(np.maximum(1 - v * v, 0.0)) + 0.0008
    points = np.stack([x, front(x, z), z], axis=-1)
    normals = gradient(points, nose=False)
    points = points + normals * lift[:, None]
    comb = np.stack([0.6 + 0.6 * t, 0 * t, 0.75 - 1.15 * t + 0.15 * rng.standard_normal(count)], axis=-1)
    scales = np.array([0.0036, 0.0011, 0.0009]) * (0.85 + 0.3 * rng.random((count, 1)))
    albedo = np.clip(HAIR * (0.62 + 0.10 * rng.standard_normal((count, 1))), 0, 1)
    return make_patch(points, normals + 0.4 * v[:, None] * [0, 0, 1.0], scales, albedo, tangents=comb, gloss=0.1)



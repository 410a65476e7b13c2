# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet's face, ears, neck and brows."""

import numpy as np

from .puppet_eyes import clearance
from .puppet_mouth import covers
from .puppet_patch import Patch, grid_patch, join, linear, make_patch, smoothstep
from .puppet_surface import (
    BROW_Z, MOUTH_HALF, ORIGIN, above_hairline, along_rays, front, graded_spiral, gradient, slit,
)

SKIN = linear((0.94, 0.70, 0.56))
BLUSH = linear((0.95, 0.42, 0.36))
HAIR = linear((0.36, 0.17, 0.09))


def face(rng: np.random.Generator) -> Patch:
    """The skin, finest about nose and mouth, without what lies under eyes, lips and hair."""
    points, spacing, normals, rays = _spread(0.0032, 0.0080)
    keep = (clearance(points) > -0.001) & ~covers(points) & (above_hairline(points) < 0.012)
    points, spacing, normals, rays = points[keep], spacing[keep], normals[keep], rays[keep]
    albedo = skin_albedo(points) * (1 + 0.02 * rng.standard_normal((len(points), 1)))
    size = 0.68 * spacing
    slope = np.minimum(1 / np.abs((normals * rays).sum(axis=1)), 2.5)  # a slanting surface spreads the rays
    scales = size[:, None] * np.stack([slope, np.ones(len(size)), np.full(len(size), 0.2)], axis=1)
    return make_patch(points, normals, scales, np.clip(albedo, 0, 1), tangents=rays)


def under_skin() -> Patch:
    """A coarse second layer 2.5 mm down, which shows where an expression stretches the skin."""
    points, spacing, normals, _ = _spread(0.0064, 0.0100)
    above = np.abs(points[:, 2] - slit(points[:, 0]))
    mouth = (np.abs(points[:, 0]) < MOUTH_HALF + 0.003) & (above < 0.012)
    keep = (clearance(points) > 0.003) & ~mouth & (points[:, 1] < -0.02) & (above_hairline(points) < -0.006)
    points, spacing, normals = points[keep], spacing[keep], normals[keep]
    size = spacing * (0.75 - 0.30 * smoothstep(0.018, 0.010, above[keep]) * (np.abs(points[:, 0]) < MOUTH_HALF + 0.008))
    return make_patch(points - 0.0025 * normals, normals, size, skin_albedo(points) * 0.85, shelter=0.0)


def freckles(rng: np.random.Generator) -> Patch:
    """A handful on the nose's bridge and the cheeks."""
    x = np.concatenate([0.030 + 0.011 * rng.standard_normal(11), -0.030 + 0.011 * rng.standard_normal(11)])
    z = -0.0260 + 0.0050 * rng.standard_normal(22)
    points = np.stack([x, front(x, z), z], axis=-1)
    points = points[clearance(points) > 0.004]
    normals = gradient(points)
    sizes = 0.0007 + 0.0005 * rng.random(len(points))
    return make_patch(points + 0.0006 * normals, normals, sizes, SKIN * [0.62, 0.46, 0.38], opacity=0.55)


def _spread(fine: float, coarse: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points all over the skin with their spacing, normals, and the rays that found them."""
    rays = graded_spiral(fine, coarse, np.radians(42), np.radians(90))
    points = along_rays(rays)
    angle = np.arccos(np.clip(-rays[:, 1], -1, 1))
    spacing = fine + (coarse - fine) * smoothstep(np.radians(42), np.radians(90), angle)
    return points, spacing * np.linalg.norm(points - ORIGIN, axis=1) / 0.092, gradient(points), rays


def skin_albedo(points: np.ndarray) -> np.ndarray:
    """(N, 3) points to (N, 3) linear colour: blush on cheeks, nose and ears, freckles, a rosy rim about the eyes."""
    side = np.abs(points[:, 0])
    frontal = smoothstep(0.0, -0.05, points[:, 1])

    def spot(x: float, z: float, radius_x: float, radius_z: float) -> np.ndarray:
        return np.exp(-(((side - x) / radius_x) ** 2) - ((points[:, 2] - z) / radius_z) ** 2) * frontal

    blush = 0.46 * spot(0.046, -0.036, 0.020, 0.014) + 0.32 * spot(0.0, -0.025, 0.013, 0.012)
    blush = blush + 0.22 * spot(0.0, -0.093, 0.016, 0.010)
    blush = blush + 0.30 * smoothstep(0.004, 0.0, clearance(points))
    blush = blush + 0.35 * smoothstep(0.080, 0.092, side) * (points[:, 2] < 0.03)
    border = np.abs(points[:, 2] - slit(points[:, 0])) - 0.006
    beyond = np.maximum(side - MOUTH_HALF, 0.0)
    blush = blush + 0.30 * np.exp(-((np.maximum(border, 0.0) / 0.004) ** 2) - (beyond / 0.004) ** 2) * frontal
    blush = np.clip(blush, 0, 0.8)[:, None]
    return SKIN * (1 - blush) + BLUSH * blush


def ear() -> Patch:
    """The left ear: a cupped disc with a rolled rim."""
    radius, turn = np.meshgrid(np.linspace(0.05, 1.0, 8), np.linspace(0, 2 * np.pi, 20, endpoint=False), indexing="ij")
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
    dark = 0.5 * np.exp(-((u + 0.15) ** 2 + (v + 0.15) ** 2) / 0.10) + 0.25 * np.exp(-(((radius - 0.68) / 0.10) ** 2))
    rosy = 0.30 * rim[..., None]
    albedo = (SKIN * (1 - rosy) + BLUSH * rosy) * (1 - dark[..., None] * np.array([0.6, 0.8, 0.85]))
    front_side = grid_patch(points, points + axis_n, albedo, cover=0.7)
    back = points[::2, ::2] - np.where(radius < 0.97, 0.004, 0.0)[::2, ::2, None] * axis_n
    return join([front_side, grid_patch(back, back - axis_n, SKIN * 0.8, cover=0.7)])


def neck() -> Patch:
    """From inside the jaw down into the collar."""
    around, t = np.meshgrid(np.linspace(0, 2 * np.pi, 22, endpoint=False), np.linspace(0, 1, 12), indexing="ij")
    radius = 0.040 + 0.006 * (2 * t - 1) ** 2
    points = np.stack(
        [radius * np.sin(around), 0.016 + 0.008 * t - radius * np.cos(around), -0.055 - 0.105 * t], axis=-1
    )
    centre = np.stack([0 * t, 0.016 + 0.008 * t, points[..., 2]], axis=-1)
    return grid_patch(points, points + (points - centre), SKIN, cover=0.75)


def brow(rng: np.random.Generator) -> Patch:
    """The left brow: short thick strokes, combed up and out."""
    count = 100
    t = (np.arange(count) + 0.5) / count
    v = ((np.arange(count) * 0.618034) % 1.0) * 2 - 1
    thick = 0.0040 * (0.55 + 0.45 * np.sin(np.pi * np.minimum(t * 1.15 + 0.12, 1.0))) * smoothstep(1.08, 0.70, t)
    x = 0.0145 + 0.0440 * t
    z = BROW_Z - 0.005 + 0.0095 * np.sin(np.pi * (0.12 + 0.70 * t)) - 0.007 * t**3 + v * thick
    lift = 0.0030 * np.sqrt(np.maximum(1 - v * v, 0.0)) + 0.0008
    points = np.stack([x, front(x, z), z], axis=-1)
    normals = gradient(points, nose=False)
    points = points + normals * lift[:, None]
    comb = np.stack([0.6 + 0.6 * t, 0 * t, 0.75 - 1.15 * t + 0.15 * rng.standard_normal(count)], axis=-1)
    scales = np.array([0.0036, 0.0011, 0.0009]) * (0.85 + 0.3 * rng.random((count, 1)))
    albedo = np.clip(HAIR * (0.66 + 0.10 * rng.standard_normal((count, 1))), 0, 1)
    return make_patch(points, normals + 0.4 * v[:, None] * [0, 0, 1.0], scales, albedo, tangents=comb, gloss=0.1)



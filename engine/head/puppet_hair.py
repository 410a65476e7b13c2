# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet's hair: an undercoat, combed strokes over it, and locks that give the outline its character."""

import numpy as np

from .puppet_patch import Patch, dot, join, make_patch, smoothstep, unit
from .puppet_skin import HAIR
from .puppet_surface import above_hairline, along_rays, graded_spiral, gradient

CROWN = np.array([0.016, 0.062, 0.100])


def _combed(points: np.ndarray, normals: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Direction of growth: away from the crown, swept to one side over the forehead, a little unruly."""
    away = unit(points - CROWN)
    sweep = smoothstep(0.02, -0.08, points[:, 1])[:, None] * np.array([0.9, 0.0, 0.1])
    flow = away + sweep + 0.12 * rng.standard_normal(points.shape)
    return unit(flow - normals * dot(normals, flow))


def _tone(points: np.ndarray, tangents: np.ndarray, rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    clump = np.sin(190 * points[:, 0] + 60 * points[:, 2]) * np.sin(140 * points[:, 1] - 90 * points[:, 0])
    value = low + (high - low) * np.clip(0.5 + 0.25 * clump + 0.22 * rng.standard_normal(len(points)), 0, 1)
    half = unit(np.array([-0.25, -0.75, 0.60]))
    sheen = np.maximum(1 - (tangents @ half) ** 2, 0.0) ** 14
    return HAIR * (value + 0.35 * sheen)[:, None] + 0.015 * sheen[:, None]


def scalp(rng: np.random.Generator) -> Patch:
    """Undercoat and combed coat."""
    coats = []
    for spacing, offset, low, high, size in (
        (0.0106, 0.0030, 0.35, 0.60, (0.0088, 0.0068, 0.0012)),
        (0.0077, 0.0085, 0.48, 1.25, (0.0108, 0.0033, 0.0014)),
    ):
        directions = graded_spiral(spacing, spacing, 1.0, 2.0)
        points = along_rays(directions, offset)
        above = above_hairline(points)
        points = points[above > 0.0]
        above = above[above > 0.0]
        normals = gradient(points)
        tangents = _combed(points, normals, rng)
        swell = 0.0022 * np.sin(170 * points[:, 0] + 40 * points[:, 2] + 1.0) * np.sin(120 * points[:, 1])
        thin = smoothstep(0.0, 0.016, above)
        points = points + normals * ((swell + 0.0012 * rng.standard_normal(len(points))) * thin)[:, None]
        points = points - normals * (0.6 * offset * (1 - thin))[:, None]
        lean = normals + 0.15 * rng.standard_normal(points.shape)
        jitter = 0.85 + 0.3 * rng.random((len(points), 1))
        albedo = np.clip(_tone(points, tangents, rng, low, high), 0.0, 1.0)
        coats.append(make_patch(points, lean, np.array(size) * jitter, albedo, tangents=tangents))
    return join(coats)


def _direction(azimuth: float, elevation: float) -> np.ndarray:
    """Unit direction; azimuth 0 is the face, positive to the head's left, in degrees."""
    a, e = np.radians(azimuth), np.radians(elevation)
    return np.array([np.sin(a) * np.cos(e), -np.cos(a) * np.cos(e), np.sin(e)])


def _lock(control: np.ndarray, thickness: float, rng: np.random.Generator) -> Patch:
    """A tapered tube of strokes along a quadratic Bezier curve with `control` points (3, 3)."""
    nodes, ring = 7, 4
    t = np.repeat(np.linspace(0.02, 1.0, nodes), ring)[:, None]
    turn = (np.tile(np.arange(ring), nodes) + 0.5 * np.repeat(np.arange(nodes), ring)) * 2 * np.pi / ring
    centre = (1 - t) ** 2 * control[0] + 2 * t * (1 - t) * control[1] + t * t * control[2]
    along = unit(2 * (1 - t) * (control[1] - control[0]) + 2 * t * (control[2] - control[1]))
    side = unit(np.cross(along, centre))
    normal = np.cos(turn)[:, None] * side + np.sin(turn)[:, None] * np.cross(along, side)
    radius = thickness * np.sqrt(np.maximum(1 - t**2.2, 0.0)) * (0.75 + 0.5 * np.sin(np.pi * np.minimum(t * 1.3, 1)))
    flat = 1 - 0.35 * np.abs(np.sin(turn))[:, None]
    length = np.linalg.norm(control[2] - control[0]) / nodes
    scales = np.concatenate([0 * t + 0.75 * length, 0.62 * radius + 0.0006, 0 * t + 0.0005], axis=1)
    points = centre + normal * radius * flat
    albedo = _tone(points, along, rng, 0.62, 1.12) * (0.70 + 0.45 * t)
    return make_patch(points, normal, scales, np.clip(albedo, 0, 1), tangents=along)


def locks(rng: np.random.Generator) -> Patch:
    """A swept fringe, a tuft that stands up, and a few strands in the nape."""
    curves = [*_fringe(rng), *_tuft(rng), *_nape(rng)]
    azimuth, elevation, height = np.array([point for points, _ in curves for point in points]).T
    azimuth, elevation = np.radians(azimuth), np.radians(elevation)
    directions = np.stack(
        [np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)], axis=-1
    )
    control = (along_rays(directions) + height[:, None] * directions).reshape(-1, 3, 3)
    return join([_lock(points, thickness, rng) for points, (_, thickness) in zip(control, curves)])


# The curves of the locks: root, bend and tip as (azimuth, elevation in degrees, metres above the skin), and the
# thickness. Azimuth 0 is the face, positive to the head's left.


def _fringe(rng: np.random.Generator) -> list:
    """Rooted along a side parting: most fall over the forehead to the head's left, some to the right."""
    curves = []
    for f in np.linspace(0, 1, 13):
        tip = 47 - 20 * f * f + 6 * rng.standard_normal()
        curves.append((
            ((-34 + 62 * f, 66 - 8 * f, 0.006), (-18 + 62 * f, 58 - 6 * f, 0.023), (-30 + 96 * f, tip, 0.010)), 0.0085,
        ))
    for f in np.linspace(0, 1, 6):
        tip = 40 - 26 * f + 3 * rng.standard_normal()
        curves.append((
            ((-36 - 8 * f, 64 - 6 * f, 0.005), (-48 - 16 * f, 54 - 8 * f, 0.018), (-44 - 30 * f, tip, 0.007)), 0.0075,
        ))
    return curves


def _tuft(rng: np.random.Generator) -> list:
    curves = []
    for turn in np.arange(-40, 150, 24):
        turn = turn + 8 * rng.standard_normal()
        tip = (turn + 40, 70 + 5 * rng.standard_normal(), 0.026 + 0.014 * rng.random())
        curves.append((((turn, 74, 0.003), (turn + 12, 80, 0.028), tip), 0.0078))
    return curves


def _nape(rng: np.random.Generator) -> list:
    curves = []
    for side in (1, -1):
        for turn in (0, 16, 32, 48):
            tip = -34 + 3 * rng.standard_normal()
            bend = (side * (120 + turn), -18, 0.014)
            curves.append((((side * (118 + turn), 0, 0.006), bend, (side * (112 + turn), tip, 0.014)), 0.0080))
    return curves

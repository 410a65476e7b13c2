# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet's eyeballs, catch-lights, lids and lashes. Everything is made for the left eye and mirrored.

Lids are shells about the eyeball: `meridian` is the angle about the eye's own x axis (0 straight ahead, positive up),
`azimuth` the angle towards the corners. A lid's edge follows `edge`, which closes to a point at both corners.
"""

import numpy as np

from .puppet_patch import Patch, grid_patch, join, linear, make_patch, smoothstep
from .puppet_surface import EYE, EYE_RADIUS

UPPER_RADIUS, LOWER_RADIUS = 1.095 * EYE_RADIUS, 1.075 * EYE_RADIUS
UPPER_REST, LOWER_REST = np.radians(28.0), np.radians(-30.0)
MEETING = np.radians(-13.0)  # where the lids meet
CORNER = np.radians(66.0)
UPPER_BLINK = UPPER_REST - MEETING + np.radians(2.0)
LOWER_BLINK = MEETING - LOWER_REST + np.radians(1.0)
WHITE = linear((0.97, 0.965, 0.95))
IRIS = linear((0.18, 0.52, 0.50))
IRIS_RIM = linear((0.05, 0.17, 0.20))
LASH = linear((0.13, 0.07, 0.06))
LID = linear((0.89, 0.62, 0.52))


def edge(azimuth: np.ndarray, rest: float) -> np.ndarray:
    """Meridian of a lid's edge at an azimuth: `rest` in the middle, where the lids meet at the corners."""
    almond = np.sqrt(np.maximum(1 - (azimuth / CORNER) ** 2, 0.0))
    return MEETING * 0.6 + (rest - MEETING * 0.6) * almond


def lid_share(azimuth: np.ndarray) -> np.ndarray:
    """How much of its lid's turn a point takes: all in the middle, little at the corners, so that these stay put."""
    return np.sqrt(np.maximum(1 - np.minimum(np.abs(azimuth) / CORNER, 1.0) ** 2, 0.0))


def on_sphere(azimuth: np.ndarray, meridian: np.ndarray, radius) -> np.ndarray:
    """(...) angles to (..., 3) points about the left eye's centre."""
    return EYE + np.asarray(radius)[..., None] * np.stack(
        [np.sin(azimuth), -np.cos(azimuth) * np.cos(meridian), np.cos(azimuth) * np.sin(meridian)], axis=-1
    )


def angles(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(..., 3) points near the left eye to azimuth, meridian and radius."""
    p = points - EYE
    radius = np.linalg.norm(p, axis=-1)
    return np.arcsin(np.clip(p[..., 0] / radius, -1, 1)), np.arctan2(p[..., 2], -p[..., 1]), radius


def eyeball(rng: np.random.Generator) -> Patch:
    """Rings about the line of sight: pupil, iris with its dark rim, white."""
    white = [28.6, 32.5, 37.5, 43.5, 50.5, 58.5, 67.0]
    polar = np.radians(np.concatenate([[1.5, 4.5, 7.5, 10.2], np.arange(12.8, 27.0, 2.2), white]))
    patches = []
    step = np.gradient(polar)
    for angle, size in zip(polar, step):
        count = max(5, int(round(2 * np.pi * np.sin(angle) / max(size, np.radians(3.0)))))
        turn = (np.arange(count) + 0.5 * (count % 2)) * 2 * np.pi / count
        direction = np.stack(
            [np.sin(angle) * np.cos(turn), np.full(count, -np.cos(angle)), np.sin(angle) * np.sin(turn)], axis=-1
        )
        around = np.stack([-np.sin(turn), 0 * turn, np.cos(turn)], axis=-1)
        width = EYE_RADIUS * 2 * np.pi * np.sin(angle) / count
        scales = [0.62 * max(width, 2e-4), 0.60 * EYE_RADIUS * size, 0.0002]
        albedo = np.tile(WHITE, (count, 1))
        degrees = np.degrees(angle)
        if degrees > 30.0:
            scales = np.multiply(scales, 1.3)
        if degrees < 11.5:
            albedo[:] = linear((0.025, 0.02, 0.03))
        elif degrees < 27.0:
            rim = smoothstep(22.0, 25.5, degrees) + 0.55 * smoothstep(15.0, 12.0, degrees)
            streak = 1 + 0.22 * rng.standard_normal(count)
            low = 0.75 + 0.75 * smoothstep(0.5, -1.0, np.sin(turn))
            albedo = IRIS * (streak * low)[:, None] * (1 - min(rim, 1.0)) + IRIS_RIM * min(rim, 1.0)
            albedo = np.clip(albedo, 0.0, 1.0)
        points = EYE + EYE_RADIUS * direction
        patches.append(make_patch(points, direction, scales, albedo, tangents=around, gloss=0.3, shelter=0.6))
    return join(patches)


def catch_lights(mirror: int) -> Patch:
    """What the lamps leave on the cornea. It stays with the head when the eye turns, as a reflection does.

    Args:
        mirror: 1 for the left eye, -1 for the right, which is mirrored afterwards but lit from the same side.
    """
    spots = [(-11.0, 11.5, 0.0021, 1.0), (-8.3, 9.8, 0.0013, 1.0), (9.5, -9.0, 0.0012, 0.75)]
    azimuth = mirror * np.radians([s[0] for s in spots])
    meridian = np.radians([s[1] for s in spots])
    points = on_sphere(azimuth, meridian, np.full(len(spots), 1.045 * EYE_RADIUS))
    scales = np.multiply.outer([s[2] for s in spots], [1.0, 1.0, 0.1])
    patch = make_patch(points, points - EYE, scales, [1.0, 1.0, 1.0], glow=1.0)
    patch.opacities[:] = [s[3] for s in spots]
    return patch


def lid(side: int) -> Patch:
    """A lid's shell from its edge to far under the brow (`side` 1) or the cheek (-1)."""
    rest, radius, reach = (UPPER_REST, UPPER_RADIUS, 1.75) if side > 0 else (LOWER_REST, LOWER_RADIUS, 1.15)
    columns, rows = 19, 14 if side > 0 else 8
    azimuth, t = np.meshgrid(np.radians(np.linspace(-72, 72, columns)), np.linspace(0, 1, rows), indexing="ij")
    meridian = edge(azimuth, rest) + side * reach * t**1.25
    points = on_sphere(azimuth, meridian, np.full(t.shape, radius))
    rim = smoothstep(0.16, 0.02, t)[..., None]
    albedo = LID * (1 - 0.18 * rim) * (1.0 if side > 0 else 1.3)  # the lower faces away from the lamps
    return grid_patch(points, points + (points - EYE), albedo, gloss=0.12, shelter=0.2, cover=0.84)


def lashes(side: int) -> Patch:
    """The dark line of the lashes along a lid's edge, thicker outwards and with a small wing."""
    rest, radius = (UPPER_REST, UPPER_RADIUS) if side > 0 else (LOWER_REST, LOWER_RADIUS)
    count = 46 if side > 0 else 34
    azimuth = np.radians(np.linspace(-62, 64, count))
    meridian = edge(azimuth, rest) + side * np.radians(0.6)
    lift = 0.0016 + (0.0008 * smoothstep(-0.6, 0.9, azimuth) if side > 0 else 0.0)
    points = on_sphere(azimuth, meridian, radius + lift)
    along = np.gradient(points, axis=0)
    width = 0.0006 + 0.0009 * smoothstep(-0.9, 0.7, azimuth) if side > 0 else np.full(count, 0.0004)
    scales = np.stack([0.8 * np.linalg.norm(along, axis=-1), width, np.full(count, 0.0004)], axis=-1)
    albedo = LASH if side > 0 else 0.5 * LASH + 0.5 * LID * 0.6
    return make_patch(points, points - EYE, scales, albedo, tangents=along, shelter=0.0)


def mirrored(patch: Patch) -> Patch:
    """The patch for the other side of the face."""
    flip = np.array([-1.0, 1.0, 1.0])
    copy = patch.keep(slice(None))
    copy.means, copy.normals, copy.tangents = patch.means * flip, patch.normals * flip, patch.tangents * flip
    return copy


def clearance(points: np.ndarray) -> np.ndarray:
    """(N,) metres from the nearer eye's upper shell, negative inside it."""
    folded = np.abs(points[:, :1]) * [1.0, 0, 0] + points * [0, 1.0, 1.0]
    return np.linalg.norm(folded - EYE, axis=-1) - UPPER_RADIUS




def blink_correction(points: np.ndarray, side: int, mirror: int) -> np.ndarray:
    """(N, 3) what keeps a lid on its sphere at eyeBlink 1, where skinning alone cuts the corners short.

    Args:
        points: (N, 3) of the left eye.
        side: 1 upper, -1 lower.
        mirror: 1 gives the left eye's answer, -1 the right eye's.
    """
    azimuth, meridian, radius = angles(points)
    turn = -UPPER_BLINK if side > 0 else LOWER_BLINK  # of the meridian
    share = lid_share(azimuth)
    wanted = on_sphere(azimuth, meridian + share * turn, radius) - EYE
    c, s = np.cos(turn), np.sin(turn)
    full = np.array([[1.0, 0, 0], [0, c, s], [0, -s, c]])  # skinning's turn: the meridian grows from -y to +z
    blended = np.eye(3) + share[:, None, None] * (full - np.eye(3))
    move = np.linalg.solve(blended, wanted[..., None])[..., 0] + EYE - points
    return move * [mirror, 1.0, 1.0]

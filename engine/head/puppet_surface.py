# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet's measures, and its skin: a signed distance field of smoothly joined ellipsoids, hollow for the eyes.

Metres, the head's frame: origin between the ears, face towards -y, z up, x to the head's left. Smooth union after
Inigo Quilez (https://iquilezles.org/articles/smin/, quadratic).
"""

import numpy as np

from .puppet_patch import smoothstep, unit

EYE = np.array([0.0345, -0.0625, 0.0040])  # the left one; the right one is its mirror image
EYE_RADIUS = 0.0285
MOUTH_Z = -0.0610
MOUTH_HALF = 0.0260
MOUTH_CURVE = 0.0040  # how much higher the corners are
BROW_Z = 0.0445
ORIGIN = np.array([0.0, -0.012, 0.0])  # every point of the skin is in sight from here

_HAIRLINE_Y = [-0.120, -0.085, -0.060, -0.036, -0.018, -0.010, 0.004, 0.022, 0.036, 0.060, 0.120]
_HAIRLINE_Z = [0.090, 0.084, 0.074, 0.052, 0.028, 0.014, 0.022, 0.012, -0.022, -0.050, -0.056]

# centre, radii, width of the blend with what comes before
_SKULL = (
    ((0.0, 0.012, 0.032), (0.088, 0.096, 0.084), 0.0),
    ((0.0, -0.020, -0.036), (0.066, 0.066, 0.064), 0.045),
    ((0.038, -0.046, -0.038), (0.034, 0.034, 0.031), 0.030),
    ((-0.038, -0.046, -0.038), (0.034, 0.034, 0.031), 0.030),
    ((0.052, -0.042, 0.004), (0.026, 0.030, 0.036), 0.030),
    ((-0.052, -0.042, 0.004), (0.026, 0.030, 0.036), 0.030),
    ((0.0, -0.058, -0.084), (0.025, 0.024, 0.021), 0.034),
    ((0.0, -0.064, 0.046), (0.050, 0.022, 0.018), 0.040),
    ((0.0, -0.074, -0.058), (0.026, 0.016, 0.020), 0.030),
)
_SOCKET = ((0.0350, -0.0960, 0.0020), (0.0330, 0.0200, 0.0270), 0.012)
_NOSE = (
    ((0.0, -0.082, -0.006), (0.0085, 0.012, 0.026), 0.018),
    ((0.0, -0.0990, -0.0245), (0.0106, 0.0102, 0.0092), 0.014),
    ((0.0098, -0.0910, -0.0270), (0.0068, 0.0080, 0.0066), 0.009),
    ((-0.0098, -0.0910, -0.0270), (0.0068, 0.0080, 0.0066), 0.009),
)


def _ellipsoid(points: np.ndarray, centre: tuple, radii: tuple) -> np.ndarray:
    scaled = (points - centre) / radii
    length = np.linalg.norm(scaled, axis=-1)
    return length * (length - 1.0) / np.maximum(np.linalg.norm(scaled / radii, axis=-1), 1e-9)


def _smooth_union(a: np.ndarray, b: np.ndarray, width: float) -> np.ndarray:
    h = np.maximum(width - np.abs(a - b), 0.0) / width
    return np.minimum(a, b) - h * h * width / 4


def distance(points: np.ndarray, nose: bool = True) -> np.ndarray:
    """(..., 3) to (...), about the signed distance to the skin in metres, negative inside.

    Args:
        nose: with the nose; the skin slides over the face without it.
    """
    d = _ellipsoid(points, *_SKULL[0][:2])
    for centre, radii, width in _SKULL[1:]:
        d = _smooth_union(d, _ellipsoid(points, centre, radii), width)
    folded = np.stack([np.abs(points[..., 0]), points[..., 1], points[..., 2]], axis=-1)
    d = -_smooth_union(-d, _ellipsoid(folded, *_SOCKET[:2]), _SOCKET[2])
    for centre, radii, width in _NOSE if nose else ():
        d = _smooth_union(d, _ellipsoid(points, centre, radii), width)
    return d


def gradient(points: np.ndarray, nose: bool = True) -> np.ndarray:
    """(..., 3) unit outward normals of the distance field."""
    tetrahedron = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]], np.float64)
    return unit(sum(distance(points + 3e-4 * corner, nose)[..., None] * corner for corner in tetrahedron))


def front(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """y of the face without its nose at (x, z), arrays of one shape; 0 beside the face."""
    low, high = np.full(np.shape(x), -0.16), np.zeros(np.shape(x))
    for _ in range(17):
        middle = (low + high) / 2
        inside = distance(np.stack([x, middle, z], axis=-1), nose=False) < 0
        low, high = np.where(inside, low, middle), np.where(inside, middle, high)
    return (low + high) / 2


def along_rays(directions: np.ndarray, offset: float = 0.0) -> np.ndarray:
    """(N, 3) unit directions to (N, 3) points `offset` outside the skin, seen from ORIGIN."""
    near, far = np.full(len(directions), 0.02), np.full(len(directions), 0.20)
    for _ in range(16):
        middle = (near + far) / 2
        inside = distance(ORIGIN + middle[:, None] * directions) < offset
        near, far = np.where(inside, middle, near), np.where(inside, far, middle)
    return ORIGIN + ((near + far) / 2)[:, None] * directions


def graded_spiral(fine: float, coarse: float, start: float, end: float, radius: float = 0.092) -> np.ndarray:
    """Unit directions of a Fibonacci spiral about -y whose spacing grows with the angle.

    Args:
        fine, coarse: spacing in metres on a sphere of `radius`, up to `start` and from `end` (radians).

    Returns:
        (N, 3)
    """
    angle = np.linspace(0.0, np.pi, 2000)
    spacing = (fine + (coarse - fine) * smoothstep(start, end, angle)) / radius
    density = 2 * np.pi * np.sin(angle) / (0.866 * spacing**2)
    total = np.concatenate([[0.0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(angle))])
    count = int(total[-1])
    polar = np.interp(np.arange(count) + 0.5, total, angle)
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5))
    return np.stack([np.sin(polar) * np.cos(turn), -np.cos(polar), np.sin(polar) * np.sin(turn)], axis=-1)


def slit(x: np.ndarray) -> np.ndarray:
    """z of the line where the lips meet, at x in metres; beyond the corners it goes on level."""
    return MOUTH_Z + MOUTH_CURVE * np.minimum((x / MOUTH_HALF) ** 2, 1.4)


def above_hairline(points: np.ndarray) -> np.ndarray:
    """(N, 3) to (N,), metres above the line where hair begins."""
    return points[:, 2] - np.interp(points[:, 1], _HAIRLINE_Y, _HAIRLINE_Z)

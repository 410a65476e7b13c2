# SPDX-License-Identifier: GPL-3.0-or-later
"""A drawn head before a wall, with its landmarks and its true regions, for tests of masks."""

import numpy as np

from engine.capture.face_geometry import (
    FACE_OVAL, INNER_LIPS, LEFT_BROW, LEFT_EYE, OUTER_LIPS, RIGHT_BROW, RIGHT_EYE,
)  # fmt: skip

SIDE = 192
FACE_HALF = (36.0, 50.0)  # half the oval's width and height, pixels


def landmarks(x: float, y: float, opening: float = 6.0) -> np.ndarray:
    """(478, 2) pixels of a face whose oval's middle is at x, y; what no test looks at lies in the middle."""
    points = np.tile(np.array([x, y], np.float32), (478, 1))
    ring(points, FACE_OVAL, x, y, *FACE_HALF, start=-90)
    ring(points, OUTER_LIPS, x, y + 24, 14, 4 + opening / 2, start=180)
    ring(points, INNER_LIPS, x, y + 24, 11, opening / 2, start=180)
    for eye, brow, side in ((RIGHT_EYE, RIGHT_BROW, -1), (LEFT_EYE, LEFT_BROW, 1)):
        ring(points, eye, x + side * 15, y - 10, 7, 3, start=0)
        ring(points, brow, x + side * 15, y - 22, 9, 2, start=0)
    return points


def ring(points: np.ndarray, indices: tuple, x: float, y: float, half_x: float, half_y: float, start: float) -> None:
    """Lay a contour's points on an ellipse, clockwise in the picture from the angle `start` in degrees."""
    angles = np.radians(start) + 2 * np.pi * np.arange(len(indices)) / len(indices)
    points[list(indices)] = np.stack([x + half_x * np.cos(angles), y + half_y * np.sin(angles)], axis=1)


def regions(x: float, y: float, opening: float = 6.0) -> np.ndarray:
    """(SIDE, SIDE) uint8 true regions: shoulders, a cap of hair, face with ears, mouth."""
    ys, xs = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    dx, dy = xs - x, ys - y

    def ellipse(cx, cy, half_x, half_y):
        return ((dx - cx) / half_x) ** 2 + ((dy - cy) / half_y) ** 2 < 1

    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[(np.abs(dx) < 22) & (dy > 30)] = 4
    mask[(np.abs(dx) < 40 + 1.5 * (dy - 56)) & (dy > 56)] = 4
    mask[ellipse(0, -12, 46, 54) & (dy < 0)] = 1
    mask[ellipse(0, 0, *FACE_HALF)] = 2
    mask[ellipse(-40, 0, 6, 10) | ellipse(40, 0, 6, 10)] = 2
    mask[ellipse(0, 24, 11, opening / 2)] = 3
    return mask


def paint(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8 picture of these regions with noise."""
    ys, xs = np.mgrid[0:SIDE, 0:SIDE]
    wall = np.stack([90 + 50 * np.sin(xs / 19), 130 + 40 * np.cos(ys / 23), 120 + 0.3 * xs], axis=2)
    colours = np.array([[0, 0, 0], [60, 38, 25], [214, 160, 132], [70, 20, 25], [40, 60, 120]], float)
    image = np.where((mask == 0)[..., None], wall, colours[mask])
    return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)

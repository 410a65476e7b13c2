# SPDX-License-Identifier: GPL-3.0-or-later
"""Squares of a film: where they lie, and that camera and landmarks go with them."""

import numpy as np
import pytest
from drawn_head import landmarks

from engine.capture.crop import cropped_camera, cropped_points, shot_squares
from engine.capture.face_geometry import FACE_OVAL

SIZE = (800, 450)


def moved(places) -> np.ndarray:
    return np.stack([landmarks(x, y) for x, y in places])


def test_a_head_that_stays_gets_one_square_with_its_hair_and_shoulders():
    points = moved([(300 + 5 * np.sin(k), 200) for k in range(40)])
    frames = np.arange(0, 40, 2)
    squares = shot_squares(points, frames, SIZE, 25.0)
    assert squares.shape == (20, 3) and (squares == squares[0]).all()
    left, top, side = squares[0]
    oval = points[:, list(FACE_OVAL)]
    width, height = np.ptp(oval[0], axis=0)
    assert left < oval[..., 0].min() - 0.5 * width and left + side > oval[..., 0].max() + 0.5 * width
    assert top < oval[..., 1].min() - 0.3 * height and top + side > oval[..., 1].max() + 0.3 * height
    assert left >= 0 and top >= 0 and left + side <= SIZE[0] and top + side <= SIZE[1]


def test_a_head_that_travels_is_followed_slowly():
    rng = np.random.default_rng(0)
    path = np.linspace(150, 650, 250) + rng.normal(0, 2, 250)
    points = moved([(x, 220) for x in path])
    squares = shot_squares(points, np.arange(250), SIZE, 25.0)
    middle = squares[:, 0] + squares[:, 2] / 2
    assert np.abs(middle - path).max() < 12
    assert np.abs(np.diff(middle, 2)).max() < 0.2 and np.abs(np.diff(squares[:, 2])).max() < 0.5
    assert squares[:, 2].max() < 0.8 * SIZE[1]


def test_a_head_that_travels_is_followed_where_the_film_is_low():
    points = moved([(x, 110) for x in np.linspace(120, 680, 200)])
    squares = shot_squares(points, np.arange(200), (800, 220), 25.0)
    left, right = squares[:, 0], squares[:, 0] + squares[:, 2]
    oval = points[:, list(FACE_OVAL), 0]
    assert (left < oval.min(1)).all() and (oval.max(1) < right).all() and (squares[:, 2] <= 220).all()


def test_a_square_never_leaves_the_picture():
    points = moved([(30, 60), (770, 400)] * 10)
    squares = shot_squares(points, np.arange(20), SIZE, 25.0)
    assert squares[:, :2].min() >= 0 and (squares[:, :2] + squares[:, 2:] <= np.array(SIZE) + 1e-6).all()


def test_camera_and_landmarks_go_with_the_square():
    rng = np.random.default_rng(0)
    K = np.array([[900.0, 0, 400], [0, 900, 225], [0, 0, 1]])
    squares = np.array([[100.0, 20, 300], [37.5, 11, 150]])
    camera = rng.uniform([-0.1, -0.1, 0.9], [0.1, 0.1, 1.2], (2, 9, 3))
    film = camera[..., :2] / camera[..., 2:] * 900 + K[:2, 2]
    Ks = cropped_camera(K, squares, 512)
    again = np.einsum("tij,tpj->tpi", Ks, camera)
    assert again[..., :2] / again[..., 2:] == pytest.approx(cropped_points(film, squares, 512), abs=1e-3)
    assert cropped_points(np.array([[[100.0, 20.0]]]), squares[:1], 512) == pytest.approx(0.0)

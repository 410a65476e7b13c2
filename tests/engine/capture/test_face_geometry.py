# SPDX-License-Identifier: GPL-3.0-or-later
"""Contours of landmarks become pixels."""

import numpy as np
import pytest

import drawn_head

from engine.capture.face_geometry import face_width, fill, head_coordinates, mouth_interior


def test_a_filled_square_has_its_pixels():
    got = fill(np.array([[2, 3], [7, 3], [7, 9], [2, 9]], float), 12, 10)
    want = np.zeros((12, 10), bool)
    want[3:9, 2:7] = True
    np.testing.assert_array_equal(got, want)


def test_a_filled_circle_has_its_area():
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    circle = np.stack([30.3 + 20 * np.cos(angles), 28.7 + 20 * np.sin(angles)], axis=1)
    assert fill(circle, 60, 60).sum() == pytest.approx(np.pi * 400, rel=0.01)


def test_a_contour_beyond_the_picture_is_cut():
    got = fill(np.array([[-50, -50], [4, -50], [4, 50], [-50, 50]], float), 8, 8)
    assert got[:, :4].all() and not got[:, 4:].any()


@pytest.mark.parametrize("opening", [6, 12, 24])
def test_the_mouth_interior_is_what_lies_within_the_inner_lips(opening):
    got = mouth_interior(drawn_head.landmarks(96, 80, opening), drawn_head.SIDE, drawn_head.SIDE)
    want = drawn_head.regions(96, 80, opening) == 3
    assert (got & want).sum() / (got | want).sum() > 0.75 + 0.006 * opening


def test_closed_lips_have_no_interior():
    assert not mouth_interior(drawn_head.landmarks(96, 80, 0.8), 192, 192).any()


def test_head_coordinates_turn_and_scale_with_the_head():
    points = drawn_head.landmarks(96, 80)
    u, v = head_coordinates(points, 192, 192)
    scale = face_width(points)
    assert u[79, 95] == pytest.approx(-0.5 / scale, abs=1e-3) and v[129, 95] == pytest.approx(49.5 / scale, abs=1e-3)
    middle = np.array([96, 80])
    quarter = (points - middle) @ np.array([[0, 1], [-1, 0]]) + middle  # the chin now points left
    u, v = head_coordinates(quarter.astype(np.float32), 192, 192)
    assert v[79, 45] == pytest.approx(50.5 / scale, abs=1e-3) and abs(u[79, 45]) < 0.02

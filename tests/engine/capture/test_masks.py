# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of a drawn head that moves before a wall."""

import sys

import numpy as np
import pytest

import drawn_head

from engine.capture.masks import RegionMasks
from engine.errors import InputError, MissingPackageError

PLACES = [(96 + 10 * np.sin(k / 2), 84 + 5 * np.cos(k / 3), 4 + 8 * (k % 3)) for k in range(12)]


@pytest.fixture(scope="module")
def film():
    rng = np.random.default_rng(0)
    truths = [drawn_head.regions(*place) for place in PLACES]
    return [(drawn_head.paint(truth, rng), drawn_head.landmarks(*place), truth) for truth, place in zip(truths, PLACES)]


@pytest.fixture(scope="module")
def masks(film):
    pytest.importorskip("cv2", reason="region masks need OpenCV")
    return RegionMasks([(image, points) for image, points, _ in film[:8]])


def overlap(got: np.ndarray, want: np.ndarray) -> float:
    return float((got & want).sum() / max((got | want).sum(), 1))


def test_every_region_is_found_in_pictures_it_did_not_learn_from(masks, film):
    for image, points, truth in film[8:]:
        mask = masks(image, points)
        assert mask.shape == truth.shape and mask.dtype == np.uint8
        assert overlap(mask > 0, truth > 0) > 0.95
        for region, least in ((0, 0.95), (1, 0.85), (2, 0.93), (3, 0.7), (4, 0.9)):
            assert overlap(mask == region, truth == region) > least, region


def test_the_same_samples_give_the_same_masks(masks, film):
    again = RegionMasks([(image, points) for image, points, _ in film[:8]])
    np.testing.assert_array_equal(masks(*film[9][:2]), again(*film[9][:2]))


def test_alpha_says_where_the_person_is(masks, film):
    image, points, truth = film[10]
    mask = masks(np.dstack([image, np.where(truth > 0, 255, 0).astype(np.uint8)]), points)
    np.testing.assert_array_equal(mask > 0, truth > 0)


def test_a_background_that_moves_is_borne(film):
    pytest.importorskip("cv2", reason="region masks need OpenCV")
    rng = np.random.default_rng(1)
    moved = []
    for k, (image, points, truth) in enumerate(film):
        wall = np.roll(np.where((truth > 0)[..., None], 0, image), 9 * k, axis=1)
        noise = rng.integers(90, 160, (1, 1, 3))
        wall = np.where(wall == 0, noise, wall)
        moved.append((np.where((truth > 0)[..., None], image, wall).astype(np.uint8), points, truth))
    masks = RegionMasks([sample[:2] for sample in moved[:8]])
    for image, points, truth in moved[8:]:
        assert overlap(masks(image, points) > 0, truth > 0) > 0.9


def test_no_face_is_told():
    with pytest.raises(InputError, match="No picture with a face"):
        RegionMasks([])


def test_a_missing_package_is_told(monkeypatch, film):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingPackageError, match="OpenCV"):
        RegionMasks([film[0][:2]])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures at the size that is fitted, and the background behind a film."""

import shutil

import numpy as np
import pytest

from engine.capture.storage import load_capture, read_picture
from engine.errors import FormatError
from engine.fit.pictures import Pictures, fitted_size, grown
from engine.fit.plate import background_plates, fill_holes
from engine.report import Report


def test_pictures_come_premultiplied_and_as_they_are(character, tmp_path):
    capture = load_capture(character)
    pictures = Pictures(tmp_path, character, capture, (64, 64))
    true, mask = read_picture(character, capture, 7)
    alpha = true[..., 3:].astype(np.float64) / 255
    assert np.abs(pictures.colors(7) - true[..., :3] / 255 * alpha).max() < 1.01 / 255
    assert np.abs(pictures.alpha(7) - alpha[..., 0]).max() < 1e-6
    assert (pictures.regions(7) == mask).all()


def test_smaller_pictures_are_means_and_their_cameras_follow(character, tmp_path):
    capture = load_capture(character)
    pictures = Pictures(tmp_path, character, capture, (32, 32))
    true, _ = read_picture(character, capture, 3)
    alpha = true[..., 3:].astype(np.float64) / 255
    means = (true[..., :3] / 255 * alpha).reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(pictures.colors(3) - means).max() < 2.5 / 255
    assert np.allclose(pictures.Ks[3][:2], capture.Ks[3][:2] / 2)


def test_what_was_read_is_not_read_again(character, tmp_path, monkeypatch):
    capture = load_capture(character)
    before = Pictures(tmp_path, character, capture, (64, 64))
    before.read(Report())
    again = Pictures(tmp_path, character, capture, (64, 64))
    monkeypatch.setattr("engine.fit.pictures.read_picture", None)
    assert (again.colors(5) == before.colors(5)).all()


def test_a_size_never_exceeds_the_captures(character):
    capture = load_capture(character)
    assert fitted_size(capture, 512) == (64, 64)
    assert fitted_size(capture, 0) == (64, 64)
    assert fitted_size(capture, 40) == (40, 40)


def test_the_fringe_is_where_a_person_ends(character, tmp_path):
    capture = load_capture(character)
    pictures = Pictures(tmp_path, character, capture, (64, 64))
    person = pictures.regions(0) > 0
    edge = pictures.fringe(0)
    assert (edge == (grown(person, 2) & grown(~person, 2))).all()
    assert edge.any() and not edge.all()


def test_the_wall_behind_a_film_is_found(film, tmp_path):
    capture = load_capture(film)
    pictures = Pictures(tmp_path, film, capture, (64, 64))
    plates, which = background_plates(pictures, np.arange(len(capture)))
    wall = 0.3 + 0.4 * (np.arange(64)[None, :, None] // 6 % 2) * np.ones((64, 1, 3))
    seen = np.zeros((64, 64), bool)
    for row in range(len(capture)):
        seen |= ~grown(pictures.regions(row) > 0, 3)
    assert plates.shape == (1, 64, 64, 3) and not which.any()
    assert np.abs(plates[0] - wall)[seen].max() < 1.5 / 255


def test_holes_take_what_is_around_them():
    picture = np.zeros((20, 31, 3), np.float32)
    picture[:, :15], picture[:, 15:] = 0.2, 0.8
    known = np.ones((20, 31), bool)
    known[6:14, 3:10] = False
    known[6:14, 20:27] = False
    broken = np.where(known[..., None], picture, 9.0)
    filled = fill_holes(broken, known)
    assert np.abs(filled - picture)[known].max() == 0
    assert np.abs(filled - picture)[~known].max() < 0.1


def test_a_damaged_picture_is_named(character, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(character, copy)
    capture = load_capture(copy)
    (copy / "frames" / f"{capture.stem(9)}.png").write_bytes(b"no picture")
    pictures = Pictures(tmp_path / "work", copy, capture, (64, 64))
    with pytest.raises(FormatError, match="0000009"):
        pictures.read(Report())

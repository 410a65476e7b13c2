# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies before a face is told by colours, and light and turning heads are not taken for it."""

import numpy as np

from engine.capture.tracking.covering import SPOTS, covered, skin_colours

FRAMES = 60


def clip() -> np.ndarray:
    """(T, S, 3) skin that flickers a little as a whole and whose one side falls into shadow for a while."""
    rng = np.random.default_rng(0)
    skin = rng.uniform(0.8, 1.0, (len(SPOTS), 1)) * [190.0, 130.0, 105.0]
    light = 1 + 0.2 * np.sin(np.arange(FRAMES) / 5)[:, None, None]
    colours = skin * light + rng.normal(0, 1.5, (FRAMES, len(SPOTS), 3))
    colours[20:30, ::2] *= 0.65
    return np.clip(colours, 0, 255).astype(np.uint8)


def test_something_before_the_face_is_found():
    colours = clip()
    assert not covered(colours, np.ones(FRAMES, bool)).any(), "light and shadow are nothing"
    colours[40:45, 30:34] = (40, 44, 50)
    hidden = covered(colours, np.ones(FRAMES, bool))
    assert np.flatnonzero(hidden).tolist() == [40, 41, 42, 43, 44]


def test_frames_without_a_face_say_nothing():
    colours, found = clip(), np.ones(FRAMES, bool)
    colours[:10], found[:10] = 0, False
    assert not covered(colours, found).any()
    assert not covered(colours, np.zeros(FRAMES, bool)).any()


def test_colours_are_those_at_the_landmarks():
    image = np.zeros((80, 100, 3), np.uint8)
    image[:, 50:] = (200, 100, 50)
    landmarks = np.tile([[20.0, 40.0]], (478, 1))
    landmarks[list(SPOTS[::2])] = (80.0, 40.0)
    landmarks[SPOTS[0]] = (400.0, -30.0)  # beyond the picture: its nearest corner
    colours = skin_colours(image, landmarks)
    assert (colours[::2] == (200, 100, 50)).all() and (colours[1::2] == 0).all()

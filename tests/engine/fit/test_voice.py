# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture teaches about the voice: its faces and labels in each window, and nothing of what is held out."""

from types import SimpleNamespace

import numpy as np

from engine.capture.capture import EmotionLabel
from engine.emotion.recogniser import shipped_recogniser
from engine.fit.voice import learn_voice, lesson_of
from engine.protocol import EMOTION_NAMES
from engine.report import Report


def capture(frames: int = 250, **values) -> SimpleNamespace:
    """Ten seconds; the first weight is the time."""
    times = np.arange(frames) / 25.0
    expression = np.zeros((frames, 52), np.float32)
    expression[:, 0] = times / 10.0
    known = {"times": times, "expression": expression, "confidence": np.ones(frames, np.float32), "labels": []}
    return SimpleNamespace(**{**known, **values})


HEARD = SimpleNamespace(steps=250)


def test_a_window_has_its_own_faces_and_the_label_of_its_middle():
    labels = [EmotionLabel(4.0, 8.0, "angry", 0.6)]
    lesson = lesson_of(capture(labels=labels), np.zeros(250, bool), HEARD)
    assert len(lesson.seen) == 50 and lesson.seen.all()
    np.testing.assert_allclose(lesson.faces[25, 0], 0.5, atol=0.003)  # five seconds
    angry = EMOTION_NAMES.index("angry")
    np.testing.assert_array_equal(lesson.labels[[10, 19, 21, 39, 41]], [-1, -1, angry, angry, -1])
    np.testing.assert_allclose(lesson.intensity[30], 0.6)


def test_what_is_held_out_or_not_tracked_teaches_nothing():
    held_out = np.zeros(250, bool)
    held_out[200:] = True
    held_out[::10] = True
    faces = capture().expression.copy()
    faces[held_out] = 99.0
    unsure = np.ones(250, np.float32)
    unsure[:75] = 0.0
    lesson = lesson_of(capture(expression=faces, confidence=unsure), held_out, HEARD)
    assert lesson.faces.max() < 1.0
    assert not lesson.seen[:10].any() and lesson.seen[20:30].all() and not lesson.seen[-5:].any()


def test_a_silent_capture_teaches_nothing(tmp_path):
    assert learn_voice(tmp_path, capture(), np.zeros(250, bool), shipped_recogniser(), Report()) is None

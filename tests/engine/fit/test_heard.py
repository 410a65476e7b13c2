# SPDX-License-Identifier: GPL-3.0-or-later
"""Which emotion drives a head while it is fitted: the label's, or the voice's."""

from types import SimpleNamespace

import numpy as np

from engine.capture.capture import EmotionLabel
from engine.fit.heard import sliders


def test_labels_are_set_and_the_voice_is_heard_elsewhere():
    labels = [EmotionLabel(1.0, 2.0, "happy", 0.7), EmotionLabel(2.0, 99.0, "sad")]
    controls = sliders(SimpleNamespace(frames=np.arange(100), fps=25, labels=labels))
    happy, sad, heard = controls.emotion["happy"], controls.emotion["sad"], controls.auto_emotion
    assert happy == [0.0] * 25 + [0.7] * 25 + [0.0] * 50 and sad == [0.0] * 50 + [1.0] * 50
    assert heard == [1.0] * 25 + [0.0] * 75


def test_without_labels_all_is_the_voices():
    controls = sliders(SimpleNamespace(frames=np.array([0, 4, 9]), fps=30, labels=[]))
    assert controls.emotion == {} and controls.auto_emotion == [1.0] * 10

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which emotion drives a head while it is fitted: the label's, or the voice's."""

from types import SimpleNamespace

import numpy as np

from engine.capture.capture import EmotionLabel
from engine.fit.heard import frames_late, meeting, sliders
from engine.take.take import Take


def test_labels_are_set_and_the_voice_is_heard_elsewhere():
    labels = [EmotionLabel(1.0, 2.0, "happy", 0.7), EmotionLabel(2.0, 99.0, "sad")]
    controls = sliders(SimpleNamespace(frames=np.arange(100), fps=25, labels=labels))
    happy, sad, heard = controls.emotion["happy"], controls.emotion["sad"], controls.auto_emotion
    assert happy == [0.0] * 25 + [0.7] * 25 + [0.0] * 50 and sad == [0.0] * 50 + [1.0] * 50
    assert heard == [1.0] * 25 + [0.0] * 75


def test_without_labels_all_is_the_voices():
    controls = sliders(SimpleNamespace(frames=np.array([0, 4, 9]), fps=30, labels=[]))
    assert controls.emotion == {} and controls.auto_emotion == [1.0] * 10


def test_a_late_sound_meets_the_lips():
    """Sound that is 0.2 s late: what is said in picture 3 is heard in frame 8."""
    late = frames_late(SimpleNamespace(facts=SimpleNamespace(lip_offset_seconds=0.196), fps=25))
    assert late == 5 and frames_late(SimpleNamespace(facts=None, fps=25)) == 0
    content = np.arange(20, dtype=np.float32)[:, None] * np.ones((1, 64), np.float32)
    zeros = [np.zeros((20, size), np.float32) for size in (52, 8, 2, 6)]
    take = meeting(Take(25, *zeros, content=content), 22, late)
    assert len(take) == 22 and take.content[:, 0].tolist() == [*range(5, 20), *[19] * 7]
    early = meeting(Take(25, *zeros, content=content), 20, -3)
    assert early.content[:5, 0].tolist() == [0, 0, 0, 0, 1]

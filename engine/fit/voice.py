# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture teaches the emotion model about the person: the faces that go with the voice, and the labels."""

from pathlib import Path

import numpy as np

from ..capture.capture import Capture
from ..capture.storage import AUDIO_FILE
from ..emotion.finetune import FineTuned, Lesson, fine_tune
from ..emotion.hearing import STEPS_PER_SECOND, Heard, window_starts
from ..emotion.listen import listen
from ..emotion.network import STEPS
from ..emotion.recogniser import Recogniser
from ..errors import AudioError
from ..protocol import EMOTION_NAMES
from ..report import Report

MOST_HELD_OUT = 0.3  # of a window's pictures; what is left teaches


def learn_voice(
    folder: Path, capture: Capture, held_out: np.ndarray, recogniser: Recogniser, report: Report
) -> FineTuned | None:
    """What an emotion model learned from a capture, or None where it has no sound that can be read.

    Args:
        held_out: (F,) bool, pictures that nothing may be learned from.

    Raises:
        Cancelled: the person asked to stop.
    """
    path = Path(folder) / AUDIO_FILE
    if not path.exists():
        return None
    try:
        heard = listen(path, recogniser, report)
    except AudioError:  # of which `hear` tells the person
        return None
    return fine_tune(heard, lesson_of(capture, held_out, heard), recogniser.model, report)


def lesson_of(capture: Capture, held_out: np.ndarray, heard: Heard) -> Lesson:
    """What is known of the windows of a capture's sound, without the pictures that are held out."""
    starts = window_starts(heard.steps) / STEPS_PER_SECOND
    seconds = STEPS / STEPS_PER_SECOND
    tracked = capture.confidence > 0.0
    count, faces = len(starts), np.zeros((len(starts), capture.expression.shape[1]), np.float32)
    seen, labels, intensity = np.zeros(count, bool), np.full(count, -1), np.zeros(count, np.float32)
    times = capture.times
    for k, start in enumerate(starts):
        inside = tracked & (times >= start) & (times < start + seconds)
        taught = inside & ~held_out
        seen[k] = taught.any() and taught.sum() >= (1.0 - MOST_HELD_OUT) * inside.sum()
        if seen[k]:
            faces[k] = capture.expression[taught].mean(0)
        for label in capture.labels:
            if label.start <= start + seconds / 2 < label.end:
                labels[k], intensity[k] = EMOTION_NAMES.index(label.emotion), label.intensity
    return Lesson(faces, seen, labels, intensity)

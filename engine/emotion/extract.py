# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion Distillation at work: a heard sound to emotion over time, five times a second, and on any frame grid."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch

from ..protocol import EMOTION_NAMES
from ..report import Report
from .acoustics import HOPS_PER_SECOND
from .classes import CLASSES, FEATURE
from .hearing import WINDOWS_PER_SECOND, Heard, window_starts, windows
from .model import EmotionModel
from .smoothing import average_alike, last_spoken, settle, speech_near

WINDOWS_AT_ONCE = 50
# Two estimates of the teacher's feature are shown together: the students' own, which shrinks where they are in doubt
# and then mixes what should not be mixed, and the one that follows from what the whole passage is taken for.
SHARE_OF_PASSAGE = 0.75
NEUTRAL = EMOTION_NAMES.index("neutral")


@dataclass(frozen=True)
class Felt:
    """What was heard, WINDOWS_PER_SECOND times a second: row n is the time n / WINDOWS_PER_SECOND.

    Args:
        feature: (N, 128) float32, points of the emotion space; the origin where there is no speech.
        probabilities: (N, 8) float32 of the emotions, in the order of EMOTION_NAMES, of sum 1.
        valence, arousal: (N,) float32, about -1 to 1.
        speech: (N,) float32, the share of speech around.
    """

    feature: np.ndarray
    probabilities: np.ndarray
    valence: np.ndarray
    arousal: np.ndarray
    speech: np.ndarray

    @property
    def times(self) -> np.ndarray:
        """(N,) seconds."""
        return np.arange(len(self.feature)) / WINDOWS_PER_SECOND

    @property
    def overall(self) -> np.ndarray:
        """(8,) mean probabilities where there is speech; neutral where there is none at all."""
        if self.speech.sum() < 1e-3:
            return np.eye(len(EMOTION_NAMES), dtype=np.float32)[NEUTRAL]
        return self.speech @ self.probabilities / self.speech.sum()


def extract(heard: Heard, model: EmotionModel, report: Report) -> Felt:
    """The emotion of a whole sound.

    Args:
        report: told "feel"; asked whether to go on every ten seconds of sound.
    """
    starts = window_starts(heard.steps)
    features, probabilities = np.zeros((len(starts), FEATURE), np.float32), np.zeros((len(starts), len(CLASSES)))
    with torch.inference_mode():
        for first in range(0, len(starts), WINDOWS_AT_ONCE):
            report.progress("feel", first, len(starts))
            some = slice(first, first + WINDOWS_AT_ONCE)
            feature, said = model(*windows(heard, starts[some]))
            features[some], probabilities[some] = feature.numpy(), said.numpy()
    report.progress("feel", len(starts), len(starts))
    rate = float(WINDOWS_PER_SECOND)
    present = speech_near(heard.voice.speech, HOPS_PER_SECOND, rate, len(starts))
    settled = settle(probabilities, rate)
    features = average_alike(features, settled, present, rate)
    passage = settled @ model.space.prototypes.numpy()
    features = SHARE_OF_PASSAGE * passage + (1.0 - SHARE_OF_PASSAGE) * features
    shown, amount = last_spoken(present, rate)
    features, settled = features[shown] * amount[:, None], settled[shown] * amount[:, None]
    eight = settled[:, : len(EMOTION_NAMES)].copy()
    eight[:, NEUTRAL] += 1.0 - eight.sum(1)  # what fades, and the auxiliary classes
    affect = model.space.valence_arousal(torch.from_numpy(features)).numpy()
    return Felt(features, eight.astype(np.float32), affect[:, 0], affect[:, 1], present.astype(np.float32))


def at_frames(values: np.ndarray, frames: int, fps: Fraction) -> np.ndarray:
    """(frames, C) float32 of Felt's (N, C) at the times k / fps. Times come from integers: no drift, however long."""
    step = WINDOWS_PER_SECOND / Fraction(fps)
    at = np.arange(frames) * step.numerator / step.denominator
    low = np.minimum(at.astype(int), len(values) - 1)
    high = np.minimum(low + 1, len(values) - 1)
    share = np.clip(at - low, 0.0, 1.0).astype(np.float32)[:, None]
    return values[low] * (1.0 - share) + values[high] * share

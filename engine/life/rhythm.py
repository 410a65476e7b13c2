# SPDX-License-Identifier: GPL-3.0-or-later
"""What blinks, eyes and head listen to in speech: where phrases end, and which syllables are stressed. In seconds."""

from dataclasses import dataclass

import numpy as np

from ..prior.bands import HOPS_PER_SECOND
from ..prior.loudness import box_mean

TALKING_LEVEL = 0.3
PAUSE_SECONDS = 0.25
STRESS_LEVEL = 0.3
STRESS_DISTANCE = 0.4


@dataclass(frozen=True)
class Rhythm:
    """When a speaker talks, pauses and stresses.

    Args:
        seconds: length of the sound.
        phrase_ends: (P,) seconds at which speech stops for PAUSE_SECONDS or more.
        stresses: (S, 2) seconds and strength in [0, 1] of stressed syllables.
        talking: (M,) float32 in [0, 1], 100 times a second, a slow measure of whether there is speech.
    """

    seconds: float
    phrase_ends: np.ndarray
    stresses: np.ndarray
    talking: np.ndarray


def find_rhythm(level: np.ndarray, jaw: np.ndarray, seconds: float) -> Rhythm:
    """The rhythm of speech by its level and the jaw's opening, both (M,) in [0, 1], 100 times a second."""
    voiced = np.concatenate([[False], level > TALKING_LEVEL, [False]])
    starts = np.flatnonzero(voiced[1:] & ~voiced[:-1])
    ends = np.flatnonzero(~voiced[1:] & voiced[:-1])
    next_start = np.append(starts[1:], len(level) + HOPS_PER_SECOND)
    phrase_ends = ends[next_start - ends >= PAUSE_SECONDS * HOPS_PER_SECOND] / HOPS_PER_SECOND
    talking = box_mean(box_mean((level > TALKING_LEVEL).astype(np.float32), 61), 61)
    return Rhythm(seconds, phrase_ends, _stresses(box_mean(jaw, 9)), np.clip(talking * 1.5, 0.0, 1.0))


def _stresses(opening: np.ndarray) -> np.ndarray:
    """(S, 2) peaks above STRESS_LEVEL, the strongest first to keep STRESS_DISTANCE; in order of time."""
    inner = opening[1:-1]
    peaks = np.flatnonzero((inner > opening[:-2]) & (inner >= opening[2:]) & (inner > STRESS_LEVEL)) + 1
    distance = int(STRESS_DISTANCE * HOPS_PER_SECOND)
    free = np.ones(len(opening), bool)
    kept = []
    for peak in peaks[np.argsort(-opening[peaks], kind="stable")]:
        if free[peak]:
            kept.append(peak)
            free[max(0, peak - distance) : peak + distance] = False
    kept = np.sort(np.array(kept, int))
    return np.stack([kept / HOPS_PER_SECOND, np.clip(opening[kept], 0.0, 1.0)], 1)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows' emotions over time without flicker: what is felt stays until it is clearly something else, and fades in
silence."""

import numpy as np

SWITCH_SECONDS = 4.0  # how long an emotion is expected to last
OVERLAP = 0.25  # how much one of the overlapping windows counts as evidence of its own
REACH_SECONDS = 0.8  # features are averaged about so far, within one emotion
PRESENT_SECONDS = 0.5  # speech so near counts as there
HOLD_SECONDS, FADE_SECONDS, RISE_SECONDS = 0.6, 1.5, 0.4


def settle(probabilities: np.ndarray, rate: float) -> np.ndarray:
    """(N, C) of (N, C): a hidden Markov model's posterior, whose states are the classes and tend to stay.

    Args:
        probabilities: of windows, each by itself, `rate` a second.
    """
    count, classes = probabilities.shape
    change = 1.0 / (SWITCH_SECONDS * rate)
    evidence = np.maximum(probabilities, 1e-4) ** OVERLAP

    def step(belief: np.ndarray, k: int) -> np.ndarray:
        moved = (1.0 - change) * belief + change / classes
        moved = moved * evidence[k]
        return moved / moved.sum()

    forward, backward = np.empty((count, classes)), np.ones((count, classes))
    belief = np.full(classes, 1.0 / classes)
    for k in range(count):
        belief = forward[k] = step(belief, k)
    belief = np.ones(classes) / classes
    for k in range(count - 1, 0, -1):
        seen = belief * evidence[k]
        belief = (1.0 - change) * seen + change * seen.mean()
        belief = backward[k - 1] = belief / belief.sum()
    both = forward * backward
    return (both / both.sum(1, keepdims=True)).astype(np.float32)


def average_alike(values: np.ndarray, settled: np.ndarray, present: np.ndarray, rate: float) -> np.ndarray:
    """(N, D): means of neighbouring values (N, D), which count as far as they are near, in speech, and of one emotion.

    Args:
        settled: (N, C) of `settle`.
        present: (N,) in [0, 1], how much speech there is.
    """
    reach = int(3 * REACH_SECONDS * rate)
    total, weight = np.zeros(values.shape), np.zeros((len(values), 1))
    for shift in range(-reach, reach + 1):
        at = np.arange(len(values)) + shift
        inside = (at >= 0) & (at < len(values))
        at = np.clip(at, 0, len(values) - 1)
        near = np.exp(-0.5 * (shift / (REACH_SECONDS * rate)) ** 2)
        alike = near * inside * (present[at] + 1e-6) * ((settled * settled[at]).sum(1) + 1e-3)
        total += alike[:, None] * values[at]
        weight += alike[:, None]
    return (total / weight).astype(np.float32)


def speech_near(speech: np.ndarray, rows_per_second: float, rate: float, count: int) -> np.ndarray:
    """(count,) share of speech within PRESENT_SECONDS of the times n / rate, of (M,) bool."""
    half = int(PRESENT_SECONDS * rows_per_second)
    sums = np.concatenate([[0], np.cumsum(speech)])
    at = np.round(np.arange(count) / rate * rows_per_second).astype(int)
    low, high = np.clip(at - half, 0, len(speech)), np.clip(at + half, 0, len(speech))
    return (sums[high] - sums[low]) / np.maximum(high - low, 1)


def last_spoken(present: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Which moment's emotion still shows at each moment (N,), and how strongly (N,), in [0, 1].

    An emotion is held HOLD_SECONDS after speech and then fades; it rises just before the first word.
    """
    spoken = np.flatnonzero(present > 0.15)
    count = len(present)
    if len(spoken) == 0:
        return np.arange(count), np.zeros(count, np.float32)
    place = np.searchsorted(spoken, np.arange(count), "right") - 1
    shown = spoken[np.maximum(place, 0)]
    late = (np.arange(count) - shown) / rate
    after = np.exp(-np.maximum(late - HOLD_SECONDS, 0.0) / FADE_SECONDS)
    following = spoken[np.minimum(place + 1, len(spoken) - 1)]
    early = np.where(following > np.arange(count), (following - np.arange(count)) / rate, np.inf)
    before = np.exp(-early / RISE_SECONDS)
    amount = np.where(place < 0, before, after)
    near = (place >= 0) & (before > after)
    return np.where(near, following, shown), np.where(near, before, amount).astype(np.float32)

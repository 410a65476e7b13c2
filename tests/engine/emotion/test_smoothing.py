# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion over time: no flicker, real changes kept, silence held and then faded."""

import numpy as np

from engine.emotion.smoothing import HOLD_SECONDS, average_alike, last_spoken, settle, speech_near

RATE = 5.0


def flickering(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Windows that mostly, but not always, hear class 0 in the first half and class 1 in the second."""
    count = int(seconds * RATE)
    out = rng.dirichlet([1.0, 1.0, 1.0], count) * 0.7
    out[np.arange(count), (np.arange(count) >= count // 2).astype(int)] += 0.6 * rng.uniform(0.5, 1.0, count)
    return out / out.sum(1, keepdims=True)


def test_one_change_is_one_change():
    heard = flickering(20.0, np.random.default_rng(0))
    settled = settle(heard, RATE)
    raw, calm = heard.argmax(1), settled.argmax(1)
    assert (np.diff(raw) != 0).sum() > 3  # there was something to calm
    assert (np.diff(calm) != 0).sum() == 1
    assert abs(int(np.argmax(np.diff(calm) != 0)) - 49) <= 3
    np.testing.assert_allclose(settled.sum(1), 1.0, atol=1e-5)


def test_a_single_odd_window_does_not_switch():
    heard = np.tile([0.8, 0.2], (40, 1))
    heard[20] = [0.05, 0.95]
    assert (settle(heard, RATE).argmax(1) == 0).all()


def test_features_are_averaged_within_an_emotion_and_not_across():
    settled = np.repeat(np.eye(2), 20, 0)
    values = settled * 10.0 + np.random.default_rng(1).normal(size=(40, 2))
    calm = average_alike(values, settled, np.ones(40), RATE)
    assert calm[:20].std(0).max() < 0.6 * values[:20].std(0).max()
    assert np.abs(calm[19] - [10.0, 0.0]).max() < 1.5 and np.abs(calm[20] - [0.0, 10.0]).max() < 1.5


def test_silence_does_not_count_in_an_average():
    values = np.zeros((20, 1))
    values[10:] = 5.0
    present = np.repeat([1.0, 0.0], 10)
    assert np.abs(average_alike(values, np.ones((20, 1)), present, RATE)[:10]).max() < 0.01


def test_an_emotion_is_held_then_fades_and_rises_before_the_next_word():
    present = np.zeros(100)
    present[20:30] = present[80:90] = 1.0
    shown, amount = last_spoken(present, RATE)
    assert (shown[20:60] >= 20).all() and (shown[30:60] == 29).all() and (amount[20:30] == 1.0).all()
    hold = int(HOLD_SECONDS * RATE)
    assert (amount[30 : 29 + hold] == 1.0).all()
    assert (np.diff(amount[30 + hold : 70]) < 0.0).all() and amount[70] < 0.1
    assert shown[79] == 80 and amount[79] > amount[76] and amount[0] < 0.05
    assert np.isfinite(amount).all() and amount.max() <= 1.0


def test_nothing_said_is_nothing_felt():
    assert not last_spoken(np.zeros(10), RATE)[1].any()
    speech = np.zeros(400, bool)
    speech[200:] = True
    near = speech_near(speech, 100.0, RATE, 20)
    assert near[0] == 0.0 and near[-1] == 1.0 and 0.4 < near[10] < 0.6

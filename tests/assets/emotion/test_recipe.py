# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe on little: disturbances keep what they must, a student learns, measures measure."""

import numpy as np
import pytest
import torch

from assets.emotion.disturb import another_place, formants
from assets.emotion.learn import Windows, learn
from assets.emotion.measures import arousal_pairs, recall
from assets.emotion.train_space import faces, random_mixes, train
from engine.emotion.acoustics import DESCRIPTORS, MELS
from engine.emotion.classes import CLASSES
from engine.emotion.network import MEL_STEPS, STEPS
from engine.emotion.space import EmotionSpace

RATE = 16000


def buzz(hz: float, formant: float) -> np.ndarray:
    time = np.arange(RATE) / RATE
    parts = (np.exp(-(((k * hz - formant) / 250.0) ** 2)) * np.sin(2 * np.pi * k * hz * time) for k in range(1, 60))
    return (0.3 * sum(parts) + 1e-4 * np.random.default_rng(0).normal(size=RATE)).astype(np.float32)


def centre(audio: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    return float((power * np.fft.rfftfreq(len(audio), 1 / RATE)).sum() / power.sum())


@pytest.mark.parametrize("factor", [0.88, 1.12])
def test_formants_move_and_the_pitch_stays(factor):
    audio = buzz(120.0, 1500.0)
    moved = formants(audio, factor)
    assert centre(moved) / centre(audio) == pytest.approx(factor, abs=0.06)
    power = np.abs(np.fft.rfft(moved * np.hanning(RATE)))
    peak = int(np.argmax(power))  # one bin is 1 Hz
    assert min(peak % 120, -peak % 120) <= 2
    np.testing.assert_allclose(np.std(formants(audio, 1.0)), np.std(audio), rtol=0.03)


def test_disturbances_are_seeded_and_keep_the_length():
    audio = buzz(150.0, 900.0)
    for seed in range(6):
        one, again = (another_place(audio, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, again)
        assert len(one) == len(audio) and np.isfinite(one).all()


def test_a_student_learns_what_the_waveform_says():
    rng = np.random.default_rng(1)
    classes = np.repeat([CLASSES.index("angry"), CLASSES.index("sad")], 30)
    waveform = rng.normal(size=(2, 60, 384, STEPS)).astype(np.float16)
    waveform[:, classes == CLASSES.index("sad"), :40] += 1.0
    windows = Windows(
        torch.from_numpy(rng.normal(size=(2, 60, MELS, MEL_STEPS)).astype(np.float16)),
        torch.from_numpy(rng.normal(size=(2, 60, STEPS, len(DESCRIPTORS))).astype(np.float16)),
        torch.from_numpy(waveform), torch.from_numpy(classes), np.arange(60) % 6, torch.ones(60),
    )
    torch.manual_seed(0)
    held = windows.speakers == 0
    student = learn(windows, ~held, EmotionSpace().requires_grad_(False), seed=0, steps=40)
    numbers = torch.from_numpy(np.flatnonzero(held))
    with torch.no_grad():
        _, logits = student(*windows.inputs(torch.zeros_like(numbers), numbers))
    assert recall(logits.numpy(), classes[held]) == 1.0


def test_the_space_begins_to_learn_the_faces():
    space = train(150, seed=0)
    weights = random_mixes(64, np.random.default_rng(9))
    target = faces(weights)
    with torch.no_grad():
        shown = space.decode(space.points(torch.from_numpy(weights))).numpy()
    assert np.square(shown - target).mean() < 0.2 * np.square(target).mean()


def test_measures():
    truth = np.array([0, 0, 0, 1])
    assert recall(np.eye(2)[[0, 0, 0, 0]], truth) == 0.5
    angry, neutral, sad = (CLASSES.index(name) for name in ("angry", "neutral", "sad"))
    found = arousal_pairs(np.array([0.9, -0.2, 0.0, 0.1, -0.5]), np.array([angry, angry, neutral, neutral, sad]),
                          np.zeros(5))
    assert found == {"pairs": round(4 / 6, 3), "speakers' means": 1.0}

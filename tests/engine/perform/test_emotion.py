# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion weights to ARKit expression, and how it shares the mouth with speech."""

from fractions import Fraction

import numpy as np
import pytest

from engine.emotion.acting import act
from engine.emotion.facs import PROTOTYPES, mixed, prototype_table
from engine.emotion.model import shipped_model
from engine.perform import blend
from engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES

FPS = Fraction(25)


def constant(frames: int = 50, **weights: float) -> np.ndarray:
    track = np.zeros((frames, 8), np.float32)
    for name, weight in weights.items():
        track[:, EMOTION_NAMES.index(name)] = weight
    return track


def face_of(weights: np.ndarray, fps: Fraction = FPS) -> np.ndarray:
    """What the sliders alone show."""
    nothing = np.zeros(len(weights), np.float32)
    return act(shipped_model()[0].space, weights, None, nothing, nothing + 1.0, fps).face


def shape(expression: np.ndarray, name: str) -> np.ndarray:
    return expression[:, EXPRESSION_NAMES.index(name)]


def test_the_table_knows_every_emotion_and_only_arkits_names():
    assert set(PROTOTYPES) == set(EMOTION_NAMES)
    table = prototype_table()
    assert table.min() >= 0.0 and table.max() <= 1.0
    assert not table[EMOTION_NAMES.index("neutral")].any()
    assert all(table[k].any() for k in range(1, 8))


@pytest.mark.parametrize(
    "emotion, shapes", [
        ("happy", ("cheekSquintLeft", "mouthSmileLeft")), ("sad", ("browInnerUp", "mouthFrownLeft")),
        ("surprised", ("browInnerUp", "browOuterUpLeft", "eyeWideLeft", "jawOpen")),
        ("fear", ("browInnerUp", "eyeWideLeft", "mouthStretchLeft")), ("angry", ("browDownLeft", "mouthPressLeft")),
        ("disgusted", ("noseSneerLeft", "mouthUpperUpLeft")), ("contempt", ("mouthSmileLeft", "mouthDimpleLeft")),
    ]
)
def test_an_emotion_shows_its_action_units(emotion, shapes):
    expression = face_of(constant(**{emotion: 1.0}))
    assert all(shape(expression, name).min() >= 0.15 for name in shapes)


def test_contempt_is_one_sided_and_the_others_are_not():
    for row, emotion in zip(prototype_table(), EMOTION_NAMES):
        sides = [
            abs(row[EXPRESSION_NAMES.index(name)] - row[EXPRESSION_NAMES.index(name.replace("Left", "Right"))])
            for name in EXPRESSION_NAMES if name.endswith("Left") and name not in ("jawLeft", "mouthLeft")
        ]
        assert (max(sides) > 0.3) == (emotion == "contempt")


def test_a_constant_slider_is_constant_from_the_first_frame():
    expression = face_of(constant(happy=0.7, sad=0.2))
    assert np.ptp(expression, axis=0).max() < 1e-7
    assert shape(expression, "cheekSquintLeft")[0] == pytest.approx(0.7 * 0.65, abs=0.02)


def test_the_space_has_learnt_what_facs_says_of_every_mix():
    rng = np.random.default_rng(5)
    weights = rng.uniform(0.0, 1.0, (200, 8)) * (rng.uniform(size=(200, 8)) < 0.3)
    steady = np.concatenate([face_of(np.repeat(row[None], 2, 0).astype(np.float32))[:1] for row in weights])
    errors = np.abs(steady - mixed(weights))
    assert errors.mean() < 0.005 and errors.max() < 0.1


def test_mixtures_never_pass_one_and_half_is_between():
    everything = face_of(np.ones((10, 8), np.float32))
    assert 0.0 <= everything.min() and everything.max() <= 1.0
    half, whole = (face_of(constant(happy=w)) for w in (0.5, 1.0))
    assert 0.0 < shape(half, "mouthSmileLeft")[0] < shape(whole, "mouthSmileLeft")[0]


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25), Fraction(60)])
def test_onset_and_offset_are_smooth_and_offset_is_slower(fps):
    rate = int(fps)
    weights = np.zeros((6 * rate, 8), np.float32)
    weights[rate : 3 * rate, EMOTION_NAMES.index("happy")] = 1.0
    smile = shape(face_of(weights, fps), "mouthSmileLeft")
    assert not smile[:rate].any()
    level = smile / smile.max()
    onset = (np.argmax(level > 0.8) - rate) / rate
    offset = np.argmax(level[3 * rate :] < 0.2) / rate
    assert 0.2 <= onset <= 0.45 < offset < 1.0
    assert np.diff(smile[: 3 * rate]).min() > -1e-3 and np.diff(smile[3 * rate :]).max() < 1e-3
    assert np.abs(np.diff(smile)).max() < 6.0 / rate  # no jump


def test_a_small_move_of_a_slider_is_a_small_move_of_the_face():
    rng = np.random.default_rng(6)
    for _ in range(50):
        one = rng.uniform(0.0, 1.0, (1, 8)).astype(np.float32)
        other = np.clip(one + rng.uniform(-0.01, 0.01, (1, 8)), 0.0, 1.0).astype(np.float32)
        np.testing.assert_allclose(face_of(one), face_of(other), atol=0.06)


def test_no_emotion_is_no_expression_exactly_and_neutral_neither():
    assert not face_of(constant()).any()
    assert not face_of(constant(neutral=1.0)).any()


def test_lips_that_speech_seals_stay_sealed_in_every_emotion():
    speech = np.zeros((1, 52), np.float32)
    for name, weight in (("jawOpen", 0.04), ("mouthClose", 0.04), ("mouthPressLeft", 0.35)):
        speech[:, EXPRESSION_NAMES.index(name)] = weight
    for emotion in EMOTION_NAMES:
        both = blend(speech, face_of(constant(1, **{emotion: 1.0})), np.ones(1))
        for name in ("jawOpen", "mouthLowerDownLeft", "mouthUpperUpRight", "mouthFunnel"):
            assert shape(both, name)[0] == pytest.approx(shape(speech, name)[0])
        assert shape(both, "mouthPressLeft")[0] >= 0.35


def test_an_angry_mouth_still_opens_on_a_vowel():
    speech = np.zeros((1, 52), np.float32)
    speech[:, EXPRESSION_NAMES.index("jawOpen")] = 0.5
    angry = face_of(constant(1, angry=1.0))
    both = blend(speech, angry, np.zeros(1))
    assert shape(both, "mouthPressLeft")[0] < 0.4 * shape(angry, "mouthPressLeft")[0]
    assert shape(both, "jawOpen")[0] >= 0.5
    assert shape(both, "browDownLeft")[0] == pytest.approx(shape(angry, "browDownLeft")[0])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Sliders and the voice's emotion on one face."""

from fractions import Fraction

import numpy as np
import pytest

from engine.emotion.acting import act
from engine.emotion.extract import Felt
from engine.emotion.model import shipped_model
from engine.perform import perform
from engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES, Controls
from engine.report import Report
from engine.take.storage import load_take, save_take
from tests.engine.process.client import ROOT

SAMPLE = ROOT / "engine" / "data" / "sample_speech.flac"
FPS, FRAMES = Fraction(25), 50


def sliders(**weights: float) -> np.ndarray:
    out = np.zeros((FRAMES, 8), np.float32)
    for name, weight in weights.items():
        out[:, EMOTION_NAMES.index(name)] = weight
    return out


def acted(heard: Felt | None, amount: float, intensity: float = 1.0, **weights: float):
    constant = np.ones(FRAMES, np.float32)
    return act(shipped_model()[0].space, sliders(**weights), heard, amount * constant, intensity * constant, FPS)


def at(face: np.ndarray, name: str) -> float:
    return float(face[:, EXPRESSION_NAMES.index(name)].mean())


@pytest.fixture(scope="module")
def sad_voice() -> Felt:
    space, count = shipped_model()[0].space, 11
    weights = np.zeros((count, 8), np.float32)
    weights[:, EMOTION_NAMES.index("sad")] = 1.0
    nothing = np.zeros(count, np.float32)
    return Felt(space.of_weights(weights), weights, nothing, nothing, nothing + 1.0)


def test_the_amount_goes_from_what_is_set_to_what_is_heard(sad_voice):
    faces = [acted(sad_voice, amount, happy=1.0).face for amount in (0.0, 0.5, 1.0)]
    smiles, frowns = ([at(face, name) for face in faces] for name in ("mouthSmileLeft", "mouthFrownLeft"))
    assert smiles[0] > smiles[1] > smiles[2] and smiles[2] < 0.02
    assert frowns[0] < 0.02 and frowns[0] < frowns[1] < frowns[2]
    np.testing.assert_array_equal(faces[0], acted(None, 0.0, happy=1.0).face)


def test_intensity_scales_what_is_heard_too(sad_voice):
    whole, none = acted(sad_voice, 1.0), acted(sad_voice, 1.0, intensity=0.0)
    assert at(whole.face, "mouthFrownLeft") > 0.5 and not none.face.any() and not none.weights.any()


def test_a_take_holds_the_points_that_it_shows(tmp_path):
    still = [0.0]
    controls = Controls(emotion={"happy": [0.6]}, blink=still, gaze=still, head_motion=still, micro_motion=still)
    take = perform(SAMPLE, fps=FPS, controls=controls, seed=0, report=Report())
    assert take.emotion.shape == (len(take), 128)
    np.testing.assert_allclose(take.emotion, shipped_model()[0].space.of_weights(take.emotion_weights), atol=1e-4)
    save_take(take, tmp_path / "take.emotake")
    np.testing.assert_array_equal(load_take(tmp_path / "take.emotake").emotion, take.emotion)


def test_micro_expressions_come_with_their_slider_alone():
    def face(amount: float, seed: int = 0) -> np.ndarray:
        still = [0.0]
        controls = Controls(emotion={"fear": [0.5]}, blink=still, gaze=still, head_motion=still, micro_motion=[amount])
        return perform(SAMPLE, fps=FPS, controls=controls, seed=seed, report=Report()).expression

    none, half, whole = face(0.0), face(0.5), face(1.0)
    moved = whole - none
    assert 0.02 < moved.max() <= 0.5 and (moved.max(1) > 1e-4).mean() < 0.5
    np.testing.assert_array_equal(whole, face(1.0))
    assert np.abs(whole - face(1.0, seed=1)).max() > 0.01
    assert (np.abs(half - none).max(1) <= np.abs(moved).max(1) + 1e-6).all()


def test_the_voices_emotion_shows_on_acted_lines(shared):
    def face(file: str, amount: float) -> np.ndarray:
        still = [0.0]
        controls = Controls(auto_emotion=[amount], blink=still, gaze=still, head_motion=still, micro_motion=still)
        path = shared / "data" / "speech" / file
        return perform(path, fps=FPS, controls=controls, seed=0, report=Report()).expression

    for file, name in (("Claire_anger.wav", "browDownLeft"), ("Mark_joy.wav", "mouthSmileLeft"),
                       ("Mark_sadness.wav", "browInnerUp")):
        assert at(face(file, 1.0), name) > at(face(file, 0.0), name) + 0.15, file

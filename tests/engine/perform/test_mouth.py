# SPDX-License-Identifier: GPL-3.0-or-later
"""The mouth of a take, by the network that ships: it speaks with speech, rests with all else, and keeps time."""

from fractions import Fraction

import numpy as np
import pytest
import soundfile
import torch

from engine.audio.read import read_mono
from engine.perform import perform
from engine.prior.lips import MOUTH_COLUMNS, lip_gap, to_arkit
from engine.prior.visemes import REST
from engine.protocol import EXPRESSION_NAMES, Controls
from engine.report import Report
from tests.engine.process.client import ROOT

RATE = 16000
SAMPLE = ROOT / "engine" / "data" / "sample_speech.flac"
STILL = Controls(blink=[0.0], gaze=[0.0], head_motion=[0.0], micro_motion=[0.0])


@pytest.fixture
def mouth(tmp_path):
    """(T, 27) of a sound."""
    def of(sound: np.ndarray, fps: str = "25") -> np.ndarray:
        soundfile.write(tmp_path / "sound.wav", sound, RATE, subtype="FLOAT")
        take = perform(tmp_path / "sound.wav", fps=Fraction(fps), controls=STILL, seed=0, report=Report())
        return take.expression[:, MOUTH_COLUMNS]

    return of


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return read_mono(SAMPLE)[: 5 * RATE]


def gap(mouth: np.ndarray) -> np.ndarray:
    return lip_gap(torch.from_numpy(mouth)).numpy()


def rest() -> np.ndarray:
    return to_arkit(torch.tensor([list(REST.values())]))[0].numpy()


def music(seconds: float) -> np.ndarray:
    """Chords that are struck and die away."""
    time = np.arange(int(seconds * RATE)) / RATE
    beat = time % 0.5
    chord = sum(np.sin(2 * np.pi * hz * time + k) for k, hz in enumerate((220.0, 277.2, 329.6, 440.0, 880.0)))
    return 0.05 * chord * np.exp(-3.0 * beat)


def test_only_the_mouth_moves_and_it_opens_and_closes(speech):
    take = perform(SAMPLE, fps=Fraction(25), controls=STILL, seed=0, report=Report())
    moved = {EXPRESSION_NAMES[k] for k in np.flatnonzero(np.ptp(take.expression, 0) > 0)}
    assert moved and all(name.startswith(("mouth", "jaw")) for name in moved)
    lips = gap(take.expression[:, MOUTH_COLUMNS])
    assert lips.max() > 9.0 and lips.min() < 0.3
    crossings = np.count_nonzero(np.diff(lips > np.median(lips)))
    assert 2.0 < crossings / (len(lips) / 25) < 14.0  # syllables come 2 to 7 times a second
    assert take.content.shape == (len(take), 64) and take.style.shape == (64,)


def test_pauses_rest_and_stay_so(mouth, speech):
    sound = np.concatenate([speech, np.zeros(4 * RATE), speech])
    quiet = mouth(sound)[int(len(speech) / RATE * 25) + 25 : int(len(speech) / RATE * 25) + 90]
    assert np.abs(quiet - rest()).max() < 0.02


def test_level_makes_no_difference(mouth, speech):
    np.testing.assert_allclose(mouth(0.05 * speech), mouth(speech), atol=0.05)


@pytest.mark.parametrize("kind", ["silence", "hum", "hiss", "a step of hiss", "music"])
def test_what_is_no_speech_does_not_move_the_mouth(mouth, kind):
    rng = np.random.default_rng(1)
    time = np.arange(10 * RATE) / RATE
    hiss = rng.normal(0.0, 0.02, len(time))
    sounds = {
        "silence": 0.0 * hiss, "hum": sum(0.1 / k * np.sin(2 * np.pi * 50.0 * k * time) for k in (1, 2, 3, 7)),
        "hiss": hiss, "a step of hiss": hiss * np.where(time > 5.0, 1.5, 1.0), "music": music(10.0),
    }
    lips = gap(mouth(sounds[kind]))
    assert np.ptp(lips) < 2.5  # mm; an open vowel is 20


@pytest.mark.parametrize("kind", ["hum", "hiss", "music"])
def test_speech_over_noise_stays_speech(mouth, speech, kind):
    time = np.arange(len(speech)) / RATE
    under = {"hum": 0.05 * np.sin(2 * np.pi * 50.0 * time), "music": 0.3 * music(5.0)[: len(speech)],
             "hiss": np.random.default_rng(1).normal(0.0, 0.003, len(time))}
    assert np.corrcoef(gap(mouth(speech)), gap(mouth(speech + under[kind])))[0, 1] > 0.85


@pytest.mark.parametrize("fps", ["24000/1001", "60"])
def test_every_rate_samples_the_same_curve(mouth, speech, fps):
    jaw = [name for name in EXPRESSION_NAMES if name.startswith(("jaw", "mouth"))].index("jawOpen")
    fine, coarse = mouth(speech, "50")[:, jaw], mouth(speech, fps)[:, jaw]
    times = np.arange(len(coarse)) / float(Fraction(fps))
    close = np.abs(coarse - np.interp(times, np.arange(len(fine)) / 50.0, fine)) < 0.05
    assert close.mean() > 0.9  # a contact between two frames moves to the nearer one


def test_a_real_speaker(mouth, shared):
    lips = gap(mouth(read_mono(shared / "data/video/obama_20s.mp4")))
    assert 2.0 < lips.mean() < 8.0 and lips.min() < 0.3

# SPDX-License-Identifier: GPL-3.0-or-later
"""The provisional mouth: it speaks with speech, rests with noise, and keeps time."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from engine.audio.read import read_mono
from engine.prior.bands import BandStream
from engine.prior.energy_mouth import LEAD_SECONDS, articulate, at_frames, mouth_curves
from engine.prior.loudness import measure_loudness
from engine.protocol import EXPRESSION_NAMES
from tests.engine.process.client import ROOT

RATE = 16000
FPS = Fraction(25)
SAMPLE = ROOT / "engine" / "data" / "sample_speech.flac"


def bands(sound: np.ndarray) -> np.ndarray:
    stream = BandStream()
    stream.push(sound)
    return stream.finish()


def mouth(sound: np.ndarray, fps: Fraction = FPS) -> np.ndarray:
    return mouth_curves(measure_loudness(bands(sound)), int(len(sound) / RATE * fps), fps)


def curve(expression: np.ndarray, name: str) -> np.ndarray:
    return expression[:, EXPRESSION_NAMES.index(name)]


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return read_mono(SAMPLE)


def vowel(first: float, second: float, seconds: float, pitch: float = 120.0) -> np.ndarray:
    """Harmonics of a voice under two formants and a third at 2500 Hz."""
    time = np.arange(int(seconds * RATE)) / RATE
    out = np.zeros(len(time))
    for frequency in np.arange(pitch, 4000.0, pitch):
        gain = sum(1.0 / (1.0 + ((frequency - formant) / 90.0) ** 2) for formant in (first, second))
        gain += 0.2 / (1.0 + ((frequency - 2500.0) / 90.0) ** 2)
        out += (gain + 0.002) * np.sin(2.0 * np.pi * frequency * time)
    edge = np.minimum(1.0, np.minimum(np.arange(len(out)), np.arange(len(out))[::-1]) / (0.02 * RATE))
    return 0.1 * out * edge


def syllables(first: float, second: float) -> np.ndarray:
    pause = np.zeros(int(0.4 * RATE))
    return np.concatenate([pause] + [vowel(first, second, 0.3), pause] * 5)


def test_the_cut_of_the_stream_makes_no_difference(speech):
    stream = BandStream()
    for first in range(0, len(speech), 777):
        stream.push(speech[first : first + 777])
    np.testing.assert_allclose(stream.finish(), bands(speech), rtol=1e-5)


def test_a_row_of_bands_is_centred_at_its_time():
    sound = np.zeros(RATE)
    sound[8000] = 1.0  # 0.5 s
    power = bands(sound).sum(1)
    np.testing.assert_allclose(np.average(np.arange(len(power)), weights=power), 50.0, atol=0.1)


def test_values_are_weights_and_only_the_mouth_moves(speech):
    expression = mouth(speech)
    assert expression.dtype == np.float32 and expression.min() >= 0.0 and expression.max() <= 1.0
    moved = {EXPRESSION_NAMES[k] for k in np.flatnonzero(expression.any(0))}
    assert moved and all(name.startswith(("mouth", "jaw")) for name in moved)


def test_speech_opens_and_closes_the_jaw(speech):
    jaw = curve(mouth(speech), "jawOpen")
    assert jaw.max() > 0.3
    crossings = np.count_nonzero(np.diff(jaw > jaw.mean()))
    assert 2.0 < crossings / (len(speech) / RATE) < 14.0  # syllables come 2 to 7 times a second


def test_pauses_rest():
    speech = syllables(700.0, 1200.0)
    sound = np.concatenate([speech, np.zeros(4 * RATE), speech])
    expression = mouth(sound)
    rest = expression[int(len(speech) / RATE * 25) + 10 : int(len(speech) / RATE * 25) + 90]
    assert rest.max() < 0.02


def test_open_rounded_and_spread_vowels():
    ah, oo, ee = (mouth(syllables(*formants)) for formants in ((750.0, 1250.0), (350.0, 750.0), (300.0, 2300.0)))
    assert curve(ah, "jawOpen").max() > 1.5 * curve(oo, "jawOpen").max()
    assert curve(ah, "jawOpen").max() > 1.5 * curve(ee, "jawOpen").max()
    assert curve(oo, "mouthPucker").max() > 0.2 > 2.0 * curve(ee, "mouthPucker").max()
    assert curve(ee, "mouthStretchLeft").max() > 0.08 > 2.0 * curve(oo, "mouthStretchLeft").max()


def test_a_hiss_closes_the_teeth_and_shows_them():
    rng = np.random.default_rng(0)
    white = rng.normal(0.0, 0.05, int(0.2 * RATE))
    hiss = np.diff(np.diff(white, prepend=0.0), prepend=0.0)  # all of it high
    pause = np.zeros(int(0.1 * RATE))
    sound = np.concatenate([pause, vowel(750.0, 1250.0, 0.3), hiss] * 5)
    at = int((0.1 + 0.3 + 0.1 + 0.6 - LEAD_SECONDS) * 25)
    expression = mouth(sound)
    assert curve(expression, "jawOpen")[at] < 0.15 < curve(expression, "jawOpen").max()
    assert curve(expression, "mouthLowerDownLeft")[at] > 0.1


def test_a_stop_between_vowels_seals_the_lips():
    gap = np.zeros(int(0.09 * RATE))
    sound = np.concatenate([np.zeros(RATE // 2)] + [vowel(750.0, 1250.0, 0.25), gap] * 6)
    loudness = measure_loudness(bands(sound))
    closed = articulate(loudness).closed
    middle = 50 + 25 + 4  # hops: in the first gap
    assert closed[middle] > 0.7 and closed[middle - 17] < 0.2
    expression = mouth_curves(loudness, int(len(sound) / RATE * 25), FPS)
    jaw = curve(expression, "jawOpen")
    assert jaw.max() > 0.3
    assert np.max(curve(expression, "mouthClose")[jaw > 0.02] / jaw[jaw > 0.02]) > 0.8


def test_loudness_of_the_recording_does_not_matter(speech):
    np.testing.assert_allclose(mouth(0.05 * speech), mouth(speech), atol=0.02)


@pytest.mark.parametrize("kind", ["silence", "hum", "hiss", "both", "a step of hiss"])
def test_noise_is_no_speech(kind):
    rng = np.random.default_rng(1)
    time = np.arange(10 * RATE) / RATE
    hum = sum(0.1 / k * np.sin(2 * np.pi * 50.0 * k * time) for k in (1, 2, 3, 7))
    hiss = rng.normal(0.0, 0.02, len(time))
    step = hiss * np.where(time > 5.0, 1.5, 1.0)
    sounds = {"silence": 0.0 * hiss, "hum": hum, "hiss": hiss, "both": hum + hiss, "a step of hiss": step}
    assert mouth(sounds[kind]).max() < 0.05


@pytest.mark.parametrize("kind", ["hum", "hiss"])
def test_speech_over_noise_stays_speech(speech, kind):
    time = np.arange(len(speech)) / RATE
    hum, hiss = 0.05 * np.sin(2 * np.pi * 50.0 * time), np.random.default_rng(1).normal(0.0, 0.003, len(time))
    noise = hum if kind == "hum" else hiss
    clean, noisy = curve(mouth(speech), "jawOpen"), curve(mouth(speech + noise), "jawOpen")
    assert np.corrcoef(clean, noisy)[0, 1] > 0.95


@pytest.mark.parametrize("fps", ["24", "24000/1001", "30000/1001", "60", "120"])
def test_every_rate_samples_the_same_curve(speech, fps):
    fine, coarse = curve(mouth(speech, Fraction(100)), "jawOpen"), curve(mouth(speech, Fraction(fps)), "jawOpen")
    times = np.arange(len(coarse)) / float(Fraction(fps))
    np.testing.assert_allclose(coarse, np.interp(times, np.arange(len(fine)) / 100.0, fine), atol=0.05)


def test_no_drift_in_an_hour():
    hops = 360_000
    loudness_like = measure_loudness(np.zeros((hops, 24), np.float32))
    articulation = articulate(loudness_like)
    ramp = replace(articulation, jaw=np.arange(hops, dtype=np.float64) / hops)
    fps = Fraction(24000, 1001)
    frame = 86_000
    expected = (frame * 1001 / 24000 + LEAD_SECONDS) * 100.0 / hops
    assert at_frames(ramp, frame + 1, fps).jaw[frame] == pytest.approx(expected, abs=1e-7)


def test_the_mouth_leads_the_sound_a_little():
    sound = np.concatenate([np.zeros(RATE), vowel(750.0, 1250.0, 0.5), np.zeros(RATE)])
    jaw = curve(mouth(sound, Fraction(100)), "jawOpen")
    middle = np.average(np.arange(len(jaw)) / 100.0, weights=jaw)
    assert 0.02 < 1.25 - middle < 0.1


def test_a_real_speaker(shared):
    sound = read_mono(shared / "data/video/obama_20s.mp4")
    expression = mouth(sound)
    assert 0.05 < curve(expression, "jawOpen").mean() < 0.3
    assert curve(expression, "mouthClose").max() > 0.05

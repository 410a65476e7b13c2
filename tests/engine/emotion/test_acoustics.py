# SPDX-License-Identifier: GPL-3.0-or-later
"""Pitch and the voice's descriptors, against sounds whose pitch is known."""

import numpy as np
import pytest

from engine.emotion.acoustics import DESCRIPTORS, HOPS_PER_SECOND, RATE, WINDOW, VoiceStream
from engine.emotion.pitch import find_candidates, track_pitch


def voice_like(hz: np.ndarray, rng: np.random.Generator, tilt: float = 1.0) -> np.ndarray:
    """A pulse-like tone whose pitch (n,) may glide, with harmonics that fall off, and a little noise."""
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    tone = sum(np.sin(k * phase) / k**tilt * (k * hz < 7000) for k in range(1, 30))
    return (0.1 * tone + 0.001 * rng.normal(size=len(hz))).astype(np.float32)


def pitch_of(audio: np.ndarray) -> np.ndarray:
    window = np.hanning(WINDOW + 1)[:-1]
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(audio, WINDOW // 2), WINDOW)[::160]
    candidates = find_candidates(np.abs(np.fft.rfft(frames * window, 1024)) ** 2, window, RATE)
    return track_pitch(candidates, float(np.percentile(candidates.power, 95)))[0]


def heard(audio: np.ndarray, piece: int = 10**9):
    stream = VoiceStream()
    for first in range(0, len(audio), piece):
        stream.push(audio[first : first + piece])
    return stream.finish()


@pytest.mark.parametrize("hz", [80.0, 121.7, 233.3, 410.0, 560.0])
def test_a_steady_pitch_is_found_within_a_tenth_of_a_semitone(hz):
    pitch = pitch_of(voice_like(np.full(RATE, hz), np.random.default_rng(0)))[5:-5]
    assert np.abs(12 * np.log2(pitch / hz)).max() < 0.1


def test_a_glide_is_followed_without_a_jump_of_an_octave():
    hz = np.geomspace(90.0, 380.0, 4 * RATE)
    pitch = pitch_of(voice_like(hz, np.random.default_rng(1)))[5:-6]
    truth = hz[:: RATE // HOPS_PER_SECOND][5 : 5 + len(pitch)]
    assert np.abs(12 * np.log2(pitch / truth)).max() < 0.6


def test_noise_and_silence_have_no_pitch():
    rng = np.random.default_rng(2)
    assert (pitch_of((0.1 * rng.normal(size=2 * RATE)).astype(np.float32)) > 0).mean() < 0.1
    assert not pitch_of(np.zeros(RATE, np.float32)).any()


def test_pieces_make_no_difference():
    rng = np.random.default_rng(3)
    audio = voice_like(np.geomspace(100.0, 200.0, 40_000), rng)
    whole, cut = heard(audio), heard(audio, 777)
    np.testing.assert_allclose(whole.descriptors, cut.descriptors, atol=1e-4)
    np.testing.assert_allclose(whole.mels, cut.mels, atol=1e-4)


def test_level_and_pitch_are_relative_to_the_recording():
    rng = np.random.default_rng(4)
    hz = np.repeat([120.0, 160.0], RATE)
    one = heard(voice_like(hz, rng))
    loud = heard(20.0 * voice_like(hz, np.random.default_rng(4)))
    high = heard(voice_like(1.5 * hz, np.random.default_rng(4)))
    level, pitch = DESCRIPTORS.index("level"), DESCRIPTORS.index("pitch")
    np.testing.assert_allclose(one.descriptors[20:180, level], loud.descriptors[20:180, level], atol=0.2)
    steps = [np.median(v.descriptors[110:190, pitch]) - np.median(v.descriptors[10:90, pitch]) for v in (one, high)]
    np.testing.assert_allclose(steps, 12 * np.log2(160 / 120), atol=0.1)


def test_a_harder_voice_has_a_flatter_spectrum():
    hz = np.full(RATE, 150.0)
    hard, soft = (heard(voice_like(hz, np.random.default_rng(5), tilt)) for tilt in (0.5, 2.0))
    for name in ("alpha", "hammarberg"):
        column = DESCRIPTORS.index(name)
        assert hard.descriptors[20:80, column].mean() < soft.descriptors[20:80, column].mean() - 3.0


def test_silence_is_finite_and_no_speech():
    voice = heard(np.zeros(RATE, np.float32))
    assert np.isfinite(voice.descriptors).all() and np.ptp(voice.mels) == 0.0 and not voice.speech.any()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Powers in mel bands and the log-mels that the network hears."""

import numpy as np
import pytest
import torch

from engine.prior.bands import BandStream
from engine.prior.features import HIGHEST_DB, LOWEST_DB, MELS, log_mels, mel_stream, reference_level
from engine.prior.encoder import EncoderSettings, SpeechEncoder
from engine.prior.frontends import ENCODED_CHUNK, EncoderFrontEnd


def noise(seconds: float) -> np.ndarray:
    return np.random.default_rng(0).normal(0.0, 0.1, int(seconds * 16000)).astype(np.float32)


@pytest.mark.parametrize("make", [BandStream, mel_stream])
def test_the_cut_of_the_stream_makes_no_difference(make):
    sound = noise(2.0)
    whole, pieces = make(), make()
    whole.push(sound)
    for first in range(0, len(sound), 777):
        pieces.push(sound[first : first + 777])
    np.testing.assert_allclose(pieces.finish(), whole.finish(), rtol=1e-6)


def test_a_tone_is_in_its_band_at_its_time():
    sound = np.zeros(16000, np.float32)
    sound[8000:9600] = np.sin(2 * np.pi * 1000.0 * np.arange(1600) / 16000)
    stream = mel_stream()
    stream.push(sound)
    powers = stream.finish()
    row, band = np.unravel_index(powers.argmax(), powers.shape)
    assert 50 <= row <= 60 and powers.shape[1] == MELS
    assert band == 26  # 1000 Hz are 15 of 45.2 mel on Slaney's scale, and bands 45.2 / 81 apart


def test_no_band_is_empty():
    stream = mel_stream()
    stream.push(noise(1.0))
    assert (stream.finish()[10:90] > 0.0).all()


def test_levels_are_relative_but_silence_stays_silent():
    stream = mel_stream()
    stream.push(noise(1.0))
    powers = stream.finish()
    loud = log_mels(powers, reference_level(powers))
    assert loud.max() <= HIGHEST_DB and -30.0 < np.median(loud) < 10.0
    np.testing.assert_allclose(log_mels(powers * 1e-2, reference_level(powers * 1e-2)), loud, atol=1e-2)
    silent = np.zeros_like(powers)
    assert (log_mels(silent, reference_level(silent)) <= LOWEST_DB + 30.0).all()


@pytest.fixture(scope="module")
def encoder() -> SpeechEncoder:
    torch.manual_seed(0)
    return SpeechEncoder(EncoderSettings(width=24, heads=2, layers=2)).eval().requires_grad_(False)


def test_rows_of_any_window_are_those_of_the_whole(encoder):
    front = EncoderFrontEnd(encoder)
    front.push(noise(20.01))
    rows = front.finish()
    whole = rows.part(0, rows.frames)
    assert whole.shape == (1, front.inputs, rows.frames)
    for first, last in ((10, 20), (ENCODED_CHUNK - 5, 2 * ENCODED_CHUNK + 5), (990, rows.frames)):
        torch.testing.assert_close(rows.part(first, last), whole[:, :, first:last])


def test_rows_hold_the_decibels_of_their_frame(encoder):
    sound = np.zeros(16000, np.float32)
    sound[8000:9600] = noise(0.1)
    front = EncoderFrontEnd(encoder)
    front.push(sound)
    loud = front.finish().part(0, 50)[0, : 2 * MELS].mean(0)
    assert 25 <= loud.argmax() < 30 and loud[:24].max() < loud[26]

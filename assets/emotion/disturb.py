# SPDX-License-Identifier: GPL-3.0-or-later
"""Other voices, rooms and microphones out of few recordings, without changing what they feel. At 16 kHz, seeded."""

import numpy as np

from assets.prior import augment

SIZE, HOP = 512, 128
ENVELOPE = 28  # cepstral coefficients that are the vocal tract's


def formants(audio: np.ndarray, factor: float) -> np.ndarray:
    """A longer or shorter vocal tract: the spectral envelope moved up by `factor`, the pitch left where it is."""
    window = np.hanning(SIZE + 1)[:-1]
    padded = np.pad(audio, SIZE)
    spectra = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP] * window)
    cepstra = np.fft.irfft(np.log(np.abs(spectra) + 1e-6))
    cepstra[:, ENVELOPE : SIZE - ENVELOPE + 1] = 0.0
    envelope = np.fft.rfft(cepstra).real
    at = np.clip(np.arange(SIZE // 2 + 1) / factor, 0, SIZE // 2)
    low = np.minimum(at.astype(int), SIZE // 2 - 1)
    moved = envelope[:, low] + (envelope[:, low + 1] - envelope[:, low]) * (at - low)
    frames = np.fft.irfft(spectra * np.exp(np.clip(moved - envelope, -3.0, 3.0))) * window
    out = np.zeros(len(padded) + SIZE)
    for k, frame in enumerate(frames):
        out[k * HOP : k * HOP + SIZE] += frame
    return (out[SIZE : SIZE + len(audio)] / 1.5).astype(np.float32)  # squared Hann windows a quarter apart sum to 1.5


def another_voice(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A little faster and higher or slower and lower, with a vocal tract of another length."""
    audio = augment.change_speed(audio, float(np.exp(rng.normal(0.0, 0.08))))
    return formants(audio, float(np.exp(rng.normal(0.0, 0.06))))


def another_place(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another microphone, room, level, noise and coder, each of them sometimes."""
    if rng.uniform() < 0.7:
        audio = augment.equalise(audio, rng)
    if rng.uniform() < 0.35:
        audio = augment.room(audio, rng)
    if rng.uniform() < 0.15:
        audio = augment.levels(audio, rng)
    if rng.uniform() < 0.5:
        audio = augment.mixed(audio, augment.noise(len(audio), rng), rng.uniform(8.0, 40.0))
    if rng.uniform() < 0.1:
        audio = augment.mixed(audio, augment.music(len(audio), rng), rng.uniform(8.0, 25.0))
    if rng.uniform() < 0.05:
        audio = augment.clipped(audio, rng)
    if rng.uniform() < 0.2:
        audio = augment.codec(audio, rng)
    return audio

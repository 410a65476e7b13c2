# SPDX-License-Identifier: GPL-3.0-or-later
"""How a voice sounds, 100 times a second: the short-time spectrum, pitch, and what is known of a voice's quality.

The descriptors are those that emotion is known to change (Eyben et al. 2016, The Geneva Minimalistic Acoustic Parameter
Set (GeMAPS) for voice research and affective computing): cepstra, pitch, harmonics-to-noise ratio, level, spectral
balance and slopes, flux.
"""

from dataclasses import dataclass

import numpy as np

from .pitch import Candidates, find_candidates, track_pitch

RATE, HOP = 16000, 160
HOPS_PER_SECOND = RATE // HOP
WINDOW, FFT = 640, 1024
ROWS_AT_ONCE = 1024
MELS, CEPSTRA = 40, 13
LOWEST_HZ, HIGHEST_HZ = 60.0, 7600.0
LOUDEST_DB, FLOOR_DB = 15.0, -60.0  # over the recording's own level
QUIETEST_DB = -80.0  # a recording whose loud parts are below this is not made louder
SPEECH_DB = -30.0  # over the recording's own level
MELS_UNDER_LEVEL_DB = -20.0  # a band's mean bin beside the sum of all bins, about

DESCRIPTORS = (
    "pitch", "voiced", "harmonicity", "level", "alpha", "hammarberg", "slope_low", "slope_high", "flux",
    *(f"cepstrum_{k}" for k in range(1, CEPSTRA)), *(f"change_{k}" for k in range(1, CEPSTRA)),
)


@dataclass(frozen=True)
class Voice:
    """What was heard, one row every 10 ms: row n is the time n / 100 s.

    Args:
        descriptors: (M, len(DESCRIPTORS)) float32. Pitch in semitones over the recording's median, 0 where there is
            none; levels in decibels over the recording's own level.
        mels: (M, MELS) float32 decibels over the recording's own level, FLOOR_DB to LOUDEST_DB.
        speech: (M,) bool, whether the row is loud enough to be speech.
    """

    descriptors: np.ndarray
    mels: np.ndarray
    speech: np.ndarray


class VoiceStream:
    """Takes 16 kHz mono samples piece by piece; how they are cut makes no difference."""

    def __init__(self) -> None:
        self._kept = np.zeros(WINDOW // 2)
        self._window = np.hanning(WINDOW + 1)[:-1]
        self._mels: list[np.ndarray] = []
        self._shapes: list[np.ndarray] = []
        self._candidates: list[Candidates] = []

    def push(self, samples: np.ndarray) -> None:
        """Take (n,) samples."""
        self._kept = np.concatenate([self._kept, samples])
        count = (len(self._kept) - WINDOW) // HOP + 1
        if count > 0:
            frames = np.lib.stride_tricks.sliding_window_view(self._kept, WINDOW)[: (count - 1) * HOP + 1 : HOP]
            for first in range(0, count, ROWS_AT_ONCE):
                self._hear(frames[first : first + ROWS_AT_ONCE])
            self._kept = self._kept[count * HOP :]

    def finish(self) -> Voice:
        """All that was pushed; the last row reaches the end of the sound or beyond."""
        self.push(np.zeros(WINDOW))
        parts = [(part.hz, part.strength, part.power) for part in self._candidates]
        candidates = Candidates(*(np.concatenate(values) for values in zip(*parts)))
        return _assemble(np.concatenate(self._mels), np.concatenate(self._shapes), candidates)

    def _hear(self, frames: np.ndarray) -> None:
        spectrum = np.fft.rfft(frames * self._window, FFT)
        power = spectrum.real**2 + spectrum.imag**2
        candidates = find_candidates(power, self._window, RATE)
        power = power / (self._window**2).sum()
        self._mels.append(_decibels(power @ _FILTERS).astype(np.float32))
        self._shapes.append(_spectral_shape(power))
        self._candidates.append(candidates)


def _mel(hz: np.ndarray | float) -> np.ndarray:
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def _filters() -> np.ndarray:
    """(FFT // 2 + 1, MELS) triangles on the mel scale, each of unit sum."""
    edges = np.linspace(_mel(LOWEST_HZ), _mel(HIGHEST_HZ), MELS + 2)
    mel = _mel(_HZ)[:, None]
    triangles = np.minimum((mel - edges[:-2]) / np.diff(edges[:-1]), (edges[2:] - mel) / np.diff(edges[1:]))
    triangles = np.clip(triangles, 0.0, None)
    return triangles / triangles.sum(0)


def _cosines() -> np.ndarray:
    """(MELS, CEPSTRA - 1) orthonormal DCT-II without its constant."""
    k, n = np.arange(1, CEPSTRA), np.arange(MELS)[:, None] + 0.5
    return np.cos(np.pi / MELS * n * k) * np.sqrt(2.0 / MELS)


def _slope(low: float, high: float) -> np.ndarray:
    """(bins,) weights that give the least-squares slope of a spectrum, per kHz, from `low` to `high` Hz."""
    inside = (_HZ >= low) & (_HZ <= high)
    x = np.where(inside, _HZ - _HZ[inside].mean(), 0.0) / 1000.0
    return x / (x**2).sum()


def _between(low: float, high: float) -> np.ndarray:
    return (_HZ >= low) & (_HZ < high)


_HZ = np.fft.rfftfreq(FFT, 1.0 / RATE)
_FILTERS, _COSINES = _filters(), _cosines()
_SLOPES = np.stack([_slope(60.0, 500.0), _slope(500.0, 1500.0)], 1)


def _decibels(power: np.ndarray) -> np.ndarray:
    return 10.0 * np.log10(power + 1e-12)


def _spectral_shape(power: np.ndarray) -> np.ndarray:
    """(F, 5) float32 of power spectra (F, bins): level, alpha ratio, Hammarberg index and two slopes (GeMAPS)."""
    logs = _decibels(power)
    low, high = power[:, _between(50, 1000)].sum(1), power[:, _between(1000, 5000)].sum(1)
    hammarberg = logs[:, _between(50, 2000)].max(1) - logs[:, _between(2000, 5000)].max(1)
    level, alpha = _decibels(power.sum(1)), _decibels(low) - _decibels(high)
    return np.stack([level, alpha, hammarberg, *(logs @ _SLOPES).T], 1).astype(np.float32)


def _assemble(mels: np.ndarray, shapes: np.ndarray, candidates: Candidates) -> Voice:
    level = max(QUIETEST_DB, float(np.percentile(shapes[:, 0], 95.0)))
    shapes[:, 0] = np.maximum(shapes[:, 0] - level, FLOOR_DB)
    hz, strength = track_pitch(candidates, float(np.percentile(candidates.power, 95.0)))
    voiced = hz > 0.0
    usual = np.median(hz[voiced]) if voiced.any() else 1.0
    pitch = np.where(voiced, 12.0 * np.log2(np.maximum(hz, 1.0) / usual), 0.0)
    strength = np.clip(strength, 0.01, 0.999)
    harmonicity = np.where(voiced, 10.0 * np.log10(strength / (1.0 - strength)), 0.0)
    mels = np.clip(mels - (level + MELS_UNDER_LEVEL_DB), FLOOR_DB, LOUDEST_DB).astype(np.float32)
    flux = np.sqrt(np.square(np.diff(mels, axis=0, prepend=mels[:1])).mean(1))
    cepstra = mels @ _COSINES
    around = np.concatenate([cepstra[:1], cepstra[:1], cepstra, cepstra[-1:], cepstra[-1:]])
    change = (2.0 * (around[4:] - around[:-4]) + around[3:-1] - around[1:-3]) / 10.0
    columns = [pitch, voiced, harmonicity, *shapes.T, flux, *cepstra.T, *change.T]
    return Voice(np.stack(columns, 1).astype(np.float32), mels, shapes[:, 0] > SPEECH_DB)

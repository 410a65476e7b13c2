# SPDX-License-Identifier: GPL-3.0-or-later
"""What in a recording is speech, and how loud beside the speaker's own usual level, 100 times a second."""

from dataclasses import dataclass

import numpy as np

from .bands import BANDS, HOPS_PER_SECOND, band_centres

MINIMUM_HOPS = 50
FLOOR_BLOCKS = 16  # 8 s: longer than people speak without a dip in every band
FLOOR_BIAS = 4.0  # the mean of noise over its minimum in that time, about
RANGE_DB = 30.0
QUIETEST = 1e-7  # -90 dB below full scale, in BandStream's units
BELOW_SPEECH_DB = 55.0  # nothing this far below the recording's loud parts is noise worth tracking


@dataclass(frozen=True)
class Loudness:
    """Speech told from noise, one row for each hop.

    Args:
        signal: (M, BANDS) float32, band powers with the noise taken off, 1 where the recording is loud.
        level: (M,) float32 in [0, 1]: 1 at the speaker's usual loud level, 0 at 30 dB below it or no speech at all.
        speech: (M,) float32 in [0, 1]: how sure it is that there is speech and not noise.
    """

    signal: np.ndarray
    level: np.ndarray
    speech: np.ndarray


def measure_loudness(powers: np.ndarray) -> Loudness:
    """Loudness of (M, BANDS) band powers.

    The noise in each band is followed by its minimum over 8 s (Martin 2001, Noise power spectral density estimation
    based on optimal smoothing and minimum statistics): a hum or hiss that stays is no speech. Levels are relative to
    a slow average of the loud parts, so that a quiet recording moves the mouth as a loud one does.
    """
    voice = (band_centres() > 200.0) & (band_centres() < 4000.0)
    smooth = box_mean(powers, 5)
    loud = max(QUIETEST, float(np.percentile(smooth[:, voice].mean(1), 95.0)))
    noise = FLOOR_BIAS * _running_minimum(smooth)
    noise = np.maximum(noise, max(QUIETEST, loud * 10.0 ** (-BELOW_SPEECH_DB / 10.0))).astype(np.float32)
    excess = np.clip(10.0 * np.log10(np.maximum(smooth / noise, 1.0)), 0.0, 30.0)
    speech = smoothstep(3.0, 7.0, np.maximum(excess[:, voice].mean(1), excess[:, ~voice].mean(1)))
    signal = np.maximum(powers - noise, 0.0) / np.float32(loud)
    decibels = 10.0 * np.log10(np.maximum(box_mean(signal[:, voice].mean(1), 3), 1e-9))
    reference = np.maximum(_usual_level(decibels), 10.0 * np.log10(noise[:, voice].mean(1) / loud) + 6.0)
    level = np.clip((decibels - reference) / RANGE_DB + 1.0, 0.0, 1.2) * speech
    return Loudness(signal, np.minimum(level, 1.0).astype(np.float32), speech.astype(np.float32))


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def box_mean(x: np.ndarray, width: int) -> np.ndarray:
    """Centred running mean over the first axis, odd `width`; the ends hold."""
    half = width // 2
    padded = np.concatenate([np.repeat(x[:1], half, 0), x, np.repeat(x[-1:], half, 0)])
    return sum(padded[k : k + len(x)] for k in range(width)) / np.float32(width)


def running(reduce, x: np.ndarray, half: int) -> np.ndarray:
    """`reduce(windows, axis)` over the 2 half + 1 neighbours along the first axis; the ends hold."""
    padded = np.concatenate([np.repeat(x[:1], half, 0), x, np.repeat(x[-1:], half, 0)])
    return reduce(np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, 0), -1)


def _by_blocks(reduce, x: np.ndarray, hops: int) -> np.ndarray:
    """`reduce(values, axis)` over blocks of `hops` rows; the last block may be shorter."""
    whole = len(x) // hops * hops
    parts = [reduce(x[:whole].reshape(-1, hops, *x.shape[1:]), 1)] if whole else []
    if whole < len(x):
        parts.append(reduce(x[whole:][None], 1))
    return np.concatenate(parts)


def _spread(blocks: np.ndarray, hops: int, rows: int) -> np.ndarray:
    """Values at the blocks' middles, linear between them."""
    at = (np.arange(rows) - hops / 2) / hops
    return np.interp(at, np.arange(len(blocks)), blocks)


def _running_minimum(smooth: np.ndarray) -> np.ndarray:
    minima = running(np.min, _by_blocks(np.min, smooth, MINIMUM_HOPS), FLOOR_BLOCKS // 2)
    return np.stack([_spread(minima[:, b], MINIMUM_HOPS, len(smooth)) for b in range(BANDS)], 1)


def _usual_level(decibels: np.ndarray) -> np.ndarray:
    """(M,) dB: a slow track of the loud parts, at most 20 dB under the whole recording's."""
    peaks = _by_blocks(np.max, decibels, HOPS_PER_SECOND)
    whole = np.percentile(peaks, 75.0)
    local = running(lambda x, axis: np.percentile(x, 75.0, axis=axis), peaks, 5)
    local = running(np.mean, np.maximum(local, whole - 20.0), 3)
    return _spread(local, HOPS_PER_SECOND, len(decibels)) - 3.0

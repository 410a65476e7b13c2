# SPDX-License-Identifier: GPL-3.0-or-later
"""Pitch by autocorrelation, its path chosen over time (Boersma 1993, Accurate short-term analysis of the fundamental
frequency and the harmonics-to-noise ratio of a sampled sound), with the costs that Praat takes by default.
"""

from dataclasses import dataclass

import numpy as np

LOW_HZ, HIGH_HZ = 70.0, 600.0
KEPT = 5
OCTAVE_COST, JUMP_COST, VOICING_COST = 0.01, 0.35, 0.14
VOICING_THRESHOLD, SILENCE = 0.45, 0.03
# The path is sought in pieces that overlap, so that all pieces of a long sound are stepped through at once.
PIECE, MARGIN = 200, 50


@dataclass(frozen=True)
class Candidates:
    """Where each row's autocorrelation peaks, the best first.

    Args:
        hz: (F, KEPT) float32.
        strength: (F, KEPT) float32, the autocorrelation there, up to about 1; -1 where there are fewer peaks.
        power: (F,) float32, mean square of the row's samples.
    """

    hz: np.ndarray
    strength: np.ndarray
    power: np.ndarray


def find_candidates(power: np.ndarray, window: np.ndarray, rate: int) -> Candidates:
    """Candidates of rows of samples that were weighted by `window` (W,), by their power spectra (F, bins).

    The transform must be at least W + rate / LOW_HZ long.
    """
    fft = 2 * (power.shape[1] - 1)
    short, long = int(rate / HIGH_HZ), int(np.ceil(rate / LOW_HZ))
    own = np.fft.irfft(np.abs(np.fft.rfft(window, fft)) ** 2)[: long + 2]
    raw = np.fft.irfft(power)[:, : long + 2]
    r = raw / np.maximum(raw[:, :1], 1e-12) / (own / own[0])
    left, middle, right = r[:, short - 1 : long], r[:, short : long + 1], r[:, short + 1 : long + 2]
    lags = np.arange(short, long + 1)
    score = np.where((middle > left) & (middle >= right) & (middle > 0.0), middle, -1.0)
    best = np.argsort(-(score - OCTAVE_COST * np.log2(lags)), 1, kind="stable")[:, :KEPT]

    def at(values: np.ndarray) -> np.ndarray:
        return np.take_along_axis(values, best, 1)

    before, peak, after = at(left), at(middle), at(right)
    bend = np.minimum(before - 2.0 * peak + after, -1e-9)
    shift = np.clip(0.5 * (before - after) / bend, -0.5, 0.5)
    strength = np.where(at(score) > 0.0, np.minimum(peak - 0.25 * (before - after) * shift, 1.0), -1.0)
    hz = rate / (lags[best] + shift)
    return Candidates(hz.astype(np.float32), strength.astype(np.float32), (raw[:, 0] / len(window)).astype(np.float32))


def track_pitch(candidates: Candidates, loud: float) -> tuple[np.ndarray, np.ndarray]:
    """Pitch in Hz (M,), 0 where there is none, and its strength (M,), of candidates in the order of time.

    Args:
        loud: mean square of the recording's loud rows: what lies far below is not voiced.
    """
    hz, strength = candidates.hz, candidates.strength
    level = np.sqrt(candidates.power / max(loud, 1e-12))
    unvoiced = VOICING_THRESHOLD + np.maximum(0.0, 2.0 - level / (SILENCE / (1.0 + VOICING_THRESHOLD)))
    local = np.where(strength > 0.0, strength + OCTAVE_COST * np.log2(np.maximum(hz, 1.0) / LOW_HZ), -9.0)
    local = np.concatenate([local, unvoiced[:, None]], 1)
    states = np.concatenate([np.log2(np.maximum(hz, 1.0)), np.full((len(hz), 1), np.nan)], 1)
    path = _best_path(local, states)
    chosen = np.concatenate([hz, np.zeros((len(hz), 1), np.float32)], 1)
    sure = np.concatenate([strength, np.zeros((len(hz), 1), np.float32)], 1)
    rows = np.arange(len(hz))
    return chosen[rows, path], np.maximum(sure[rows, path], 0.0)


def _best_path(local: np.ndarray, states: np.ndarray) -> np.ndarray:
    """(M,) state of each row on the best path (Viterbi), of scores and log2 pitches (M, S), NaN for the unvoiced."""
    count = len(local)
    starts = np.arange(0, count, PIECE)
    rows = starts[:, None] + np.arange(-MARGIN, PIECE + MARGIN)
    at = np.clip(rows, 0, count - 1)
    local, states = local[at], states[at]  # (B, steps, S)
    score, back = local[:, 0], np.zeros(local.shape, np.int8)
    for step in range(1, local.shape[1]):
        jump = JUMP_COST * np.abs(states[:, step - 1, :, None] - states[:, step, None, :])
        one, both = np.isnan(jump), np.isnan(states[:, step - 1, :, None]) & np.isnan(states[:, step, None, :])
        total = score[:, :, None] - np.where(both, 0.0, np.where(one, VOICING_COST, jump))
        back[:, step] = total.argmax(1)
        score = total.max(1) + local[:, step]
    path = np.zeros(rows.shape, np.int64)
    state = score.argmax(1)
    for step in range(local.shape[1] - 1, -1, -1):
        path[:, step] = state
        state = np.take_along_axis(back[:, step], state[:, None], 1)[:, 0].astype(np.int64)
    return path[:, MARGIN : MARGIN + PIECE].reshape(-1)[:count]

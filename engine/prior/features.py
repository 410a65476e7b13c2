# SPDX-License-Identifier: GPL-3.0-or-later
"""Log-mel features of a speech stream, 100 rows a second: what Prior Extraction's own front end hears.

Bands and window are Whisper's (Radford et al. 2022), for whose first layers engine/prior/encoder.py has a place.
"""

import numpy as np

from .bands import HOPS_PER_SECOND, RATE, ROWS_AT_ONCE, WINDOW, BandStream

MELS = 80
ROWS_PER_FRAME = 2  # the network's frames come 50 times a second
FRAMES_PER_SECOND = HOPS_PER_SECOND // ROWS_PER_FRAME
LOWEST_DB, HIGHEST_DB = -65.0, 15.0
QUIETEST_DB = -85.0  # a recording below this, in `mel_stream`'s units, is not made louder
LINEAR_HZ, LINEAR_MEL, LOG_STEP = 1000.0, 15.0, np.log(6.4) / 27.0


def mel_stream() -> BandStream:
    """What `log_mels` wants its powers from."""
    return BandStream(_filters())


def log_mels(powers: np.ndarray, reference: float) -> np.ndarray:
    """(M, MELS) float32 decibels of (M, MELS) powers over `reference`, LOWEST_DB to HIGHEST_DB."""
    return np.clip(_decibels(powers) - reference, LOWEST_DB, HIGHEST_DB).astype(np.float32)


def reference_level(powers: np.ndarray) -> float:
    """How loud a recording's loud parts are: the 95th percentile over time of its strongest third of bands, decibels.

    A quiet recording so moves the mouth as a loud one does; nothing at all stays nothing.
    """
    parts = (powers[first : first + ROWS_AT_ONCE] for first in range(0, len(powers), ROWS_AT_ONCE))
    loudest = np.concatenate([np.sort(_decibels(part), 1)[:, -MELS // 3 :].mean(1) for part in parts])
    return max(QUIETEST_DB, float(np.percentile(loudest, 95.0)))


def _decibels(powers: np.ndarray) -> np.ndarray:
    return 10.0 * np.log10(powers + 1e-12)


def _mel(hz: np.ndarray | float) -> np.ndarray:
    """Slaney's scale (1998, Auditory Toolbox): linear below LINEAR_HZ, logarithmic above."""
    hz = np.asarray(hz, float)
    above = LINEAR_MEL + np.log(np.maximum(hz, LINEAR_HZ) / LINEAR_HZ) / LOG_STEP
    return np.where(hz < LINEAR_HZ, hz * LINEAR_MEL / LINEAR_HZ, above)


def _hz(mel: np.ndarray) -> np.ndarray:
    above = LINEAR_HZ * np.exp((np.maximum(mel, LINEAR_MEL) - LINEAR_MEL) * LOG_STEP)
    return np.where(mel < LINEAR_MEL, mel * LINEAR_HZ / LINEAR_MEL, above)


def _filters() -> np.ndarray:
    """(WINDOW // 2 + 1, MELS) triangles of unit area over the frequencies in Hz."""
    edges = _hz(np.linspace(0.0, _mel(RATE / 2), MELS + 2))
    hz = np.fft.rfftfreq(WINDOW, 1.0 / RATE)[:, None]
    rising = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    return np.clip(np.minimum(rising, falling), 0.0, None) * 2.0 / (edges[2:] - edges[:-2])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Log-mel features of a speech stream, 100 rows a second: what Prior Extraction's own front end hears."""

import numpy as np

from .bands import HOPS_PER_SECOND, ROWS_AT_ONCE, BandStream

MELS = 64
ROWS_PER_FRAME = 2  # the network's frames come 50 times a second
FRAMES_PER_SECOND = HOPS_PER_SECOND // ROWS_PER_FRAME
LOWEST_DB, HIGHEST_DB = -65.0, 15.0
QUIETEST_DB = -75.0  # a recording below this, in BandStream's units, is not made louder


def mel_stream() -> BandStream:
    """What `log_mels` wants its powers from."""
    return BandStream(MELS, fft=1024)


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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Short-time power of a speech stream in mel bands, 100 times a second."""

import numpy as np

RATE = 16000
HOP = 160
HOPS_PER_SECOND = RATE // HOP
WINDOW = 400
FFT = 512
BANDS = 24
LOW_HZ, HIGH_HZ = 80.0, 7600.0
ROWS_AT_ONCE = 2048


def _mel(hz: np.ndarray | float) -> np.ndarray:
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def band_centres() -> np.ndarray:
    """(BANDS,) centre frequencies in Hz of the default bands."""
    mel = np.linspace(_mel(LOW_HZ), _mel(HIGH_HZ), BANDS + 2)[1:-1]
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)


def _filters() -> np.ndarray:
    """(FFT // 2 + 1, BANDS) triangles on the mel scale (Davis & Mermelstein 1980), each of unit sum."""
    edges = np.linspace(_mel(LOW_HZ), _mel(HIGH_HZ), BANDS + 2)
    mel = _mel(np.fft.rfftfreq(FFT, 1.0 / RATE))[:, None]
    rising = (mel - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mel) / (edges[2:] - edges[1:-1])
    triangles = np.clip(np.minimum(rising, falling), 0.0, None)
    return triangles / triangles.sum(0)


class BandStream:
    """Takes 16 kHz mono samples piece by piece; how they are cut makes no difference.

    Row n of the result is the mean power per bin in each band, Hann window of 25 ms centred at n / 100 s.

    Args:
        filters: (bins, bands) what each band takes of each bin of a transform of 2 (bins - 1) samples; BANDS of
            LOW_HZ to HIGH_HZ where none are given.
    """

    def __init__(self, filters: np.ndarray | None = None) -> None:
        self._filters = _filters() if filters is None else filters
        self._fft = 2 * (len(self._filters) - 1)
        self._window = np.hanning(WINDOW + 1)[:-1]
        self._kept = np.zeros(WINDOW // 2)
        self._rows: list[np.ndarray] = []

    def push(self, samples: np.ndarray) -> None:
        """Take (n,) samples."""
        self._kept = np.concatenate([self._kept, samples])
        count = (len(self._kept) - WINDOW) // HOP + 1
        if count > 0:
            frames = np.lib.stride_tricks.sliding_window_view(self._kept, WINDOW)[: (count - 1) * HOP + 1 : HOP]
            for first in range(0, count, ROWS_AT_ONCE):
                self._rows.append(self._powers(frames[first : first + ROWS_AT_ONCE]))
            self._kept = self._kept[count * HOP :]

    def finish(self) -> np.ndarray:
        """(M, bands) float32 of all that was pushed; its last row reaches the end of the sound or beyond."""
        self.push(np.zeros(WINDOW))
        return np.concatenate(self._rows)

    def _powers(self, frames: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(frames * self._window, self._fft)
        power = spectrum.real**2 + spectrum.imag**2
        return (power @ self._filters).astype(np.float32)

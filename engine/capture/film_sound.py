# SPDX-License-Identifier: GPL-3.0-or-later
"""A film's sound for its capture, on the pictures' clock; and how late it is against the lips."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from ..audio.read import probe
from ..errors import AudioError
from ..prior.bands import RATE as HEARING_RATE
from ..report import Report
from .lip_sync import heard_mouth, lip_offset
from .video import VideoInfo, sound

MOST_RATE = 48000


class FilmSound:
    """The sound of a film, or its absence, from frame 0 on.

    Args:
        seconds: how much of it; what the film lacks at the end is silence.
    """

    def __init__(self, info: VideoInfo, seconds: float, report: Report) -> None:
        self._info, self._seconds, self._report = info, seconds, report
        self.rate = 0
        if info.audio_offset is not None:
            try:
                self.rate = min(probe(info.path).sample_rate, MOST_RATE)
            except AudioError as error:
                report.warning(error.what)

    def __bool__(self) -> bool:
        return self.rate > 0

    def pieces(self) -> tuple[Iterator[np.ndarray], int] | None:
        """Mono float32 pieces and their samples per second."""
        return (sound(self._info, self.rate, self._seconds, self._report), self.rate) if self else None

    def lip_offset(self, opening: np.ndarray, seen: np.ndarray, fps: Fraction) -> float | None:
        """Seconds by which it is late against lips; None where it cannot be told. See `lip_sync.lip_offset`."""
        if not self:
            return None
        try:
            heard = heard_mouth(sound(self._info, HEARING_RATE, self._seconds, self._report), self._report)
        except AudioError as error:  # a track that holds nothing
            self.rate = 0
            self._report.warning(error.what)
            return None
        return lip_offset(opening, seen, float(fps), heard)

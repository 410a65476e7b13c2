# SPDX-License-Identifier: GPL-3.0-or-later
"""How a capture's sound is: level, silence, noise, clipping, and how much speech there seems to be."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...report import Report

WINDOW = 0.1  # seconds: about a syllable
MOST_SECONDS = 600  # of sound that are listened to; of longer ones, whole seconds spread over them
SILENT = -80.0  # dB below full scale: nothing was recorded
# Speech stands out of the noise by this much, and is not quieter than a whisper at arm's length.
SPEECH_OVER_NOISE, QUIETEST_SPEECH = 10.0, -50.0
FULL_SCALE = 0.999
CLIPPED_SAMPLES = 3  # at full scale within a window: a single one is chance


@dataclass(frozen=True)
class Sound:
    """W windows of WINDOW seconds.

    Args:
        seconds: of the whole file.
        times: (W,) middles of the windows, seconds.
        levels: (W,) root mean square in dB below full scale, not below -120.
        clipped: share of the windows that are cut off at full scale.
        noise: dB, what a tenth of the windows stay below; digital silence not counted.
        speech_level: dB, the median of the windows that hold speech; NaN where none does.
        speech_share: of the windows that hold speech.
        silence_share: of the windows that hold neither speech nor anything as loud.
    """

    seconds: float
    times: np.ndarray
    levels: np.ndarray
    clipped: float
    noise: float
    speech_level: float
    speech_share: float

    @property
    def silence_share(self) -> float:
        return 1.0 - self.speech_share

    @property
    def speech_seconds(self) -> float:
        return self.seconds * self.speech_share


def measure_sound(path: Path, report: Report) -> Sound | None:
    """Listen to a file; None where there is none, it is empty or cannot be read."""
    import soundfile

    if not path.is_file():
        return None
    try:
        with soundfile.SoundFile(path) as file:
            return _listen(file, report)
    except (soundfile.LibsndfileError, RuntimeError):
        return None


def judge_levels(seconds: float, times: np.ndarray, levels: np.ndarray, clipped: float) -> Sound:
    """What levels say.

    Args:
        times, levels: (W,) of at least one window, see `Sound`.
    """
    heard = levels[levels > SILENT]
    noise = float(np.percentile(heard, 10)) if len(heard) else SILENT
    if len(heard) < 0.9 * len(levels):  # recorded digital silence between the words: there is no noise
        noise = SILENT
    speech = levels > max(noise + SPEECH_OVER_NOISE, QUIETEST_SPEECH)
    level = float(np.median(levels[speech])) if speech.any() else float("nan")
    return Sound(seconds, times, levels, clipped, noise, level, float(speech.mean()))


def _listen(file, report: Report) -> Sound | None:
    rate = file.samplerate
    window = max(1, round(WINDOW * rate))
    whole = file.frames // rate
    starts = np.arange(max(1, -(-file.frames // rate)))
    if whole > MOST_SECONDS:
        starts = np.unique(np.linspace(0, whole - 1, MOST_SECONDS).round().astype(int))
    times, levels, clipped = [], [], 0
    for k, start in enumerate(starts):
        report.progress("report: sound", k, len(starts))
        if file.tell() != start * rate:
            file.seek(start * rate)
        samples = file.read(rate, dtype="float32", always_2d=True).mean(axis=1)
        pieces = samples[: len(samples) // window * window].reshape(-1, window)
        power = np.maximum((pieces.astype(np.float64) ** 2).mean(axis=1), 1e-12)
        levels.append(10 * np.log10(power))
        times.append(start + (np.arange(len(pieces)) + 0.5) * window / rate)
        clipped += int(((np.abs(pieces) >= FULL_SCALE).sum(axis=1) >= CLIPPED_SAMPLES).sum())
    levels = np.concatenate(levels)
    if not len(levels):
        return None
    return judge_levels(file.frames / rate, np.concatenate(times), levels, clipped / len(levels))

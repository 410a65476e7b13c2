# SPDX-License-Identifier: GPL-3.0-or-later
"""What the student is given: windows of two seconds over a sound, five a second."""

from dataclasses import dataclass

import numpy as np
import torch

from ..prior.frontends import Rows
from .acoustics import Voice
from .network import SECONDS, STEPS

WINDOWS_PER_SECOND = 5
STEPS_PER_SECOND = STEPS // SECONDS  # 25: 4 rows of a Voice, 2 frames of a front end
STRIDE = STEPS_PER_SECOND // WINDOWS_PER_SECOND
SHORTEST = SECONDS + 0.1  # seconds; what is shorter is followed by silence, or there is no window


@dataclass(frozen=True)
class Heard:
    """A sound as its voice and as its waveform-level features.

    Args:
        voice: see acoustics.py.
        rows: of the front end, 50 frames a second, of which the last `waveform` features are what the model listens to.
        waveform: how many.
    """

    voice: Voice
    rows: Rows
    waveform: int

    @property
    def steps(self) -> int:
        """Whole steps of 1 / STEPS_PER_SECOND in the sound."""
        return min(len(self.voice.mels) // 4, self.rows.frames // 2)


def silence_after(samples: int, rate: int) -> int:
    """How many samples of silence a sound of `samples` needs behind it."""
    return max(0, int(SHORTEST * rate) - samples)


def window_starts(steps: int) -> np.ndarray:
    """(W,) first step of each window: centred on the times n / WINDOWS_PER_SECOND as far as the ends allow."""
    return np.clip(np.arange(0, steps, STRIDE) - STEPS // 2, 0, steps - STEPS)


def windows(heard: Heard, starts: np.ndarray) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The arguments of Student.forward for the windows that begin at the steps (B,), in rising order."""
    first, last = int(starts[0]), int(starts[-1]) + STEPS
    voice = heard.voice
    mels = _mean(voice.mels[4 * first : 4 * last], 2)
    descriptors = _mean(voice.descriptors[4 * first : 4 * last], 4)
    waveform = heard.rows.part(2 * first, 2 * last)[0, -heard.waveform :].T.float().numpy()
    at = (starts - first)[:, None]
    mels = torch.from_numpy(mels[2 * at + np.arange(2 * STEPS)]).transpose(1, 2)
    waveform = torch.from_numpy(_mean(waveform, 2)[at + np.arange(STEPS)]).transpose(1, 2)
    return mels, torch.from_numpy(descriptors[at + np.arange(STEPS)]), waveform


def _mean(x: np.ndarray, rows: int) -> np.ndarray:
    """(N // rows, C) means of neighbouring rows of (N, C)."""
    return x[: len(x) // rows * rows].reshape(-1, rows, x.shape[1]).mean(1)



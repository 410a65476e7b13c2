# SPDX-License-Identifier: GPL-3.0-or-later
"""A sound file to the emotion in it."""

from pathlib import Path

import numpy as np

from ..audio.read import RATE, blocks, probe
from ..prior.extract import shipped_network
from ..prior.frontends import EncoderFrontEnd, Rows
from ..protocol import EMOTION_NAMES
from ..report import Report
from .acoustics import VoiceStream
from .extract import Felt, extract
from .hearing import Heard, silence_after
from .model import require_encoder, shipped_model

LISTEN_BLOCK = RATE * 10
DECIMALS = 4


class Listener:
    """Takes 16 kHz mono samples piece by piece; how they are cut makes no difference."""

    def __init__(self) -> None:
        self._encoder = shipped_network().encoder
        self._model, wanted = shipped_model()
        require_encoder(self._encoder, wanted)
        self._voice, self._samples = VoiceStream(), 0

    def push(self, samples: np.ndarray) -> None:
        """Take (n,) float32 samples."""
        self._voice.push(samples)
        self._samples += len(samples)

    def finish(self, rows: Rows, report: Report) -> Felt:
        """The emotion of all that was pushed; `rows` is what Prior Extraction's front end heard of it, and of
        `silence_after` it."""
        self._voice.push(np.zeros(silence_after(self._samples, RATE)))
        heard = Heard(self._voice.finish(), rows, self._encoder.settings.width)
        return extract(heard, self._model, report)


def feel(audio: str | Path, report: Report) -> Felt:
    """The emotion of a whole sound file.

    Args:
        report: told "listen" and "feel".

    Raises:
        AudioError: see engine/audio/read.py.
        FormatError: a network is missing or damaged, or they do not belong together.
        Cancelled: the person asked to stop.
    """
    listener, front = Listener(), EncoderFrontEnd(shipped_network().encoder)
    total, samples = max(1, round(probe(audio).seconds * RATE)), 0
    report.progress("listen", 0, total)
    for block in blocks(audio, RATE, LISTEN_BLOCK, report):
        listener.push(block)
        front.push(block)
        samples += len(block)
        report.progress("listen", min(samples, total - 1), total)
    report.progress("listen", total, total)
    front.push(np.zeros(silence_after(samples, RATE), np.float32))
    return listener.finish(front.finish(), report)


def as_dict(felt: Felt) -> dict:
    """For JSON: times, probabilities by name, valence, arousal, overall by name, label."""
    def numbers(values: np.ndarray) -> list[float]:
        return np.round(values.astype(np.float64), DECIMALS).tolist()

    overall = felt.overall
    return {
        "times": numbers(felt.times),
        "probabilities": {name: numbers(felt.probabilities[:, k]) for k, name in enumerate(EMOTION_NAMES)},
        "valence": numbers(felt.valence),
        "arousal": numbers(felt.arousal),
        "overall": dict(zip(EMOTION_NAMES, numbers(overall))),
        "label": EMOTION_NAMES[int(overall.argmax())],
    }

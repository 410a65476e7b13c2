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
from .recogniser import Recogniser, open_recogniser, shipped_recogniser

LISTEN_BLOCK = RATE * 10
DECIMALS = 4


class Listener:
    """Takes 16 kHz mono samples piece by piece; how they are cut makes no difference.

    Args:
        recogniser: who hears; None is the model that ships.
    """

    def __init__(self, recogniser: Recogniser | None = None) -> None:
        self._recogniser = recogniser or shipped_recogniser()
        self._front = self._recogniser.own_front_end()
        self._voice, self._samples = VoiceStream(), 0

    def push(self, samples: np.ndarray) -> None:
        """Take (n,) float32 samples."""
        self._voice.push(samples)
        if self._front:
            self._front.push(samples)
        self._samples += len(samples)

    def finish(self, rows: Rows, report: Report) -> Felt:
        """The emotion of all that was pushed; `rows` is what Prior Extraction's front end heard of it, and of
        `silence_after` it. A model that listens to other features has no use for these."""
        return extract(self.heard(rows), self._recogniser.model, report)

    def heard(self, rows: Rows) -> Heard:
        """What `finish` feels the emotion of. To be called once."""
        silence = np.zeros(silence_after(self._samples, RATE), np.float32)
        self._voice.push(silence)
        if self._front:
            self._front.push(silence)
            rows = self._front.finish()
        return Heard(self._voice.finish(), rows, self._recogniser.waveform.source.width)


def feel(audio: str | Path, report: Report, emotion_model: str = "", allow_download: bool = False) -> Felt:
    """The emotion of a whole sound file. Raises what `listen` and recogniser.open_recogniser do."""
    recogniser = open_recogniser(emotion_model, report, allow_download)
    return extract(listen(audio, recogniser, report), recogniser.model, report)


def listen(audio: str | Path, recogniser: Recogniser, report: Report) -> Heard:
    """A whole sound file as an emotion model hears it.

    Args:
        report: told "listen"; `feel` tells "feel", too.

    Raises:
        AudioError: see engine/audio/read.py.
        FormatError: Prior Extraction's network is missing or damaged.
        Cancelled: the person asked to stop.
    """
    listener, front = Listener(recogniser), EncoderFrontEnd(shipped_network().encoder)
    total, samples = max(1, round(probe(audio).seconds * RATE)), 0
    report.progress("listen", 0, total)
    for block in blocks(audio, RATE, LISTEN_BLOCK, report):
        listener.push(block)
        front.push(block)
        samples += len(block)
        report.progress("listen", min(samples, total - 1), total)
    report.progress("listen", total, total)
    front.push(np.zeros(silence_after(samples, RATE), np.float32))
    return listener.heard(front.finish())


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

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
from .model import EmotionModel, require_encoder, shipped_model

LISTEN_BLOCK = RATE * 10
DECIMALS = 4


class Listener:
    """Takes 16 kHz mono samples piece by piece; how they are cut makes no difference.

    Args:
        model: who feels, of the shipped model's encoder; None is the model that ships.
    """

    def __init__(self, model: EmotionModel | None = None) -> None:
        self._encoder = shipped_network().encoder
        shipped, wanted = shipped_model()
        require_encoder(self._encoder, wanted)
        self._model = model or shipped
        self._voice, self._samples = VoiceStream(), 0

    def push(self, samples: np.ndarray) -> None:
        """Take (n,) float32 samples."""
        self._voice.push(samples)
        self._samples += len(samples)

    def finish(self, rows: Rows, report: Report) -> Felt:
        """The emotion of all that was pushed; `rows` is what Prior Extraction's front end heard of it, and of
        `silence_after` it."""
        return extract(self.heard(rows), self._model, report)

    def heard(self, rows: Rows) -> Heard:
        """What `finish` feels the emotion of. To be called once."""
        self._voice.push(np.zeros(silence_after(self._samples, RATE)))
        return Heard(self._voice.finish(), rows, self._encoder.settings.width)


def feel(audio: str | Path, report: Report) -> Felt:
    """The emotion of a whole sound file, by the model that ships. Raises what `listen` does."""
    heard = listen(audio, report)
    return extract(heard, shipped_model()[0], report)


def listen(audio: str | Path, report: Report) -> Heard:
    """A whole sound file as the model that ships hears it.

    Args:
        report: told "listen"; `feel` tells "feel", too.

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

# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prior Extraction hears with: its own log-mels, or a torchaudio pipeline (HuBERT, wav2vec 2.0) behind them.

Both take 16 kHz samples piece by piece and give `Rows`, of which the network asks for windows. A network is trained for
one front end (`PriorSettings.inputs`); the one that ships hears log-mels.
"""

from typing import Protocol

import numpy as np
import torch

from .features import MELS, ROWS_PER_FRAME, log_mels, mel_stream, reference_level
from .network import as_rows

HOP = 320  # samples of a frame of 20 ms
FIELD = 400  # samples that the pipelines' convolutions see for one frame
CHUNK = 20 * 16000  # samples, a multiple of HOP, through the transformer at once
MARGIN = 2 * 16000  # samples of context on each side of a chunk


class Rows(Protocol):
    """What a front end heard of a whole sound."""

    frames: int

    def part(self, first: int, last: int) -> torch.Tensor:
        """(1, inputs, rows) of the frames from `first` up to `last`."""


class FrontEnd(Protocol):
    """Samples in, rows out."""

    inputs: int
    rows_per_frame: int

    def push(self, samples: np.ndarray) -> None:
        """Take (n,) float32 at 16 kHz; how a sound is cut makes no difference."""

    def finish(self) -> Rows:
        """All that was pushed."""


class LogMelFrontEnd:
    """Log-mels over the recording's own level. Needs nothing but NumPy."""

    inputs, rows_per_frame = MELS, ROWS_PER_FRAME

    def __init__(self) -> None:
        self._stream = mel_stream()

    def push(self, samples: np.ndarray) -> None:
        self._stream.push(samples)

    def finish(self) -> "LogMelRows":
        return LogMelRows(self._stream.finish())


class LogMelRows:
    """Decibels are made of the powers (M, 64) window by window: four hours of sound fit into memory."""

    def __init__(self, powers: np.ndarray) -> None:
        self._powers, self._reference = powers, reference_level(powers)
        self.frames = -(-len(powers) // ROWS_PER_FRAME)

    def part(self, first: int, last: int) -> torch.Tensor:
        powers = self._powers[first * ROWS_PER_FRAME : last * ROWS_PER_FRAME]
        return as_rows(torch.from_numpy(log_mels(powers, self._reference)))[None]


class PipelineFrontEnd:
    """One layer of a torchaudio.models.Wav2Vec2Model (HuBERT and wav2vec 2.0 are such), 50 rows a second.

    The transformer sees CHUNK samples and MARGIN on either side, and the frames of the chunk are kept.

    Args:
        model: as engine/prior/pipelines.py loads it.
        layer: which layer's output is heard, from 1.
    """

    rows_per_frame = 1

    def __init__(self, model: torch.nn.Module, layer: int) -> None:
        self._model, self._layer = model.eval(), layer
        self.inputs = model.encoder.feature_projection.projection.out_features
        self._kept = np.zeros(0, np.float32)
        self._before = 0  # samples of `_kept` that were heard already
        self._parts: list[torch.Tensor] = []

    def push(self, samples: np.ndarray) -> None:
        self._kept = np.concatenate([self._kept, samples.astype(np.float32)])
        while len(self._kept) >= self._before + CHUNK + MARGIN:
            self._hear(CHUNK)
            drop = max(0, self._before + CHUNK - MARGIN)
            self._kept, self._before = self._kept[drop:], self._before + CHUNK - drop

    def finish(self) -> "PipelineRows":
        rest = len(self._kept) - self._before
        if rest > 0:
            self._hear(rest)
        return PipelineRows(torch.cat(self._parts)) if self._parts else PipelineRows(torch.zeros(0, self.inputs))

    def _hear(self, count: int) -> None:
        """Keep the frames of `count` samples after those that were heard."""
        frames, first = -(-count // HOP), self._before // HOP
        samples = np.pad(self._kept[: self._before + count + MARGIN], (FIELD // 2, 0))  # a frame's middle is its time
        samples = np.pad(samples, (0, max(0, (first + frames - 1) * HOP + FIELD - len(samples))))
        with torch.inference_mode():
            layers, _ = self._model.extract_features(torch.from_numpy(samples)[None], num_layers=self._layer)
        self._parts.append(layers[-1][0, first : first + frames].half())


class PipelineRows:
    """(T, inputs) of a pipeline, kept in half precision."""

    def __init__(self, features: torch.Tensor) -> None:
        self._features, self.frames = features, len(features)

    def part(self, first: int, last: int) -> torch.Tensor:
        return self._features[first:last].float().T[None]

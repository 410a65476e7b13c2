# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prior Extraction hears with: its own small encoder over log-mels, or a torchaudio pipeline (HuBERT, wav2vec).

Both take 16 kHz samples piece by piece and give `Rows`, of which the network asks for windows. A network is trained for
one front end (`PriorSettings.inputs`); the one that ships hears through engine/prior/encoder.py.
"""

from typing import Protocol

import numpy as np
import torch

from .encoder import SpeechEncoder
from .features import MELS, ROWS_PER_FRAME, log_mels, mel_stream, reference_level

HOP = 320  # samples of a frame of 20 ms
FIELD = 400  # samples that the pipelines' convolutions see for one frame
CHUNK = 20 * 16000  # samples, a multiple of HOP, through the pipelines' transformer at once
MARGIN = 2 * 16000  # samples of context on each side of a chunk
ENCODED_CHUNK, ENCODED_MARGIN = 400, 50  # the same of the small encoder, in frames
SCALE_DB = 40.0


class Rows(Protocol):
    """What a front end heard of a whole sound."""

    frames: int

    def part(self, first: int, last: int) -> torch.Tensor:
        """(1, inputs, last - first) of the frames from `first` up to `last`."""


class FrontEnd(Protocol):
    """Samples in, rows out."""

    inputs: int

    def push(self, samples: np.ndarray) -> None:
        """Take (n,) float32 at 16 kHz; how a sound is cut makes no difference."""

    def finish(self) -> Rows:
        """All that was pushed."""


class EncoderFrontEnd:
    """Log-mels over the recording's own level, and what the small encoder makes of them."""

    def __init__(self, encoder: SpeechEncoder) -> None:
        self._encoder, self._stream = encoder, mel_stream()
        self.inputs = inputs_of(encoder)

    def push(self, samples: np.ndarray) -> None:
        self._stream.push(samples)

    def finish(self) -> "EncodedRows":
        return EncodedRows(self._stream.finish(), self._encoder)


class EncodedRows:
    """Of powers (M, MELS): decibels and features are made chunk by chunk, so that four hours of sound fit into memory.

    The chunks lie on a grid of their own, so that it makes no difference which windows are asked for.
    """

    def __init__(self, powers: np.ndarray, encoder: SpeechEncoder) -> None:
        self._powers, self._encoder, self._reference = powers, encoder, reference_level(powers)
        self.frames = -(-len(powers) // ROWS_PER_FRAME)
        self._last: tuple[int, torch.Tensor] | None = None

    def part(self, first: int, last: int) -> torch.Tensor:
        numbers = range(first // ENCODED_CHUNK, -(-last // ENCODED_CHUNK))
        start = numbers.start * ENCODED_CHUNK
        return torch.cat([self._chunk(k) for k in numbers], 2)[:, :, first - start : last - start]

    def _chunk(self, number: int) -> torch.Tensor:
        """(1, inputs, up to ENCODED_CHUNK) of one place of the grid; windows overlap, so the latest is kept."""
        if self._last is None or self._last[0] != number:
            start = number * ENCODED_CHUNK
            first, last = max(0, start - ENCODED_MARGIN), start + ENCODED_CHUNK + ENCODED_MARGIN
            powers = self._powers[first * ROWS_PER_FRAME : last * ROWS_PER_FRAME]
            powers = np.pad(powers, ((0, -len(powers) % ROWS_PER_FRAME), (0, 0)))
            with torch.inference_mode():
                heard = encoded(torch.from_numpy(log_mels(powers, self._reference).T.copy())[None], self._encoder)
            self._last = number, heard[:, :, start - first : start - first + ENCODED_CHUNK]
        return self._last[1]


def encoded(decibels: torch.Tensor, encoder: SpeechEncoder) -> torch.Tensor:
    """(B, inputs, T) for the network, of (B, MELS, 2T) of features.log_mels: them, and the encoder's features."""
    batch, mels, rows = decibels.shape
    frames = decibels.reshape(batch, mels, rows // ROWS_PER_FRAME, ROWS_PER_FRAME).permute(0, 3, 1, 2)
    return torch.cat([frames.reshape(batch, mels * ROWS_PER_FRAME, -1) / SCALE_DB, encoder(decibels)], 1)


def inputs_of(encoder: SpeechEncoder) -> int:
    return MELS * ROWS_PER_FRAME + encoder.settings.width


class PipelineFrontEnd:
    """One layer of a torchaudio.models.Wav2Vec2Model (HuBERT and wav2vec 2.0 are such), 50 rows a second.

    The transformer sees CHUNK samples and MARGIN on either side, and the frames of the chunk are kept.

    Args:
        model: as engine/prior/pipelines.py loads it.
        layer: which layer's output is heard, from 1.
        normalised: whether the model wants sound of mean 0 and deviation 1; here each chunk with its margin has these.
    """

    def __init__(self, model: torch.nn.Module, layer: int, normalised: bool = False) -> None:
        self._model, self._layer, self._normalised = model.eval(), layer, normalised
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
        samples = self._kept[: self._before + count + MARGIN]
        if self._normalised:
            samples = torch.nn.functional.layer_norm(torch.from_numpy(samples), samples.shape).numpy()
        samples = np.pad(samples, (FIELD // 2, 0))  # a frame's middle is its time
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

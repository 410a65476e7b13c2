# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose waveform-level features an emotion model listens to.

Those of Prior Extraction's encoder, which ships, or of one layer of a torchaudio pipeline (HuBERT, wav2vec 2.0) where
its weights were downloaded. Of a pipeline the middle layers say most of emotion (Pepino et al. 2021, Emotion
recognition from speech using wav2vec 2.0 embeddings).
"""

from dataclasses import dataclass

from torch import nn

from ..errors import FormatError, InputError
from ..files import user_cache
from ..prior.encoder import EncoderSettings, SpeechEncoder
from ..prior.extract import shipped_network
from ..prior.frontends import EncoderFrontEnd, FrontEnd, PipelineFrontEnd
from ..prior.pipelines import NAMES, load_pipeline, published
from ..prior.storage import digest
from ..report import Report


@dataclass(frozen=True)
class WaveformSource:
    """What the header of an emotion model says of the features that it was trained on.

    Args:
        encoder: digest of the weights that hear.
        pipeline: one of prior.pipelines.NAMES; "" for Prior Extraction's encoder.
        layer: whose output is heard, from 1; 0 for Prior Extraction's encoder.
    """

    encoder: str
    pipeline: str = ""
    layer: int = 0

    @classmethod
    def of_header(cls, header: dict) -> "WaveformSource":
        """Raises ValueError where the header says nothing that can be, MissingPackageError without torchaudio."""
        encoder, pipeline, layer = header.get("encoder"), header.get("pipeline", ""), header.get("layer", 0)
        known = isinstance(encoder, str) and len(encoder) == 64 and pipeline in ("", *NAMES)
        if not known or layer not in (_layers(pipeline) if pipeline else (0,)):
            raise ValueError("it does not say which waveform features it was trained on")
        return cls(encoder, pipeline, layer)

    def to_header(self) -> dict:
        """Those keys of a header; Prior Extraction's encoder needs no more than its digest."""
        own = {"pipeline": self.pipeline, "layer": self.layer} if self.pipeline else {}
        return {"encoder": self.encoder} | own

    @property
    def width(self) -> int:
        """Features of a frame."""
        return published(self.pipeline).parameters["encoder_embed_dim"] if self.pipeline else EncoderSettings().width


@dataclass(frozen=True)
class Waveform:
    """A source with its network, ready to hear."""

    source: WaveformSource
    network: nn.Module

    @classmethod
    def of_encoder(cls, encoder: SpeechEncoder) -> "Waveform":
        """Prior Extraction's."""
        return cls(WaveformSource(digest(encoder)), encoder)

    def front_end(self) -> FrontEnd:
        """A new one, for one sound."""
        if not self.source.pipeline:
            return EncoderFrontEnd(self.network)
        return PipelineFrontEnd(self.network, self.source.layer, published(self.source.pipeline).normalised)


def load_waveform(pipeline: str, layer: int, report: Report, allow_download: bool = False) -> Waveform:
    """A pipeline's features.

    Args:
        pipeline: one of prior.pipelines.NAMES.
        layer: whose output is heard, from 1; 0 is the middle one.
        report: told "download".

    Raises:
        InputError: no such pipeline or layer.
        MissingModelError: its weights are not in the user's folder and may not be fetched, or cannot be used.
        MissingPackageError: torchaudio is not there.
    """
    file = published(pipeline)
    layers = _layers(pipeline)
    layer = layer or len(layers) // 2
    if layer not in layers:
        raise InputError(f"{pipeline} has no layer {layer}.", f"Choose one from 1 to {len(layers)}.")
    network = load_pipeline(file, user_cache() / "models", report, allow_download)
    return Waveform(WaveformSource(digest(network), pipeline, layer), network)


def open_waveform(source: WaveformSource, report: Report, allow_download: bool = False) -> Waveform:
    """What a model was trained to listen to.

    Raises:
        FormatError: other weights are there. And what load_waveform raises.
    """
    if not source.pipeline:
        encoder = shipped_network().encoder
        require_encoder(encoder, source.encoder)
        return Waveform(source, encoder)
    waveform = load_waveform(source.pipeline, source.layer, report, allow_download)
    if waveform.source != source:
        raise FormatError(
            f"The emotion model was trained on other weights of {source.pipeline} than those in {user_cache()}.",
            "Train it again on these, or use the emotion model that ships.",
        )
    return waveform


def require_encoder(encoder: nn.Module, wanted: str) -> None:
    """Raise FormatError unless `encoder` is the one that the model was trained with."""
    if digest(encoder) != wanted:
        raise FormatError(
            "The emotion model and the speech encoder do not belong together.", "Install the extension again."
        )


def _layers(pipeline: str) -> range:
    return range(1, 1 + published(pipeline).parameters["encoder_num_layers"])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Prior Extraction's network: features of a front end to content, style, visemes and articulators, 50 frames a second.

UA-3DTalk (arXiv 2601.19112), section Prior Extraction: content-synchronised and person-specific features, 64 each, that
together reconstruct the face (L_recon). Here both come from dilated residual convolutions (van den Oord et al. 2016,
WaveNet, not causal), style is of the whole utterance, and style only scales and shifts what content says, so that it
cannot change the timing.
"""

from dataclasses import dataclass

import torch
from torch import nn

from .encoder import EncoderSettings, SpeechEncoder
from .frontends import inputs_of
from .visemes import ARTICULATORS, VISEMES, viseme_targets

CONTENT, STYLE = 64, 64
LARGEST_GAIN = 0.5  # of style on an articulator's logit: exp(-0.5) to exp(0.5)
LARGEST_SHIFT = 0.7
EAR_SHARE = 0.3  # of the visemes' probabilities; chosen where sentences or voices were left out (docs/benchmarks.md)
# How far the decoder may go, in logits, beyond what the visemes' probabilities say: for shapes, and for contacts.
LARGEST_RESIDUAL = (0.2, 0.8, 0.8, 0.8, 0.8, 4.0, 4.0)


@dataclass(frozen=True)
class PriorSettings:
    """Sizes of PriorNetwork.

    Args:
        encoder: of the front end that ships; None where a pipeline takes its place.
        inputs: features a frame of such a pipeline.
        width: channels of the trunk.
        dilations: of its residual blocks, in frames.
    """

    encoder: EncoderSettings | None = EncoderSettings()
    inputs: int = 0
    width: int = 160
    dilations: tuple[int, ...] = (1, 2)

    @property
    def context(self) -> int:
        """Frames to each side of a frame that it depends on."""
        return 1 + sum(self.dilations) + 4


class Block(nn.Module):
    """Residual: dilated convolution of three frames, then a pointwise one."""

    def __init__(self, width: int, dilation: int, dropout: float = 0.3) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation, bias=False),
            nn.BatchNorm1d(width),
            nn.GELU(),
            nn.Dropout1d(dropout),
            nn.Conv1d(width, width, 1),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


class StyleEncoder(nn.Module):
    """How a voice sounds: attentive statistics (Okabe et al. 2018) of what the front end heard.

    They are sums over time, which windows of a long sound can add up.
    """

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.attention = nn.Conv1d(inputs, 1, 1)
        self.project = nn.Sequential(nn.Dropout(0.3), nn.Linear(2 * inputs, STYLE))

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 1 + 2 inputs, T) of (B, inputs, T): weight, weighted values and squares; to be summed over time."""
        weight = torch.sigmoid(self.attention(x))
        return torch.cat([weight, weight * x, weight * x.square()], 1)

    def style(self, sums: torch.Tensor) -> torch.Tensor:
        """(B, 64) of length 8, of summed (B, 1 + 2 inputs)."""
        weight, first, second = sums.split([1, (sums.shape[1] - 1) // 2, (sums.shape[1] - 1) // 2], 1)
        weight = weight + 1e-3
        mean = first / weight
        deviation = (second / weight - mean.square()).clamp_min(1e-4).sqrt()
        return 8.0 * nn.functional.normalize(self.project(torch.cat([mean, deviation], 1)), dim=1)


class Ear(nn.Sequential):
    """Logits (B, outputs, T) of a front end's features (B, inputs, T), from a few frames around each.

    Too few for words, which a trunk that sees 0.3 s learns by heart where it has few to learn from.
    """

    def __init__(self, inputs: int, width: int, frames: int, outputs: int) -> None:
        super().__init__(
            nn.Dropout(0.3), nn.Conv1d(inputs, width, frames, padding=frames // 2), nn.GELU(), nn.Dropout(0.3),
            nn.Conv1d(width, outputs, 1),
        )


class PriorNetwork(nn.Module):
    """Everything from a front end's rows on."""

    def __init__(self, settings: PriorSettings = PriorSettings()) -> None:
        super().__init__()
        self.settings = settings
        width = settings.width
        self.encoder = SpeechEncoder(settings.encoder) if settings.encoder else None
        inputs = inputs_of(self.encoder) if self.encoder else settings.inputs
        self.normalise = nn.BatchNorm1d(inputs, affine=False)
        self.stem = nn.Sequential(
            nn.Dropout1d(0.3),
            nn.Conv1d(inputs, width, 3, padding=1, bias=False),
            nn.BatchNorm1d(width),
            nn.GELU(),
        )
        self.trunk = nn.Sequential(*(Block(width, dilation) for dilation in settings.dilations))
        self.to_content = nn.Sequential(nn.BatchNorm1d(width), nn.GELU(), nn.Conv1d(width, CONTENT, 1))
        self.to_visemes = nn.Sequential(nn.Conv1d(CONTENT, 128, 1), nn.GELU(), nn.Conv1d(128, len(VISEMES), 1))
        self.decoder = nn.Sequential(
            nn.Conv1d(CONTENT, 96, 5, padding=2), nn.GELU(), nn.Conv1d(96, 96, 5, padding=2), nn.GELU(),
            nn.Conv1d(96, len(ARTICULATORS), 1),
        )
        self.style_encoder = StyleEncoder(inputs)
        self.features = settings.encoder.width if settings.encoder else inputs  # of the rows, without the log-mels
        self.labiodental_ear = Ear(self.features, 24, 3, 1)
        self.viseme_ear = Ear(self.features, 96, 5, len(VISEMES))
        self.to_manner = nn.Linear(STYLE, 2 * len(ARTICULATORS))
        nn.init.zeros_(self.to_manner.weight)
        nn.init.zeros_(self.to_manner.bias)
        nn.init.zeros_(self.decoder[-1].weight)
        nn.init.zeros_(self.decoder[-1].bias)
        self.register_buffer("voice_weight", torch.zeros(CONTENT, STYLE))
        self.register_buffer("voice_bias", torch.zeros(CONTENT))
        self.register_buffer("targets", torch.from_numpy(viseme_targets()), persistent=False)
        self.register_buffer("residual", torch.tensor(LARGEST_RESIDUAL), persistent=False)

    def content(self, rows: torch.Tensor) -> torch.Tensor:
        """(B, 64, T) of a front end's rows (B, inputs, T)."""
        return self.to_content(self.trunk(self.stem(self.normalise(rows))))

    def style_sums(self, rows: torch.Tensor) -> torch.Tensor:
        """What `style` wants, (B, C, T) of rows (B, inputs, T), to be summed over time."""
        return self.style_encoder.sums(self.normalise(rows))

    def style(self, sums: torch.Tensor) -> torch.Tensor:
        """(B, 64) of whole utterances, of summed `style_sums` (B, C)."""
        return self.style_encoder.style(sums)

    def voice(self, style: torch.Tensor) -> torch.Tensor:
        """(B, 64): what style (B, 64) knows of a whole utterance's mean content. It is the voice's, and no content: the
        networks here hear with it, and whoever is handed content gets it without."""
        return nn.functional.linear(style, self.voice_weight, self.voice_bias)

    def visemes(self, content: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Probabilities (B, 15, T) of content (B, 64, T) and the rows (B, inputs, T) that it came from."""
        by_content, by_ear = self.to_visemes(content).softmax(1), self.hear_visemes(rows).softmax(1)
        return by_content + EAR_SHARE * (by_ear - by_content)

    def hear_visemes(self, rows: torch.Tensor) -> torch.Tensor:
        """Logits (B, 15, T) of the visemes by their ear, of rows (B, inputs, T)."""
        return self._hear(self.viseme_ear, rows)

    def articulators(self, content: torch.Tensor, style: torch.Tensor, visemes: torch.Tensor) -> torch.Tensor:
        """Logits (B, 7, T) of content (B, 64, T), style (B, 64) and the visemes' probabilities (B, 15, T).

        The visemes' targets weighted by their probabilities, and a bounded residual of the decoder. The first carries
        over to voices unlike those of the training better, the second knows coarticulation.
        """
        gain, shift = self.to_manner(style)[:, :, None].chunk(2, 1)
        gain = torch.exp(LARGEST_GAIN * torch.tanh(gain))
        expected = torch.einsum("bvt,va->bat", visemes.float(), self.targets).clamp(0.02, 0.98)
        residual = self.residual[:, None] * torch.tanh(self.decoder(content).float())
        return (torch.logit(expected) + residual) * gain.float() + LARGEST_SHIFT * torch.tanh(shift.float())

    def labiodental(self, rows: torch.Tensor) -> torch.Tensor:
        """Logits (B, T) of the articulator `labiodental` by its ear, of rows (B, inputs, T).

        The ear misses fewer in words that are new, and `articulators` fewer in voices unlike those of the training:
        the lip is at the teeth where either says so.
        """
        return self._hear(self.labiodental_ear, rows)[:, 0]

    def _hear(self, ear: Ear, rows: torch.Tensor) -> torch.Tensor:
        return ear(self.normalise(rows)[:, -self.features :])

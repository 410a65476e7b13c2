# SPDX-License-Identifier: GPL-3.0-or-later
"""A small speech encoder: two convolutions and a few transformer layers over log-mels, 50 frames a second.

The architecture is that of Whisper's encoder (Radford et al. 2022, Robust speech recognition via large-scale weak
supervision), cut after its first layers: those know phones in any voice, room and noise, the later ones words. The
file that ships holds weights of Whisper tiny.en (MIT licence), from assets/prior/whisper.py.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .features import MELS

LONGEST = 1500  # frames
OFFSET_DB, SCALE_DB = 45.0, 40.0  # decibels over the recording's level to the range that Whisper was trained on


@dataclass(frozen=True)
class EncoderSettings:
    """Sizes of SpeechEncoder.

    Args:
        width: features of a frame.
        heads: of the attention.
        layers: transformer layers.
    """

    width: int = 384
    heads: int = 6
    layers: int = 2


class Layer(nn.Module):
    """Attention over the whole window, then two linear maps, each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_maps = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.attended = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.maps = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, frames, width = x.shape
        parts = self.query_key_value(self.before_attention(x)).reshape(batch, frames, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        heard = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(batch, frames, width)
        x = x + self.attended(heard)
        return x + self.maps(self.before_maps(x))


class SpeechEncoder(nn.Module):
    """Log-mels to features that tell phones apart."""

    def __init__(self, settings: EncoderSettings = EncoderSettings()) -> None:
        super().__init__()
        self.settings = settings
        width = settings.width
        self.first = nn.Conv1d(MELS, width, 3, padding=1)
        self.second = nn.Conv1d(width, width, 3, stride=2, padding=1)
        self.layers = nn.Sequential(*(Layer(width, settings.heads) for _ in range(settings.layers)))
        self.register_buffer("positions", _positions(width), persistent=False)

    def forward(self, log_mels: torch.Tensor) -> torch.Tensor:
        """(B, width, T) of (B, MELS, 2T) decibels of features.log_mels; T at most LONGEST."""
        x = F.gelu(self.first((log_mels + OFFSET_DB) / SCALE_DB))
        x = F.gelu(self.second(x)).transpose(1, 2)
        return self.layers(x + self.positions[: x.shape[1]]).transpose(1, 2)


def _positions(width: int) -> torch.Tensor:
    """(LONGEST, width) sinusoids (Vaswani et al. 2017), all sines before all cosines."""
    rates = 10000.0 ** (-torch.arange(width // 2) / (width // 2 - 1))
    angles = torch.arange(LONGEST)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1)

# SPDX-License-Identifier: GPL-3.0-or-later
"""EmotionEncoder: what an emotion does where, by codebooks at several resolutions.

UA-3DTalk (arXiv 2601.19112), section Emotion Distillation, 4D Gaussian encoding with multi-resolution codebooks. With
the emotion e (64, projected from 128), the codebook C_r (64 s_r, 64) and the tri-plane feature f_r(p) (64) of
resolution 64 s_r, the encoding of a point p is the concatenation over r of

    f_r(p) * softmax(e C_r^T / sqrt(64)) C_r        (* is the Hadamard product)
"""

import math

import torch
from torch import Tensor, nn

from .drive import EMOTION

SCALES = (1, 2, 4)
WIDTH = 64
ENTRIES = 64  # per scale
RESOLUTIONS = tuple(64 * scale for scale in SCALES)
ENCODING = WIDTH * len(SCALES)


class EmotionEncoder(nn.Module):
    """An emotion (128,) to what it multiplies the spatial features with (192,)."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(EMOTION, WIDTH)
        self.codebooks = nn.ParameterList(nn.Parameter(torch.randn(ENTRIES * scale, WIDTH)) for scale in SCALES)

    def attention(self, emotion: Tensor) -> list[Tensor]:
        """Per resolution, how much of each entry is taken: (..., 64 s), of (..., 128)."""
        e = self.project(emotion)
        return [torch.softmax(e @ codebook.T / math.sqrt(WIDTH), -1) for codebook in self.codebooks]

    def attended(self, emotion: Tensor) -> Tensor:
        """(..., 192) of (..., 128): softmax(e C^T / sqrt(64)) C of every resolution."""
        parts = zip(self.attention(emotion), self.codebooks)
        return torch.cat([attention @ codebook for attention, codebook in parts], -1)

    def forward(self, spatial: Tensor, emotion: Tensor) -> Tensor:
        """(192, P) encoding of P points' tri-plane features (192, P) under an emotion (128,)."""
        return spatial * self.attended(emotion)[:, None]

    @torch.no_grad()
    def usage(self, emotions: Tensor) -> list[dict[str, float]]:
        """How the codebooks are used over emotions (E, 128), by resolution.

        Returns:
            Per resolution `entries`; `perplexity`, exp(entropy) of the attention's mean over the emotions: how many
            entries are in use; and `each`, the mean of every emotion's own perplexity.
        """
        rows = []
        for attention in self.attention(emotions):
            each = _perplexity(attention)
            rows.append({
                "entries": attention.shape[1], "perplexity": float(_perplexity(attention.mean(0))),
                "each": float(each.mean()),
            })  # fmt: skip
        return rows


def _perplexity(p: Tensor) -> Tensor:
    return torch.exp(-(p * p.clamp_min(1e-30).log()).sum(-1))

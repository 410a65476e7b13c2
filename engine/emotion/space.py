# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion space: 128 dimensions in which what is heard, what is set and what a face shows are points.

Each emotion is a learned direction; a mix of sliders is the sum of their directions times the sliders, so that it moves
continuously and the same sliders are the same point. A decoder makes ARKit's expression of a point, an encoder a point
of an expression, and a plane gives valence and arousal. The space is the teacher of UA-3DTalk's Emotion Distillation
(arXiv 2601.19112): it knows the label and the face, and the audio feature is drawn to where it puts them. It begins
with the FACS prototypes of facs.py (assets/emotion/train_space.py).
"""

import numpy as np
import torch
from torch import nn

from ..protocol import EXPRESSION_NAMES
from .classes import CLASSES, FEATURE

HIDDEN = 192
DEAD_ZONE = 0.006  # what the decoder misses zero by; so no face at all stays none


class EmotionSpace(nn.Module):
    """Prototypes, decoder, encoder, valence and arousal. The origin is no emotion, and decodes to no expression."""

    def __init__(self) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(torch.empty(len(CLASSES), FEATURE))
        nn.init.orthogonal_(self.prototypes, gain=4.0)
        self.decoder = nn.Sequential(
            nn.Linear(FEATURE, HIDDEN, bias=False), nn.GELU(), nn.Linear(HIDDEN, HIDDEN, bias=False), nn.GELU(),
            nn.Linear(HIDDEN, len(EXPRESSION_NAMES), bias=False),
        )
        self.encoder = nn.Sequential(
            nn.Linear(len(EXPRESSION_NAMES), HIDDEN, bias=False), nn.GELU(), nn.Linear(HIDDEN, FEATURE, bias=False)
        )
        self.affect = nn.Linear(FEATURE, 2, bias=False)

    def points(self, weights: torch.Tensor) -> torch.Tensor:
        """(..., 128) of intensities (..., C) in [0, 1] of the first C of CLASSES."""
        return weights @ self.prototypes[: weights.shape[-1]]

    def decode(self, points: torch.Tensor) -> torch.Tensor:
        """Raw ARKit weights (..., 52) of points (..., 128), near [0, 1]; for training."""
        return self.decoder(points)

    def valence_arousal(self, points: torch.Tensor) -> torch.Tensor:
        """(..., 2) in about [-1, 1] of points (..., 128)."""
        return self.affect(points)

    @torch.inference_mode()
    def expression(self, points: np.ndarray) -> np.ndarray:
        """(T, 52) float32 ARKit weights in [0, 1] of points (T, 128)."""
        raw = self.decode(torch.from_numpy(np.asarray(points, np.float32)))
        return ((raw - DEAD_ZONE).clamp_min(0.0) / (1.0 - DEAD_ZONE)).clamp_max(1.0).numpy()

    @torch.inference_mode()
    def of_weights(self, weights: np.ndarray) -> np.ndarray:
        """(T, 128) float32 points of the eight sliders (T, 8)."""
        return self.points(torch.from_numpy(np.asarray(weights, np.float32))).numpy()

    @torch.inference_mode()
    def of_expression(self, expression: np.ndarray) -> np.ndarray:
        """(T, 128) float32 points of faces (T, 52), as a capture tracks them."""
        return self.encoder(torch.from_numpy(np.asarray(expression, np.float32))).numpy()

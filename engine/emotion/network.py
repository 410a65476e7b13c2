# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion Distillation's student: two seconds of speech to a 128-d emotion feature.

UA-3DTalk (arXiv 2601.19112), section Emotion Distillation, extraction; the co-attention after CA-MSER (Zou et al. 2022,
Speech emotion recognition with co-attention based multi-level acoustic information): what a CNN hears in the
spectrogram and an LSTM in the cepstra decides to which moments of the waveform-level features to listen. What is taken
of those moments is their mean and their deviation (attentive statistics, Okabe et al. 2018).
"""

from dataclasses import dataclass

import torch
from torch import nn

from .acoustics import DESCRIPTORS, MELS
from .classes import CLASSES, FEATURE

SECONDS = 2
MEL_STEPS, STEPS = 50 * SECONDS, 25 * SECONDS


@dataclass(frozen=True)
class StudentSettings:
    """Sizes of Student.

    Args:
        waveform: features of a frame of the front end.
        key: width of each attention key.
        heads: how many sets of moments are listened to.
        width: of what was heard there.
    """

    waveform: int = 384
    key: int = 48
    heads: int = 2
    width: int = 160


class Standard(nn.Module):
    """Features over their mean and deviation in training, cut off at four deviations."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("deviation", torch.ones(shape))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return ((x - self.mean) / self.deviation).clamp(-4.0, 4.0)


class SpectrogramKey(nn.Module):
    """A small CNN over the log-mel spectrogram of a window."""

    def __init__(self, key: int) -> None:
        super().__init__()
        self.standard = Standard(MELS, 1)
        widths = (1, 8, 16, 24)
        self.layers = nn.Sequential(*(layer for a, b in zip(widths[:-1], widths[1:]) for layer in (
            nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(b), nn.GELU(), nn.Dropout2d(0.1),
        )))
        self.project = nn.Sequential(nn.Dropout(0.4), nn.Linear(2 * widths[-1] * MELS // 8, key), nn.GELU())

    def forward(self, mels: torch.Tensor) -> torch.Tensor:
        """(B, key) of (B, MELS, MEL_STEPS) decibels."""
        x = self.layers(self.standard(mels)[:, None])
        return self.project(torch.cat([x.mean(3), x.amax(3)], 1).flatten(1))


class CepstralKey(nn.Module):
    """A bidirectional LSTM over cepstra, pitch and voice quality."""

    def __init__(self, key: int, hidden: int = 32) -> None:
        super().__init__()
        self.standard = Standard(len(DESCRIPTORS))
        self.lstm = nn.LSTM(len(DESCRIPTORS), hidden, batch_first=True, bidirectional=True)
        self.project = nn.Sequential(nn.Dropout(0.4), nn.Linear(4 * hidden, key), nn.GELU())

    def forward(self, descriptors: torch.Tensor) -> torch.Tensor:
        """(B, key) of (B, STEPS, len(DESCRIPTORS))."""
        x, _ = self.lstm(self.standard(descriptors))
        return self.project(torch.cat([x.mean(1), x.amax(1)], 1))


class CoAttention(nn.Module):
    """Keys choose moments of the waveform-level features."""

    def __init__(self, keys: int, waveform: int, heads: int, width: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(keys, heads * 64)
        self.moments = nn.Conv1d(waveform, heads * 64, 1)
        self.project = nn.Sequential(
            nn.Dropout(0.2), nn.Linear(2 * heads * waveform, width, bias=False), nn.BatchNorm1d(width), nn.GELU(),
            nn.Dropout(0.5),
        )

    def weights(self, keys: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """(B, heads, STEPS) of sum 1: how much of (B, waveform, STEPS) is listened to, by the keys (B, keys)."""
        query = self.query(keys).unflatten(1, (self.heads, 1, 64))
        moments = self.moments(waveform).unflatten(1, (self.heads, 64))
        return (query @ moments)[:, :, 0].div(8.0).softmax(2)

    def forward(self, keys: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """(B, width) of the moments' mean and deviation."""
        weights = self.weights(keys, waveform).transpose(1, 2)
        mean = waveform @ weights  # (B, waveform, heads)
        deviation = (waveform.square() @ weights - mean.square()).clamp_min(1e-4).sqrt()
        return self.project(torch.cat([mean, deviation], 1).flatten(1))


class Student(nn.Module):
    """Keys, co-attention and the emotion feature."""

    def __init__(self, settings: StudentSettings = StudentSettings()) -> None:
        super().__init__()
        self.settings = settings
        keys = 2 * settings.key
        self.spectrogram, self.cepstral = SpectrogramKey(settings.key), CepstralKey(settings.key)
        self.waveform = Standard(settings.waveform, 1)
        self.attention = CoAttention(keys, settings.waveform, settings.heads, settings.width)
        self.to_feature = nn.Linear(keys + settings.width, FEATURE)
        self.to_classes = nn.Linear(FEATURE, len(CLASSES))

    def forward(
        self, mels: torch.Tensor, descriptors: torch.Tensor, waveform: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Emotion feature (B, FEATURE) and logits (B, CLASSES) of windows of SECONDS.

        Args:
            mels: (B, MELS, MEL_STEPS) decibels.
            descriptors: (B, STEPS, len(DESCRIPTORS)).
            waveform: (B, settings.waveform, STEPS).
        """
        feature = self.to_feature(self.listened(mels, descriptors, waveform))
        return feature, self.to_classes(feature)

    def listened(self, mels: torch.Tensor, descriptors: torch.Tensor, waveform: torch.Tensor) -> torch.Tensor:
        """(B, 2 key + width) of what `forward` takes: the keys, and what they chose; all but the last layers."""
        keys = torch.cat([self.spectrogram(mels), self.cepstral(descriptors)], 1)
        return torch.cat([keys, self.attention(keys, self.waveform(waveform))], 1)

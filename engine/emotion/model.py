# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion model: several students and the space that taught them, in one file."""

from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from ..prior.storage import read_network, save_network
from .network import Student, StudentSettings
from .space import EmotionSpace
from .waveform import WaveformSource

SHIPPED = Path(__file__).resolve().parents[1] / "data" / "emotion.safetensors"
KIND = "emoemotion"
MEMBERS = 3


class EmotionModel(nn.Module):
    """Students whose features and probabilities are averaged, which their common teacher's space allows."""

    def __init__(self, settings: StudentSettings = StudentSettings(), members: int = MEMBERS) -> None:
        super().__init__()
        self.space = EmotionSpace()
        self.students = nn.ModuleList(Student(settings) for _ in range(members))

    def forward(self, *windows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Emotion feature (B, FEATURE) and probabilities (B, C) of CLASSES, of what Student.forward takes."""
        features, logits = zip(*(student(*windows) for student in self.students))
        return torch.stack(features).mean(0), torch.stack(logits).softmax(2).mean(0)


def save_model(model: EmotionModel, source: WaveformSource, header: dict, path: Path) -> None:
    """Write a model that was trained on the features of `source`. Raises StorageError."""
    save_network(model, KIND, header | source.to_header(), path)


def load_model(path: Path) -> tuple[EmotionModel, WaveformSource]:
    """A model and what it was trained to listen to. Raises FormatError, and MissingPackageError for a pipeline."""
    def make(header: dict) -> EmotionModel:
        return EmotionModel(StudentSettings(waveform=WaveformSource.of_header(header).width))

    model, header = read_network(make, KIND, path)
    return model, WaveformSource.of_header(header)


@lru_cache(maxsize=1)
def shipped_model() -> tuple[EmotionModel, WaveformSource]:
    """The model that ships, read once. Raises FormatError."""
    return load_model(SHIPPED)

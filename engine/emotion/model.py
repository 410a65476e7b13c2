# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion model that ships: several students and the space that taught them, in one file."""

import hashlib
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn

from ..errors import FormatError
from ..prior.storage import load_network, save_network
from .network import Student, StudentSettings
from .space import EmotionSpace

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


def digest(encoder: nn.Module) -> str:
    """What tells one set of weights from another, as they are stored: in half precision. Zero has no sign here."""
    found = hashlib.sha256()
    for name, value in sorted(encoder.state_dict().items()):
        found.update(name.encode() + (value.detach().half() + 0.0).numpy().tobytes())
    return found.hexdigest()


def save_model(model: EmotionModel, encoder: nn.Module, header: dict, path: Path) -> None:
    """Write a model that hears with `encoder`. Raises StorageError."""
    save_network(model, KIND, {**header, "encoder": digest(encoder)}, path)


@lru_cache(maxsize=1)
def shipped_model(path: Path = SHIPPED) -> tuple[EmotionModel, str]:
    """The model that ships and the digest of the encoder that it hears with, read once. Raises FormatError."""
    model = EmotionModel()
    header = load_network(model, KIND, path)
    return model, str(header.get("encoder", ""))


def require_encoder(encoder: nn.Module, wanted: str) -> None:
    """Raise FormatError unless `encoder` is the one that the model was trained with."""
    if digest(encoder) != wanted:
        raise FormatError(
            "The emotion model and the speech encoder do not belong together.", "Install the extension again."
        )

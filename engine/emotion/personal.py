# SPDX-License-Identifier: GPL-3.0-or-later
"""What a head carries of the emotion model: its students' last layers, as one person's capture has changed them."""

import copy
from dataclasses import dataclass

import torch

from .classes import CLASSES, FEATURE
from .model import MEMBERS, EmotionModel
from .network import StudentSettings


@dataclass(frozen=True)
class PersonalEmotion:
    """Last layers for one person.

    Args:
        model: digest of the emotion model whose last layers they replace.
        layers: by their names in the model, of the shapes of `layer_shapes`.
    """

    model: str
    layers: dict[str, torch.Tensor]


def layer_shapes() -> dict[str, tuple[int, ...]]:
    """The shapes of the last layers of all students, by name."""
    settings = StudentSettings()
    shapes = {
        "to_feature.weight": (FEATURE, 2 * settings.key + settings.width), "to_feature.bias": (FEATURE,),
        "to_classes.weight": (len(CLASSES), FEATURE), "to_classes.bias": (len(CLASSES),),
    }  # fmt: skip
    return {f"students.{k}.{name}": shape for k in range(MEMBERS) for name, shape in shapes.items()}


def last_layers(model: EmotionModel) -> dict[str, torch.Tensor]:
    """Those of a model, shared with it."""
    state = model.state_dict()
    return {name: state[name] for name in layer_shapes()}


def with_layers(model: EmotionModel, layers: dict[str, torch.Tensor]) -> EmotionModel:
    """A copy of the model with other last layers."""
    model = copy.deepcopy(model)
    model.load_state_dict(layers, strict=False)
    return model

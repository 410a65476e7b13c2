# SPDX-License-Identifier: GPL-3.0-or-later
"""The Clip: canonical splats, a basis of movements, and how much of each is in every frame."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import torch

from ..splats.gaussians import Gaussians
from .orientation import turned


@dataclass
class Clip:
    """A take played by a head, as data that needs neither. Frame k is the time (start + k) / fps from the audio's
    start.

    Args:
        name: the head's, for people.
        fps: exact frames per second.
        rest: N Gaussians, the head at rest in its own frame (face towards -y, z up, metres).
        basis: (K, N, 3) float16, metres that each shape adds to the means at weight 1.
        weights: (T, K) float32 in [-1, 1]; every shape reaches 1 or -1 somewhere.
        colors, tile_colors: (N, 3) float32, linear light, for splats that blend and for opaque tiles: linear_colors.py.
        neighbours: (N, 2) int32, whose movement tells how each Gaussian turns (see orientation.py).
        uncertainty: (N,) float32, how unsure the head is of each Gaussian; 0 where it does not say.
        regions: (N,) uint8, index into `region_names`.
        region_names: at most 256 names.
        error_mm: {"p95", "max"} of the distance between a Gaussian's place and what the basis gives, in millimetres.
        start: the take's frame (from 0) of the first row of weights.
        audio: path of the audio, for people; may be "".
    """

    name: str
    fps: Fraction
    rest: Gaussians
    basis: np.ndarray
    weights: np.ndarray
    colors: np.ndarray
    tile_colors: np.ndarray
    neighbours: np.ndarray
    uncertainty: np.ndarray
    regions: np.ndarray
    region_names: tuple[str, ...]
    error_mm: dict[str, float]
    start: int = 0
    audio: str = ""

    def __post_init__(self) -> None:
        points, shapes = len(self.rest), len(self.basis)
        wanted = {"basis": (shapes, points, 3), "weights": (len(self.weights), shapes), "neighbours": (points, 2)}
        wanted |= {"colors": (points, 3), "tile_colors": (points, 3)}
        wanted |= {"uncertainty": (points,), "regions": (points,)}
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"Clip.{name} must be of shape {shape}, not {getattr(self, name).shape}.")

    def __len__(self) -> int:
        return len(self.weights)

    def means(self, frame: int) -> np.ndarray:
        """(N, 3) float32 metres: where the Gaussians are in a frame (from 0)."""
        moved = self.rest.means.numpy().copy()
        for weight, shape in zip(self.weights[frame], self.basis):
            moved += weight * shape.astype(np.float32)
        return moved

    def posed(self, frame: int) -> Gaussians:
        """The Gaussians of a frame (from 0); scales, opacities and colours are shared with `rest`."""
        means = self.means(frame)
        quats = turned(self.rest.quats.numpy(), self.rest.means.numpy(), means, self.neighbours)
        return replace(self.rest, means=torch.from_numpy(means), quats=torch.from_numpy(quats))

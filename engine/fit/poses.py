# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses of head and torso in a film, refined by the image loss: a small offset per row from what was tracked.

The tracker says where the head is, to a fraction of a pixel; of the torso it says nothing, so that is taken to stand
still. Both are moved, row by row, by Adam (Kingma, Ba 2014) with a memory of the row's own, and held near where they
began. What is learnt of a row's torso is a matter of that picture alone: a take's torso stands still.
"""

import numpy as np
import torch
from torch import Tensor

from ..splats.quats import matrices_from_quats, multiply_quats, quats_from_rotation_vectors

# A tenth of a metre moves a picture about as much as a radian turns it. A torso, which nothing tracked, goes further.
UNITS = np.outer([1, 4], [1, 1, 1, 0.1, 0.1, 0.1]).ravel().astype(np.float32)
CHEST = (0.0, 0.0, -0.2)  # metres, what a torso turns about
SPREAD = 0.02  # of offsets, in radians
BETAS = 0.8, 0.98


class PoseOffsets:
    """Args:
        tracked: (F, 6) head poses in a world where the torso stands still.
        rate: of learning, in radians a step; 0 where poses are exact and stay.
        pull: weight of the pull to where they began.

    Attributes:
        offsets: (F, 12) float32 in UNITS, head and then torso.
    """

    def __init__(self, tracked: np.ndarray, rate: float, pull: float = 1e-3) -> None:
        self.tracked, self.rate, self.pull = tracked, rate, pull
        shape = (len(tracked), len(UNITS))
        self.offsets, self.first, self.second = (np.zeros(shape, np.float32) for _ in range(3))
        self.counts = np.zeros(len(tracked), np.int32)

    def leaf(self, row: int) -> Tensor:
        """(12,) a row's offsets, whose gradient `step` wants."""
        return torch.from_numpy(self.offsets[row].copy()).requires_grad_(self.rate > 0)

    def placed(self, row: int, offsets: Tensor, viewmat: Tensor) -> tuple[Tensor, Tensor]:
        """A row as a camera and a head pose in the torso's world.

        Args:
            offsets: (12,) of the row.
            viewmat: (4, 4) of the camera that stands still.

        Returns:
            (4, 4) camera and (6,) head pose.
        """
        head = torch.from_numpy(self.tracked[row])
        if self.rate == 0:
            return viewmat, head
        moved = offsets * torch.from_numpy(UNITS)
        head, torso = head + moved[:6], moved[6:]
        turn = quats_from_rotation_vectors(torso[:3])
        rotation, chest = matrices_from_quats(turn), torso.new_tensor(CHEST)
        shift = chest - rotation @ chest + torso[3:]
        bottom = viewmat.new_tensor([[0.0, 0.0, 0.0, 1.0]])
        placed = viewmat @ torch.cat([torch.cat([rotation, shift[:, None]], 1), bottom])
        back = turn * turn.new_tensor([1.0, -1.0, -1.0, -1.0])
        relative = multiply_quats(back[None], quats_from_rotation_vectors(head[:3])[None])[0]
        return placed, torch.cat([rotation_vector(relative), rotation.T @ (head[3:] - shift)])

    def step(self, row: int, gradient: Tensor | None, factor: float) -> None:
        """Move a row's offsets against their gradient."""
        if self.rate == 0 or gradient is None:
            return
        slope = gradient.cpu().numpy() + self.pull * self.offsets[row] / SPREAD
        self.counts[row] += 1
        self.first[row] += (1 - BETAS[0]) * (slope - self.first[row])
        self.second[row] += (1 - BETAS[1]) * (slope**2 - self.second[row])
        first = self.first[row] / (1 - BETAS[0] ** self.counts[row])
        second = self.second[row] / (1 - BETAS[1] ** self.counts[row])
        self.offsets[row] -= self.rate * factor * first / (np.sqrt(second) + 1e-12)

    def state(self) -> dict[str, np.ndarray]:
        """What a checkpoint holds."""
        return {name: getattr(self, name) for name in ("offsets", "first", "second", "counts")}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        for name, value in state.items():
            setattr(self, name, value.copy())


def rotation_vector(quat: Tensor) -> Tensor:
    """(4,) unit quat wxyz, less than half a turn, to (3,) radians; smooth at no turn at all."""
    sine = quat[1:].square().sum().clamp_min(1e-12).sqrt()
    return quat[1:] * (2 * torch.atan2(sine, quat[0]) / sine)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Deformation: one row of a Drive to moved Gaussians.

Under UA-3DTalk's networks (arXiv 2601.19112, section Uncertainty-based Deformation) lies a low-rank residual per
Gaussian: coefficients of a small network times a basis of the Gaussian's own (linear blendshapes that are learned, as
in Gaussian Blendshapes, Ma et al., SIGGRAPH 2024, on position, rotation, scale, opacity and colour).
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from ..splats.gaussians import Gaussians
from ..splats.quats import matrices_from_quats, multiply_quats, quats_from_rotation_vectors
from .codes import CodeNetwork, Inputs
from .drive import Drive, DriveFrame
from .settings import DeformationSettings

# A Gaussian's changes, in this order: position (metres, the head's frame), rotation vector (radians, the head's frame),
# log-scales, logit of the opacity, the constant coefficient of the colour; how many, and how much 1 in `basis` means.
CHANGES = {"position": 3, "rotation": 3, "scale": 3, "opacity": 1, "color": 3}
UNITS = {"position": 0.01, "rotation": 0.2, "scale": 0.5, "opacity": 1.0, "color": 0.5}
CHANNELS = sum(CHANGES.values())
LARGEST_GROWTH = 1.5  # of a log-scale
# Tensors with a row for every Gaussian.
PER_GAUSSIAN = ("basis", "torso")


class Deformation(nn.Module):
    """Moves N Gaussians.

    Args:
        settings: sizes.
        count: N.

    Attributes:
        basis: (N, 13, R) parameter, in UNITS per coefficient.
        torso: (N,) buffer, 0 to 1: how far a Gaussian belongs to the torso, which does not turn with the head.
    """

    def __init__(self, settings: DeformationSettings, count: int) -> None:
        super().__init__()
        self.settings = settings
        self.inputs = Inputs(settings.codes)
        self.code_network = CodeNetwork(self.inputs.size, settings.width, settings.rank)
        self.basis = nn.Parameter(torch.zeros(count, CHANNELS, settings.rank))
        self.register_buffer("torso", torch.zeros(count))
        units = [UNITS[name] for name, size in CHANGES.items() for _ in range(size)]
        self.register_buffer("units", torch.tensor(units), persistent=False)

    def __len__(self) -> int:
        return len(self.basis)

    def see(self, drive: Drive) -> None:
        """Before the fit: learn range, mean and spread of the inputs from the rows that are fitted."""
        self.inputs.see(drive)

    def remember(self, drive: Drive) -> None:
        """After the fit: hold coefficients within those of the rows that were fitted."""
        self.code_network.remember(torch.stack([self.inputs(drive.frame(row)) for row in range(len(drive))]))

    @torch.no_grad()
    def select(self, index: Tensor) -> None:
        """Make the new i-th Gaussian a copy of the old index[i], in place: to prune, to split, to move points.

        Parameters stay the same objects, so that an optimiser goes on with them; its state's rows are the caller's.
        """
        for name in PER_GAUSSIAN:
            tensor = getattr(self, name)
            tensor.data = tensor.data[index]

    def forward(self, rest: Gaussians, frame: DriveFrame) -> Gaussians:
        """Move Gaussians from rest by one row of a Drive. Gradients flow to everything that is a parameter, and to
        `rest`.

        Args:
            rest: N Gaussians.

        Returns:
            N Gaussians in the head's frame; the head's own pose is not yet in it. Higher coefficients of the colours
            are shared with `rest`.

        Raises:
            ValueError: another number of Gaussians.
        """
        if len(rest) != len(self):
            raise ValueError(f"This deformation moves {len(self)} Gaussians, not {len(rest)}.")
        z = self.code_network(self.inputs(frame))
        changes = (self.basis.flatten(0, 1) @ z).view(-1, CHANNELS) * self.units
        return apply_changes(rest, changes)

    def pose(self, rest: Gaussians, frame: DriveFrame, head_pose: Tensor) -> Gaussians:
        """`forward`, and then the head turns on its torso.

        Args:
            head_pose: (6,) rotation vector (radians) about the head's origin, then translation (metres).
        """
        return self.turn(self(rest, frame), head_pose)

    def turn(self, moved: Gaussians, head_pose: Tensor) -> Gaussians:
        """Turn moved Gaussians with the head's pose (6,), the torso's less."""
        if not head_pose.any():
            return moved
        turn = quats_from_rotation_vectors(head_pose[:3])
        torso = self.torso[:, None]
        means = moved.means @ matrices_from_quats(turn).T + head_pose[3:]
        blended = torso * turn.new_tensor([1.0, 0.0, 0.0, 0.0]) + (1.0 - torso) * turn
        quats = multiply_quats(nn.functional.normalize(blended, dim=1), moved.quats)
        return replace(moved, means=torso * moved.means + (1.0 - torso) * means, quats=quats)


def apply_changes(rest: Gaussians, changes: Tensor) -> Gaussians:
    """Gaussians changed by (N, 13), in the order of CHANGES."""
    position, rotation, scale, opacity, color = changes.split(list(CHANGES.values()), 1)
    half = torch.cat([torch.ones_like(opacity), rotation / 2], 1)  # near enough below 0.5 rad, and no 0 / 0
    quats = multiply_quats(nn.functional.normalize(half, dim=1), rest.quats)
    scales = rest.scales * scale.clamp(-LARGEST_GROWTH, LARGEST_GROWTH).exp()
    odds = opacity[:, 0].clamp(-8.0, 8.0).exp()  # the opacity's logit is shifted, without taking a logit
    opacities = rest.opacities * odds / (1.0 - rest.opacities + rest.opacities * odds)
    sh = torch.cat([rest.sh[:, :1] + color[:, None], rest.sh[:, 1:]], 1)
    return Gaussians(rest.means + position, quats, scales, opacities, sh)

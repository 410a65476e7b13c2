# SPDX-License-Identifier: GPL-3.0-or-later
"""The Head: static Gaussians and what moves them."""

from dataclasses import dataclass, field

import numpy as np
import torch

from ..protocol import EXPRESSION_NAMES
from ..splats.gaussians import Gaussians
from .rig import Rig


@dataclass
class Head:
    """A talking head at rest, in its own frame: metres, origin between the ears, face towards -y, z up.

    Args:
        name: what a person calls it by, and the stem of its file.
        gaussians: N Gaussians at rest.
        rig: moves these N Gaussians.
        meta: what else its file's header says, as JSON can hold it: "title", "licence", ...

    Raises:
        ValueError: the rig is for another number of Gaussians.
    """

    name: str
    gaussians: Gaussians
    rig: Rig
    meta: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.gaussians) != len(self.rig.weights):
            raise ValueError(f"The rig moves {len(self.rig.weights)} Gaussians, the head has {len(self.gaussians)}.")

    def pose(self, expression: np.ndarray | torch.Tensor, head_pose: np.ndarray | torch.Tensor) -> Gaussians:
        """The Gaussians of one frame of a take.

        Args:
            expression: (52,) ARKit weights in [0, 1], in the order of EXPRESSION_NAMES.
            head_pose: (6,) rotation vector (radians) and translation (metres) about the origin between the ears.

        Returns:
            N Gaussians in the head's frame; scales, opacities and colours are shared with the head's own.

        Raises:
            ValueError: another shape than (52,) or (6,).
        """
        expression = torch.as_tensor(expression, dtype=torch.float32)
        head_pose = torch.as_tensor(head_pose, dtype=torch.float32)
        if expression.shape != (len(EXPRESSION_NAMES),) or head_pose.shape != (6,):
            shapes = f"{tuple(expression.shape)} and {tuple(head_pose.shape)}"
            raise ValueError(f"A pose is a (52,) expression and a (6,) head pose, not {shapes}.")
        rest = self.gaussians
        means, quats = self.rig.pose(rest.means, rest.quats, expression, head_pose)
        return Gaussians(means, quats, rest.scales, rest.opacities, rest.sh)

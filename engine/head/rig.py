# SPDX-License-Identifier: GPL-3.0-or-later
"""The rig: linear blendshapes and a few skinned joints, both driven by ARKit's 52 weights.

Structure of FLAME (Li, Bolkart, Black, Li, Romero: Learning a model of facial shape and expression from 4D scans,
SIGGRAPH Asia 2017, section 3): expression blendshapes are added to the rest points, then linear blend skinning turns
them about the joints. Two differences: the joints' rotation vectors are linear in the expression weights, so a take
holds no joint angles, and a "torso" joint never moves, so that a head turns on its neck.
"""

from dataclasses import dataclass

import torch

from ..deform.drive import DriveFrame
from ..protocol import EXPRESSION_NAMES
from ..splats.gaussians import Gaussians
from ..splats.quats import matrices_from_quats, multiply_quats, quats_from_rotation_vectors

FIXED_JOINTS = ("torso", "head")


@dataclass
class Rig:
    """How N Gaussians move.

    Args:
        shapes: (52, N, 3) float32, metres added to the means at weight 1, in the order of EXPRESSION_NAMES.
        joints: J names; every joint is a child of "head".
        pivots: (J, 3) float32, metres, where the joints turn.
        rotations: (J, 52, 3) float32, radians, rotation vector of every joint at weight 1.
        weights: (N, 2 + J) float32, skinning weights of torso, head and the joints; rows sum to 1.

    Raises:
        ValueError: the tensors' shapes do not fit together.
    """

    shapes: torch.Tensor
    joints: tuple[str, ...]
    pivots: torch.Tensor
    rotations: torch.Tensor
    weights: torch.Tensor

    def __post_init__(self) -> None:
        names, joints, count = len(EXPRESSION_NAMES), len(self.joints), len(self.weights)
        wanted = {"shapes": (names, count, 3), "pivots": (joints, 3), "rotations": (joints, names, 3)}
        wanted["weights"] = (count, len(FIXED_JOINTS) + joints)
        for name, shape in wanted.items():
            if tuple(getattr(self, name).shape) != shape:
                raise ValueError(f"Rig.{name} must be of shape {shape}, not {tuple(getattr(self, name).shape)}.")

    def __len__(self) -> int:
        return len(self.weights)

    def pose(self, rest: Gaussians, frame: DriveFrame, head_pose: torch.Tensor) -> Gaussians:
        """Move Gaussians from rest by the frame's expression; the rest of the frame is not asked for.

        Args:
            rest: N Gaussians.
            head_pose: (6,) rotation vector (radians) about the head's origin, then translation (metres).

        Returns:
            N Gaussians in the head's frame; scales, opacities and colours are shared with `rest`.
        """
        shaped = rest.means + (frame.expression @ self.shapes.flatten(1)).view(-1, 3)
        matrices, turns = self._joint_transforms(frame.expression, head_pose)
        blended = (self.weights @ matrices.flatten(1)).view(-1, 3, 4)
        means = (blended[..., :3] * shaped[:, None, :]).sum(-1) + blended[..., 3]
        quats = multiply_quats(torch.nn.functional.normalize(self.weights @ turns, dim=-1), rest.quats)
        return Gaussians(means, quats, rest.scales, rest.opacities, rest.sh)

    def _joint_transforms(
        self, expression: torch.Tensor, head_pose: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """(2 + J, 3, 4) matrices and (2 + J, 4) quats of torso, head and joints; the quats lie in one hemisphere."""
        vectors = torch.cat([head_pose[None, :3], torch.einsum("jsk,s->jk", self.rotations, expression)])
        quats = quats_from_rotation_vectors(vectors)
        turns = matrices_from_quats(quats)
        shift = self.pivots - (turns[1:] @ self.pivots[..., None])[..., 0]
        rotation = torch.cat([torch.eye(3)[None], turns[:1], turns[0] @ turns[1:]])
        offset = torch.cat([torch.zeros(1, 3), head_pose[None, 3:], shift @ turns[0].T + head_pose[3:]])
        joined = torch.cat([torch.tensor([[1.0, 0.0, 0.0, 0.0]]), quats[:1], multiply_quats(quats[:1], quats[1:])])
        joined = torch.where(joined[:, :1] < 0, -joined, joined)
        return torch.cat([rotation, offset[..., None]], dim=-1), joined

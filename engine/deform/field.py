# SPDX-License-Identifier: GPL-3.0-or-later
"""NodeField: the networks at the control nodes, and the Gaussians that follow them."""

import torch
from torch import Tensor, nn

from ..splats.gaussians import Gaussians
from .branch import Branch, Driven
from .changes import CHANGES, CHANNELS, units
from .codes import BEYOND, FAR
from .drive import EXPRESSION, GAZE
from .nodes import attach, choose_nodes, follow, motion_space
from .settings import DeformationSettings

MOUTH_HEADS = ("position",)
FACE_HEADS = ("position", "rotation", "scale")


class NodeField(nn.Module):
    """Face and mouth interior, each a Branch at nodes of its own; every Gaussian follows nodes of one of them.

    Args:
        settings: with at least one node.
        count: N Gaussians.
        learning: see Branch.

    Attributes:
        index: (N, k) int32 buffer, the nodes that each Gaussian follows, face nodes first; -1 until `place`.
        logits: (N, k) parameter, whose softmax are the skinning weights.
        means: (K, 3) buffer, the nodes at rest, metres.
        usual: (K,) buffer, how unsure each node was on average over what was seen.
    """

    def __init__(self, settings: DeformationSettings, count: int, learning: bool) -> None:
        super().__init__()
        nodes, inside = settings.nodes, settings.mouth_nodes
        face = tuple(CHANGES) if settings.appearance else FACE_HEADS

        def branch(points: int, emotion: bool, heads: tuple[str, ...]) -> Branch:
            sizes = {name: CHANGES[name] for name in heads}
            return Branch(points, settings.members, EXPRESSION + GAZE + settings.codes, emotion, sizes, learning)

        self.face = branch(nodes, True, face)
        self.mouth = branch(inside, False, MOUTH_HEADS) if inside else None
        self.register_buffer("index", torch.full((count, settings.neighbours), -1, dtype=torch.int32))
        self.register_buffer("means", torch.zeros(nodes + inside, 3))
        self.register_buffer("usual", torch.zeros(nodes + inside))
        self.register_buffer("low", torch.full((CHANNELS, nodes + inside), -FAR))
        self.register_buffer("high", torch.full((CHANNELS, nodes + inside), FAR))
        self.register_buffer("units", units()[:, None], persistent=False)
        self.logits = nn.Parameter(torch.zeros(count, settings.neighbours))

    @property
    def placed(self) -> bool:
        return bool(self.index[0, 0] >= 0)

    @torch.no_grad()
    def place(self, means: Tensor, motion: Tensor, inside: Tensor) -> None:
        """Choose nodes among N Gaussians and say who follows whom.

        Args:
            means: (N, 3) at rest.
            motion: (N, 3, R), see motion_space.
            inside: (N,) bool, in the mouth.

        Raises:
            ValueError: a branch has nodes but no Gaussians, or Gaussians but no nodes.
        """
        start = 0
        for branch, mask in ((self.face, ~inside), (self.mouth, inside)):
            count = 0 if branch is None else branch.codes.shape[1]
            rows = torch.nonzero(mask)[:, 0]
            if (count == 0) != (len(rows) == 0):
                raise ValueError(f"{count} nodes cannot move {len(rows)} Gaussians.")
            if not count:
                continue
            space, reach = motion_space(means[rows], motion[rows])
            chosen = choose_nodes(space, reach, count)
            chosen = chosen[torch.arange(count).clamp(max=len(chosen) - 1)]  # fewer Gaussians than nodes
            nearest, logits = attach(space, chosen, self.index.shape[1])
            self.index[rows] = start + nearest.int()
            self.logits[rows] = logits
            self.means[start : start + count] = means[rows[chosen]]
            branch.place(self.means[start : start + count])
            start += count

    def nodes(self, driven: Driven, step: int | None) -> tuple[Tensor, Tensor]:
        """Changes (13, K) of the nodes in CHANGES' units, and (K,) how unsure they are, see fusion.fuse."""
        changes, unsure = self.face(driven, step)
        changes = nn.functional.pad(changes, (0, 0, 0, CHANNELS - len(changes)))
        if self.mouth is not None:
            inside, unsure_inside = self.mouth(driven, step)
            inside = nn.functional.pad(inside, (0, 0, 0, CHANNELS - len(inside)))
            changes, unsure = torch.cat([changes, inside], 1), torch.cat([unsure, unsure_inside])
        return torch.minimum(torch.maximum(changes, self.low), self.high), unsure

    def forward(self, rest: Gaussians, driven: Driven, step: int | None) -> tuple[Tensor, Tensor]:
        """(N, 13) changes of the Gaussians, and (N,) how much less sure than usual their nodes are."""
        changes, unsure = self.nodes(driven, step)
        unsure = unsure - self.usual
        return follow(changes * self.units, unsure, rest.means, self.means, self.index, self.logits)

    @torch.no_grad()
    def remember(self, rows: list[Driven]) -> None:
        """Hold the nodes' changes within those of rows that were fitted, and BEYOND; learn how unsure is usual."""
        seen = [self.nodes(driven, None) for driven in rows]
        changes, unsure = (torch.stack(parts) for parts in zip(*seen))
        low, high = changes.amin(0), changes.amax(0)
        self.low.copy_(low - BEYOND * (high - low))
        self.high.copy_(high + BEYOND * (high - low))
        self.usual.copy_(unsure.mean(0))

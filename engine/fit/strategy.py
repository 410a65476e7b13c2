# SPDX-License-Identifier: GPL-3.0-or-later
"""Densification and pruning: points that show nothing move to where pictures pull hardest, and more are added there.

Relocation and its change of opacity and size after Kheradmand et al., 3D Gaussian splatting as Markov chain Monte
Carlo, 2024, section 4.3 and equation 9 for two; which points are split is told by the pull on their place in the
picture, as in Kerbl et al. 2023, section 5.2.
"""

import math

import torch
from torch import Tensor, nn

DEAD = 0.01  # opacity
SHARE = 0.05  # of all points that move, and that are added, at once
APART = 0.6  # standard deviations between a split point's halves and its middle


class Strategy:
    """Holds how hard each point was pulled since the last change.

    Args:
        count: points at first.
        limit: points at most.
    """

    def __init__(self, count: int, limit: int) -> None:
        self.limit = limit
        self.pull, self.steps = torch.zeros(count), 0

    def watch(self, gradient: Tensor) -> None:
        """(N, 2) gradient by the points' places in a picture."""
        self.pull += gradient.detach().cpu().norm(dim=1)
        self.steps += 1

    def change(self, points: nn.Module, deformation: nn.Module, optimizer, generator: torch.Generator) -> int:
        """Move and add points, in place; returns how many."""
        count = len(points)
        pull = self.pull / max(self.steps, 1)
        opacities = torch.sigmoid(points.logits.detach()).cpu()
        idle = (opacities < DEAD) | (pull <= 0)
        most = int(SHARE * count)
        dead = torch.nonzero(idle)[:, 0]
        dead = dead[torch.randperm(len(dead), generator=generator)[:most]]
        added = min(most, self.limit - count)
        needed = len(dead) + max(added, 0)
        chances = torch.where(idle, 0.0, pull)
        needed = min(needed, int((chances > 0).sum()))
        if needed:
            sources = torch.multinomial(chances, needed, generator=generator)
            dead, added = dead[:needed], max(needed - len(dead), 0)
            index = torch.arange(count)
            index[dead] = sources[: len(dead)]
            index = torch.cat([index, sources[len(dead) :]])
            copies = torch.cat([dead, torch.arange(count, count + added)])
            self._select(points, deformation, optimizer, index)
            self._split(points, optimizer, sources, copies, generator)
        self.pull, self.steps = torch.zeros(len(points)), 0
        return needed

    def _select(self, points: nn.Module, deformation: nn.Module, optimizer, index: Tensor) -> None:
        """The new i-th point is a copy of the old index[i], in parameters and in the optimiser's memory."""
        index = index.to(points.means.device)
        for parameter in points.parameters():
            parameter.data = parameter.data[index]
        deformation.select(index)
        renewed = {}
        for module in (*points.modules(), *deformation.modules()):
            for name, parameter in module.named_parameters(recurse=False):
                renewed[parameter] = module, name
        for group in optimizer.param_groups:
            for place, parameter in enumerate(group["params"] if group["per_point"] else ()):
                # A new object: autograd may still remember the old one's shape.
                module, name = renewed[parameter]
                fresh = nn.Parameter(parameter.data)
                setattr(module, name, fresh)
                state = optimizer.state.pop(parameter, {})
                optimizer.state[fresh] = {key: value[index] if value.dim() else value for key, value in state.items()}
                group["params"][place] = fresh

    @torch.no_grad()
    def _split(self, points, optimizer, sources: Tensor, copies: Tensor, generator: torch.Generator) -> None:
        both = torch.cat([sources, copies]).to(points.means.device)
        opacities = torch.sigmoid(points.logits[both]).clamp(max=1 - 1e-4)
        shared = 1 - torch.sqrt(1 - opacities)  # two of these hide as much as one did
        shrink = opacities / (2 * shared - shared**2 / math.sqrt(2))
        points.logits[both] = torch.logit(shared.clamp(2 * DEAD, 1 - 1e-4))
        points.log_scales[both] += shrink.log()[:, None]
        away = APART * torch.randn(len(sources), 3, generator=generator).to(points.means.device)
        away = rotated(points.quats[both[: len(sources)]], away * points.log_scales[both[: len(sources)]].exp())
        points.means[both] += torch.cat([away, -away])
        for group in optimizer.param_groups:
            for parameter in group["params"] if group["per_point"] else ():
                for value in optimizer.state.get(parameter, {}).values():
                    if value.dim():
                        value[both] = 0.0


def rotated(quats: Tensor, vectors: Tensor) -> Tensor:
    """(N, 3) vectors turned by (N, 4) quats wxyz of any length."""
    quats = nn.functional.normalize(quats, dim=1)
    scalar, axis = quats[:, :1], quats[:, 1:]
    across = torch.linalg.cross(axis, vectors)
    return vectors + 2 * (scalar * across + torch.linalg.cross(axis, across))

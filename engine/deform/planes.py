# SPDX-License-Identifier: GPL-3.0-or-later
"""Tri-planes: features of a place in space, learned on three axis-aligned grids at several resolutions.

Chan et al., Efficient Geometry-aware 3D Generative Adversarial Networks (EG3D), CVPR 2022, section 3: bilinear samples
of the planes xy, xz and yz, summed. UA-3DTalk samples them at the Gaussians' rest positions, which hardly move during a
fit; so only texels that some point touches are kept. The rest of a dense plane would never get a gradient.
"""

import torch
from torch import Tensor, nn

from . import cpu

PLANES = ((0, 1), (0, 2), (1, 2))
HALF_SIDE = 0.3  # metres: the planes span this much to each side of the head's origin


class TriPlane(nn.Module):
    """Features of P points that stand still.

    Args:
        points: P.
        channels: per resolution.
        resolutions: texels along a side.
    """

    def __init__(self, points: int, channels: int, resolutions: tuple[int, ...]) -> None:
        super().__init__()
        self.resolutions = resolutions
        corners = 4 * len(PLANES)
        self.register_buffer("index", torch.zeros(len(resolutions), points, corners, dtype=torch.int32))
        self.register_buffer("weight", torch.zeros(len(resolutions), points, corners))
        # As many texels as there could be, so that shapes do not depend on where the points lie.
        self.texels = nn.ParameterList(
            nn.Parameter(0.1 * torch.randn(min(points * corners, len(PLANES) * side**2), channels))
            for side in resolutions
        )

    @torch.no_grad()
    def place(self, positions: Tensor) -> None:
        """Set the points to (P, 3) metres; beyond HALF_SIDE the border's texels hold."""
        for level, side in enumerate(self.resolutions):
            texel, weight = _corners(positions, side)
            self.index[level] = torch.unique(texel, return_inverse=True)[1].int()
            self.weight[level] = weight

    def forward(self) -> Tensor:
        """(levels * channels, P)."""
        levels = zip(self.index, self.weight, self.texels)
        return torch.cat([_sample(*level) for level in levels], 1).T


def _sample(index: Tensor, weight: Tensor, texels: Tensor) -> Tensor:
    """(P, C) weighted sums of texels (U, C): index and weight (P, 12)."""
    if cpu.runs(texels):
        return cpu.sample(index, weight, texels, threads=1)
    return nn.functional.embedding_bag(index, texels, mode="sum", per_sample_weights=weight)


def _corners(positions: Tensor, resolution: int) -> tuple[Tensor, Tensor]:
    """Of every point the texels around it on the three planes, (P, 12) numbers, and their bilinear weights (P, 12)."""
    place = ((positions / HALF_SIDE + 1) / 2).clamp(0, 1) * (resolution - 1)
    low = place.floor().clamp(max=resolution - 2)
    share = place - low
    texels, weights = [], []
    for plane, axes in enumerate(PLANES):
        for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
            u, v = (low[:, axis].long() + step for axis, step in zip(axes, corner))
            texels.append((plane * resolution + u) * resolution + v)
            shares = [share[:, axis] if step else 1 - share[:, axis] for axis, step in zip(axes, corner)]
            weights.append(shares[0] * shares[1])
    return torch.stack(texels, 1), torch.stack(weights, 1)

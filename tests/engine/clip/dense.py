# SPDX-License-Identifier: GPL-3.0-or-later
"""A head as large as a fitted one, made of the puppet."""

import torch

from engine.head.head import Head
from engine.head.rig import Rig
from engine.splats.gaussians import Gaussians


def dense_head(puppet: Head, count: int, seed: int = 0) -> Head:
    """`count` Gaussians: the puppet's, again and again, each copy beside its original within the disc."""
    random = torch.Generator().manual_seed(seed)
    rest, rig = puppet.gaussians, puppet.mover
    index = torch.arange(count) % len(rest)
    jitter = 0.0006 * torch.randn(count, 3, generator=random) * (torch.arange(count) >= len(rest))[:, None]
    gaussians = Gaussians(
        rest.means[index] + jitter, rest.quats[index], rest.scales[index] * (len(rest) / count) ** 0.5,
        rest.opacities[index], rest.sh[index],
    )
    moved = Rig(rig.shapes[:, index], rig.joints, rig.pivots, rig.rotations, rig.weights[index])
    return Head("dense", gaussians, moved)

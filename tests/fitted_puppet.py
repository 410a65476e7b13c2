# SPDX-License-Identifier: GPL-3.0-or-later
"""A fitted head in a second: the puppet, moved by a Deformation whose basis is what the puppet's rig does."""

import numpy as np
import torch

from engine.deform.changes import UNITS
from engine.deform.deformation import Deformation
from engine.deform.drive import CONTENT, EMOTION, STYLE, Drive
from engine.deform.settings import DeformationSettings
from engine.head.head import Head
from engine.head.puppet import build_puppet
from engine.protocol import EXPRESSION_NAMES


def fitted_puppet() -> Head:
    """It opens its mouth, smiles and frowns as the puppet does, give or take what 16 shapes cannot, with small networks
    at nodes that add next to nothing, and holds to what the rig showed it."""
    puppet, random = build_puppet(), torch.Generator().manual_seed(0)
    rest, shapes = puppet.gaussians, torch.eye(len(EXPRESSION_NAMES))
    moved = torch.stack([puppet.pose(shape, np.zeros(6)).means - rest.means for shape in shapes])
    rows = torch.cat([torch.zeros_like(shapes[:1]), shapes, 0.4 * torch.rand(24, len(shapes), generator=random)])
    drive = Drive(
        rows, 0.2 * torch.randn(len(rows), 2, generator=random), torch.arange(len(rows)), None,
        torch.randn(len(rows), CONTENT, generator=random), torch.randn(STYLE, generator=random),
        torch.randn(len(rows), EMOTION, generator=random),
    )
    torch.manual_seed(0)
    module = Deformation(DeformationSettings(nodes=60, mouth_nodes=8, members=2), len(rest))
    module.see(drive)
    u, values, to_shapes = torch.linalg.svd(moved.flatten(1).T, full_matrices=False)
    rank, face, network = module.settings.rank, module.inputs.face, module.code_network
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network.linear.weight[:, : len(shapes)] = to_shapes[:rank] * face.scale[: len(shapes)]
        network.layers[-1].bias.copy_(to_shapes[:rank] @ face.mean[: len(shapes)])
        module.basis[:, :3] = (u[:, :rank] * values[:rank]).view(len(rest), 3, rank) / UNITS["position"]
        module.torso.copy_(puppet.mover.weights[:, 0])
    module.place_nodes(rest, drive, torch.arange(len(rest)) % 40 == 0)
    module.remember(drive)
    return Head("fitted", rest, module, {"title": "Fitted"})

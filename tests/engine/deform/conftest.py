# SPDX-License-Identifier: GPL-3.0-or-later
"""Random but seeded things that are driven, and what drives them."""

import pytest
import torch

from engine.deform.deformation import Deformation
from engine.deform.drive import CONTENT, EMOTION, EXPRESSION, STYLE, Drive
from engine.deform.settings import DeformationSettings
from engine.splats.gaussians import Gaussians

COUNT, CODES = 40, 6


@pytest.fixture
def drive() -> Drive:
    """30 rows over 50 frames of sound, with everything; codes that follow from jawOpen and content."""
    random = torch.Generator().manual_seed(5)
    rows, sound = 30, 50
    expression = torch.rand(rows, EXPRESSION, generator=random)
    expression[:, 0] = 0.0  # never seen
    content = torch.randn(sound, CONTENT, generator=random)
    frames = torch.randperm(sound, generator=random)[:rows].sort().values
    mix = torch.randn(EXPRESSION + CONTENT, CODES, generator=random) / 4
    codes = torch.cat([expression, content[frames]], 1) @ mix + 2.0
    return Drive(
        expression, 0.2 * torch.randn(rows, 2, generator=random), frames, codes, content,
        torch.randn(STYLE, generator=random), torch.randn(sound, EMOTION, generator=random),
    )


@pytest.fixture
def rest() -> Gaussians:
    random = torch.Generator().manual_seed(6)
    return Gaussians(
        0.1 * torch.randn(COUNT, 3, generator=random),
        torch.nn.functional.normalize(torch.randn(COUNT, 4, generator=random), dim=1),
        0.001 + 0.01 * torch.rand(COUNT, 3, generator=random),
        0.05 + 0.9 * torch.rand(COUNT, generator=random),
        torch.randn(COUNT, 4, 3, generator=random),
    )


@pytest.fixture(params=["basis", "nodes", "every Gaussian a node"])
def deformation(request, rest, drive) -> Deformation:
    """With everything that is zero at first filled, so that it moves: no networks, at nodes, and as in the paper."""
    return moving_deformation(rest, drive, request.param)


@pytest.fixture
def with_nodes(rest, drive) -> Deformation:
    return moving_deformation(rest, drive, "nodes")


def moving_deformation(rest, drive, kind: str) -> Deformation:
    torch.manual_seed(7)
    sizes = {
        "basis": {},
        "nodes": {"nodes": 12, "mouth_nodes": 4, "members": 3, "appearance": True},
        "one network a view": {"nodes": 12, "mouth_nodes": 4, "members": 1},
        "every Gaussian a node": {"nodes": COUNT, "neighbours": 1, "members": 3, "appearance": True},
    }[kind]
    module = Deformation(DeformationSettings(codes=CODES, **sizes), COUNT)
    module.see(drive)
    torch.nn.init.normal_(module.basis, std=0.3)
    if sizes:
        inside = torch.arange(COUNT) % 4 == 0 if "mouth_nodes" in sizes else None
        module.place_nodes(rest, drive, inside)
        for branch in (module.field.face, module.field.mouth):
            if branch is not None:
                for head in branch.decoder.heads.values():
                    torch.nn.init.normal_(head.weight, std=0.3)
        torch.nn.init.normal_(module.field.logits, std=0.5)
    return module

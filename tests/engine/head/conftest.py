# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet, built once, and a tiny head for the tests of files."""

import pytest
import torch

from engine.head.head import Head
from engine.head.puppet import build_puppet
from engine.head.rig import Rig
from engine.protocol import EXPRESSION_NAMES
from engine.splats.gaussians import Gaussians


@pytest.fixture(scope="session")
def puppet() -> Head:
    return build_puppet()


@pytest.fixture
def tiny_head() -> Head:
    """12 Gaussians and two joints, random but seeded."""
    random = torch.Generator().manual_seed(3)

    def uniform(*shape: int, low: float = -1.0, high: float = 1.0) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape, generator=random)

    names, count = len(EXPRESSION_NAMES), 12
    gaussians = Gaussians(
        uniform(count, 3, low=-0.1, high=0.1),
        torch.nn.functional.normalize(uniform(count, 4), dim=-1),
        uniform(count, 3, low=0.001, high=0.01),
        uniform(count, low=0.2, high=1.0),
        uniform(count, 4, 3),
    )
    weights = uniform(count, 4, low=0.0)
    rig = Rig(
        0.01 * uniform(names, count, 3), ("jaw", "eye"), 0.05 * uniform(2, 3), 0.3 * uniform(2, names, 3),
        weights / weights.sum(dim=1, keepdim=True),
    )
    return Head("tiny", gaussians, rig, {"title": "Tiny", "licence": "CC0-1.0"})

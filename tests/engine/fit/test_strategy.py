# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that show nothing move to where they are wanted, and Adam's memory goes with them."""

import numpy as np
import torch

from engine.deform.deformation import Deformation
from engine.deform.settings import DeformationSettings
from engine.fit.points import FirstPoints, RestPoints
from engine.fit.strategy import DEAD, Strategy
from engine.splats.rasterize import rasterize

COUNT = 60


def learner(count: int = COUNT):
    rng = np.random.default_rng(2)
    first = FirstPoints(
        rng.normal(0, 0.05, (count, 3)), rng.random((count, 3)), np.full(count, 0.01), rng.random(count)
    )
    points, deformation = RestPoints(first, 0), Deformation(DeformationSettings(rank=4), count)
    torch.nn.init.normal_(deformation.basis, generator=torch.Generator().manual_seed(1))
    parameters = [*points.parameters(), deformation.basis]
    optimizer = torch.optim.Adam([{"params": parameters, "per_point": True, "lr": 1e-3}])
    sum(parameter.square().sum() for parameter in parameters).backward()
    optimizer.step()
    return points, deformation, optimizer


def pulled(strategy: Strategy, strong: list[int], count: int = COUNT) -> None:
    gradient = torch.full((count, 2), 1e-6)
    gradient[strong] = 1.0
    strategy.watch(gradient)


def test_dead_points_become_halves_of_points_that_are_pulled():
    points, deformation, optimizer = learner()
    with torch.no_grad():
        points.logits[[4, 9]] = -8.0
    before = points.means.detach().clone()
    basis = deformation.basis.detach().clone()
    strategy = Strategy(COUNT, limit=COUNT)
    pulled(strategy, [20, 21])
    assert strategy.change(points, deformation, optimizer, torch.Generator().manual_seed(0)) == 2
    assert len(points) == len(deformation) == COUNT
    assert torch.sigmoid(points.logits).min() > DEAD
    for copy in (4, 9):
        twin = 20 if torch.equal(deformation.basis[copy], basis[20]) else 21
        assert torch.equal(deformation.basis[copy], basis[twin])
        assert torch.allclose((points.means[copy] + points.means[twin]) / 2, before[twin], atol=1e-6)
    still = [k for k in range(COUNT) if k not in (4, 9, 20, 21)]
    assert torch.equal(points.means[still], before[still])
    for parameter in (points.means, deformation.basis):
        memory = optimizer.state[parameter]
        assert not memory["exp_avg"][[4, 9, 20, 21]].any() and memory["exp_avg"][still].any()


def test_points_are_added_up_to_the_limit():
    points, deformation, optimizer = learner()
    strategy = Strategy(COUNT, limit=COUNT + 4)
    for expected in (COUNT + 3, COUNT + 4, COUNT + 4):
        pulled(strategy, [1, 2, 3, 4, 5], len(points))
        strategy.change(points, deformation, optimizer, torch.Generator().manual_seed(0))
        assert len(points) == len(deformation) == expected
        assert all(len(optimizer.state[parameter]["exp_avg"]) == expected for parameter in points.parameters())


def test_two_halves_look_like_the_whole(monkeypatch):
    monkeypatch.setattr("engine.fit.strategy.SHARE", 1.0)
    monkeypatch.setattr("engine.fit.strategy.APART", 0.0)
    points, deformation, optimizer = learner(1)
    view, K = torch.eye(4)[None].clone(), torch.tensor([[[400.0, 0, 32], [0, 400, 32], [0, 0, 1]]])
    view[0, 2, 3] = 1.0

    def draw() -> torch.Tensor:
        g = points.gaussians()
        tensors = (g.means, g.quats, g.scales, g.opacities, g.sh, view, K)
        return rasterize(*tensors, 64, 64, sh_degree=1, backend="torch")[1]

    before = draw().detach()
    strategy = Strategy(1, limit=2)
    pulled(strategy, [0], 1)
    strategy.change(points, deformation, optimizer, torch.Generator().manual_seed(0))
    assert len(points) == 2
    assert (draw() - before).abs().max() < 0.03

# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes on the puppet, whose every motion is known."""

import numpy as np
import pytest
import torch

from engine.deform.nodes import attach, choose_nodes, follow, motion_space
from engine.head.puppet import build_puppet
from engine.head.puppet_surface import BROW_Z, EYE, MOUTH_HALF, MOUTH_Z
from engine.protocol import EXPRESSION_NAMES
from engine.splats.quats import matrices_from_quats, quats_from_rotation_vectors

NODES = 1200


@pytest.fixture(scope="module")
def puppet():
    return build_puppet()


@pytest.fixture(scope="module")
def motion(puppet) -> torch.Tensor:
    """(N, 3, 52) what each ARKit shape does, at a quarter of its full strength: about its spread in speech."""
    rest, moves = puppet.gaussians.means, []
    for name in range(len(EXPRESSION_NAMES)):
        expression = np.zeros(len(EXPRESSION_NAMES), np.float32)
        expression[name] = 1.0
        moves.append(0.25 * (puppet.pose(expression, np.zeros(6, np.float32)).means - rest))
    return torch.stack(moves, 2)


@pytest.fixture(scope="module")
def placed(puppet, motion):
    space, reach = motion_space(puppet.gaussians.means, motion)
    nodes = choose_nodes(space, reach, NODES)
    return nodes, *attach(space, nodes, 4)


def share(puppet, joint: str) -> np.ndarray:
    """(N,) how far each Gaussian belongs to a joint."""
    return puppet.mover.weights[:, 2 + puppet.mover.joints.index(joint)].numpy()


def test_nodes_are_dense_where_the_face_moves(puppet, placed):
    """Half of the way from a node to its nearest neighbour, typically, by region."""
    means = puppet.gaussians.means.numpy()[placed[0].numpy()]
    between = np.linalg.norm(means[:, None] - means[None], axis=2) + 9.0 * np.eye(NODES)
    nearest = between.min(1)
    assert nearest.min() > 1e-4

    def at(z: float, x: float) -> np.ndarray:
        near = (np.abs(means[:, 2] - z) < 0.02) & (np.abs(np.abs(means[:, 0]) - x) < 0.02)
        return near & (means[:, 1] < -0.06)

    spacing = {
        name: np.median(nearest[where]) for name, where in (
            ("lips", at(MOUTH_Z, 0.0)), ("brows", at(BROW_Z, EYE[0])), ("lids", at(EYE[2], EYE[0])),
            ("still", (means[:, 2] > 0.06) | (means[:, 1] > 0.03)),
        )
    }
    assert max(spacing["lips"], spacing["brows"], spacing["lids"]) < 0.35 * spacing["still"], spacing


def test_nothing_follows_a_node_across_lips_or_lids(puppet, motion, placed):
    """By weight: a Gaussian of one lip or lid has next to nothing of the other one's nodes."""
    nodes, index, logits = placed
    means, weights = puppet.gaussians.means.numpy(), torch.softmax(logits, 1).numpy()
    of = nodes.numpy()[index.numpy()]  # (N, 4) the Gaussians that are followed
    jaw, middle = share(puppet, "jaw"), np.abs(means[:, 0]) < 0.6 * MOUTH_HALF
    near = (np.abs(means[:, 2] - MOUTH_Z) < 0.012) & middle & (means[:, 1] < -0.08)
    groups = [(near & (jaw > 0.7), near & (jaw < 0.1))]
    for side in ("left", "right"):
        upper, lower = (share(puppet, f"{lid}_lid_{side}") > 0.7 for lid in ("upper", "lower"))
        groups.append((upper, lower))
    for one, other in groups:
        assert one.sum() > 20 and other.sum() > 20
        for mine, theirs in ((one, other), (other, one)):
            across = (weights * theirs[of])[mine].sum(1)
            assert across.max() < 0.01, (across.max(), (across > 0.01).sum(), mine.sum())


def test_followers_move_as_their_nodes_do(puppet, motion, placed):
    """Nodes that move exactly as the Gaussians they lie on do, carry everything else along, jaw wide open."""
    nodes, index, logits = placed
    means = puppet.gaussians.means
    jaw = 4 * motion[:, :, EXPRESSION_NAMES.index("jawOpen")]
    changes = torch.zeros(13, NODES)
    changes[:3] = jaw[nodes].T
    moved = follow(changes, torch.zeros(NODES), means, means[nodes], index.int(), logits)[0]
    error = (moved[:, :3] - jaw).norm(dim=1)
    assert error.mean() < 0.0005 and error.quantile(0.99) < 0.007 and jaw.norm(dim=1).max() > 0.02


def test_a_turning_node_carries_its_followers_round():
    centre, points = torch.tensor([[0.01, 0.02, 0.03]]), torch.tensor([[0.015, 0.02, 0.03], [0.01, 0.02, 0.03]])
    vector = torch.tensor([0.0, 0.0, 0.05])
    changes = torch.zeros(13, 1)
    changes[3:6, 0] = vector
    moved = follow(changes, torch.zeros(1), points, centre, torch.zeros(2, 1, dtype=torch.int32), torch.ones(2, 1))[0]
    exact = (points - centre) @ matrices_from_quats(quats_from_rotation_vectors(vector)).T + centre - points
    torch.testing.assert_close(moved[:, :3], exact, atol=1e-5, rtol=0)
    assert moved[0, 1] > 2e-4 and not moved[1, :3].any()


def test_motion_alone_parts_points_that_touch():
    means = torch.cat([torch.linspace(0, 0.01, 40)[:, None] * torch.tensor([[1.0, 0, 0]])] * 2)
    motion = torch.zeros(80, 3, 2)
    motion[40:, 2, 0] = -0.005  # one lip of two that lie on each other goes down
    space, reach = motion_space(means, motion)
    nodes = choose_nodes(space, reach, 20)
    index, _ = attach(space, nodes, 4)
    assert (nodes[index[:40]] < 40).all() and (nodes[index[40:]] >= 40).all()


def test_compiled_following_against_float64():
    random = torch.Generator().manual_seed(0)
    nodes, unsure = 0.1 * torch.randn(13, 30, generator=random), torch.randn(30, generator=random)
    means, centers = torch.randn(5000, 3, generator=random), torch.randn(30, 3, generator=random)
    index = torch.randint(0, 30, (5000, 4), generator=random).int()
    logits, target = torch.randn(5000, 4, generator=random), torch.randn(5000, 13, generator=random)
    results = []
    for dtype in (torch.float32, torch.float64):
        leaves = [value.detach().to(dtype, copy=True).requires_grad_() for value in (nodes, logits)]
        still = (unsure.to(dtype), means.to(dtype), centers.to(dtype))
        moved, doubt = follow(leaves[0], *still, index, leaves[1], threads=2)
        (moved * target.to(dtype)).sum().backward()
        results.append([value.double() for value in (moved.detach(), doubt, leaves[0].grad, leaves[1].grad)])
    for got, expected in zip(*results):
        assert (got - expected).abs().max() <= 1e-5 * expected.abs().max()

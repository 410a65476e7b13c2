# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest
import torch

from engine.deform.drive import DriveFrame
from engine.head.head import Head
from engine.head.rig import Rig
from engine.protocol import EXPRESSION_NAMES
from engine.splats.gaussians import Gaussians
from engine.splats.quats import matrices_from_quats, multiply_quats, quats_from_rotation_vectors

NAMES = len(EXPRESSION_NAMES)


def expression(**weights: float) -> torch.Tensor:
    values = torch.zeros(NAMES)
    for name, weight in weights.items():
        values[EXPRESSION_NAMES.index(name)] = weight
    return values


def one_point(mean: list[float], skinning: list[float], turn: list[float]) -> Head:
    """One Gaussian and one joint at (0, 0.1, 0) that `jawOpen` turns by the rotation vector `turn`."""
    rotations = torch.zeros(1, NAMES, 3)
    rotations[0, EXPRESSION_NAMES.index("jawOpen")] = torch.tensor(turn)
    rig = Rig(
        torch.zeros(NAMES, 1, 3), ("jaw",), torch.tensor([[0.0, 0.1, 0.0]]), rotations, torch.tensor([skinning])
    )
    identity = torch.tensor([[1.0, 0, 0, 0]])
    rest = Gaussians(torch.tensor([mean]), identity, torch.full((1, 3), 0.01), torch.ones(1), torch.zeros(1, 1, 3))
    return Head("point", rest, rig)


def test_rest_is_identity(tiny_head):
    posed = tiny_head.pose(np.zeros(NAMES, np.float32), np.zeros(6, np.float32))
    torch.testing.assert_close(posed.means, tiny_head.gaussians.means, atol=1e-7, rtol=0)
    torch.testing.assert_close(posed.quats, tiny_head.gaussians.quats, atol=1e-6, rtol=0)


def test_shapes_add_up_linearly(tiny_head):
    tiny_head.mover.rotations.zero_()
    posed = tiny_head.pose(expression(cheekPuff=0.25, jawOpen=1.0), torch.zeros(6))
    shapes = tiny_head.mover.shapes
    moved = 0.25 * shapes[EXPRESSION_NAMES.index("cheekPuff")] + shapes[EXPRESSION_NAMES.index("jawOpen")]
    torch.testing.assert_close(posed.means, tiny_head.gaussians.means + moved, atol=1e-6, rtol=0)


def test_joint_turns_about_its_pivot():
    head = one_point([0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [math.pi / 2, 0.0, 0.0])
    posed = head.pose(expression(jawOpen=1.0), torch.zeros(6))
    # (0, -0.1, 0) from the pivot, a quarter turn about x: y becomes z.
    torch.testing.assert_close(posed.means[0], torch.tensor([0.0, 0.1, -0.1]), atol=1e-6, rtol=0)
    torch.testing.assert_close(posed.quats[0].abs(), torch.tensor([0.5**0.5, 0.5**0.5, 0, 0]), atol=1e-6, rtol=0)


def test_head_pose_moves_the_head_and_not_the_torso():
    pose = torch.tensor([0.0, 0.0, math.pi / 2, 0.01, 0.02, 0.03])
    still = one_point([0.1, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]).pose(torch.zeros(NAMES), pose)
    torch.testing.assert_close(still.means[0], torch.tensor([0.1, 0.0, 0.0]))
    moved = one_point([0.1, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]).pose(torch.zeros(NAMES), pose)
    torch.testing.assert_close(moved.means[0], torch.tensor([0.01, 0.12, 0.03]), atol=1e-6, rtol=0)


def test_joints_follow_the_head():
    head = one_point([0.0, 0.0, 0.0], [0.0, 0.0, 1.0], [math.pi / 2, 0.0, 0.0])
    alone = head.pose(expression(jawOpen=1.0), torch.zeros(6))
    both = head.pose(expression(jawOpen=1.0), torch.tensor([0.0, 0.0, 0.7, 0.01, 0.0, 0.0]))
    turn = matrices_from_quats(quats_from_rotation_vectors(torch.tensor([0.0, 0.0, 0.7])))
    torch.testing.assert_close(both.means[0], turn @ alone.means[0] + torch.tensor([0.01, 0, 0]), atol=1e-6, rtol=0)


def test_gaussians_turn_with_what_they_sit_on(tiny_head):
    """A rigid turn of the whole head turns every Gaussian's axes by the same matrix."""
    tiny_head.mover.weights.zero_()[:, 1] = 1.0
    vector = torch.tensor([0.3, -0.5, 0.2])
    posed = tiny_head.pose(torch.zeros(NAMES), torch.cat([vector, torch.zeros(3)]))
    turn = matrices_from_quats(quats_from_rotation_vectors(vector))
    torch.testing.assert_close(
        matrices_from_quats(posed.quats), turn @ matrices_from_quats(tiny_head.gaussians.quats), atol=1e-5, rtol=0
    )


def test_opposite_quats_do_not_cancel():
    """A head turned by more than half a turn and a joint of its own blend without falling to zero."""
    head = one_point([0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.2, 0.0, 0.0])
    posed = head.pose(expression(jawOpen=1.0), torch.tensor([0.0, 0.0, 3.1, 0, 0, 0]))
    assert posed.quats.norm(dim=-1).item() == pytest.approx(1.0, abs=1e-5)


def test_quats_agree_with_matrices():
    vectors = torch.tensor([[0.3, -0.2, 0.9], [0.0, 0.0, 0.0], [-1.0, 2.0, 0.5]], dtype=torch.float64)
    a = quats_from_rotation_vectors(vectors)
    exact = torch.linalg.matrix_exp(
        torch.stack([torch.tensor([[0, -z, y], [z, 0, -x], [-y, x, 0]]) for x, y, z in vectors.tolist()]).double()
    )
    torch.testing.assert_close(matrices_from_quats(a), exact)
    torch.testing.assert_close(
        matrices_from_quats(multiply_quats(a, a.flip(0))), matrices_from_quats(a) @ matrices_from_quats(a.flip(0))
    )


def test_gradient_to_the_expression(tiny_head):
    """Against central differences in float64."""
    rig, rest = tiny_head.mover, tiny_head.gaussians
    wide = Rig(rig.shapes.double(), rig.joints, rig.pivots.double(), rig.rotations.double(), rig.weights.double())
    target = torch.linspace(-1, 1, rest.means.numel(), dtype=torch.float64).view_as(rest.means)

    def loss(weights: torch.Tensor, rig: Rig, dtype: torch.dtype) -> torch.Tensor:
        pose = torch.full((6,), 0.1, dtype=dtype)
        still = Gaussians(*(getattr(rest, name).to(dtype) for name in ("means", "quats", "scales", "opacities", "sh")))
        posed = rig.pose(still, DriveFrame(weights, weights.new_zeros(2)), pose)
        return (posed.means * target.to(dtype)).sum() + posed.quats.square()[:, 1].sum()

    weights = torch.full((NAMES,), 0.3, requires_grad=True)
    loss(weights, rig, torch.float32).backward()
    centre, step = torch.full((NAMES,), 0.3, dtype=torch.float64), 1e-5
    steps = step * torch.eye(NAMES, dtype=torch.float64)
    numeric = torch.stack(
        [(loss(centre + h, wide, torch.float64) - loss(centre - h, wide, torch.float64)) / (2 * step) for h in steps]
    )
    torch.testing.assert_close(weights.grad.double(), numeric, atol=1e-4 * numeric.abs().max().item(), rtol=0)


@pytest.mark.parametrize("shapes", [((51,), (6,)), ((52,), (3,)), ((1, 52), (6,))])
def test_wrong_shapes_are_refused(tiny_head, shapes):
    with pytest.raises(ValueError, match="has the shape"):
        tiny_head.pose(torch.zeros(shapes[0]), torch.zeros(shapes[1]))


def test_rig_of_another_size_is_refused(tiny_head):
    rig = tiny_head.mover
    with pytest.raises(ValueError, match="shapes"):
        Rig(rig.shapes[:, :5], rig.joints, rig.pivots, rig.rotations, rig.weights)
    fewer = Rig(rig.shapes[:, :5], rig.joints, rig.pivots, rig.rotations, rig.weights[:5])
    with pytest.raises(ValueError, match="5 Gaussians"):
        Head("no", tiny_head.gaussians, fewer)

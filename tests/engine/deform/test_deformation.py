# SPDX-License-Identifier: GPL-3.0-or-later
import copy
from dataclasses import replace

import pytest
import torch

from engine.deform.deformation import PER_GAUSSIAN, Deformation
from engine.deform.drive import Drive, DriveFrame
from engine.deform.settings import DeformationSettings
from engine.splats.gaussians import Gaussians
from engine.splats.quats import matrices_from_quats

from tests.engine.deform.conftest import CODES, COUNT, moving_deformation

FIELDS = ("means", "quats", "scales", "opacities", "sh")


def wide(rest: Gaussians) -> Gaussians:
    return Gaussians(*(getattr(rest, name).double() for name in FIELDS))


def wide_frame(frame: DriveFrame) -> DriveFrame:
    return DriveFrame(*(None if value is None else value.double() for value in vars(frame).values()))


def test_an_unfitted_deformation_moves_nothing(rest, drive):
    module = Deformation(DeformationSettings(codes=CODES), COUNT)
    moved = module(rest, drive.frame(0))
    for name in FIELDS:
        torch.testing.assert_close(getattr(moved, name), getattr(rest, name))


def test_everything_moves_and_stays_legal(deformation, rest, drive):
    moved = deformation(rest, drive.frame(3))
    for name in FIELDS:
        assert (getattr(moved, name) - getattr(rest, name)).abs().amax() > 1e-4
    assert (moved.opacities > 0).all() and (moved.opacities < 1).all() and (moved.scales > 0).all()
    torch.testing.assert_close(moved.quats.norm(dim=1), torch.ones(COUNT))
    torch.testing.assert_close(moved.sh[:, 1:], rest.sh[:, 1:])


def test_opacity_moves_by_its_logit(rest, drive):
    deformation = moving_deformation(rest, drive, "basis")
    frame = drive.frame(2)
    shift = deformation.basis[:, 9] @ deformation.code_network(deformation.inputs(frame))
    expected = torch.sigmoid(torch.logit(rest.opacities) + shift)
    torch.testing.assert_close(deformation(rest, frame).opacities, expected)


def test_gradients_against_float64(deformation, rest, drive):
    """To every parameter and to the Gaussians at rest."""

    def gradients(module, rest, frame) -> dict[str, torch.Tensor]:
        leaves = {name: getattr(rest, name).clone().requires_grad_() for name in FIELDS}
        moved = module(Gaussians(**leaves), frame)
        for name in (*FIELDS, "uncertainty"):
            value = getattr(moved, name)
            ramp = torch.linspace(-1, 1, value.numel(), dtype=value.dtype)
            (value.flatten() * ramp).sum().backward(retain_graph=True)
        named = [*module.named_parameters(), *leaves.items()]
        return {name: leaf.grad.double() for name, leaf in named if leaf.grad is not None}

    single = gradients(deformation, rest, drive.frame(4))
    module = copy.deepcopy(deformation).double()
    module.zero_grad()
    double = gradients(module, wide(rest), wide_frame(drive.frame(4)))
    unused = {"slope"} if deformation.field is None else set()
    assert set(single) == set(double) == {name for name, _ in deformation.named_parameters()} - unused | set(FIELDS)
    for name, value in double.items():
        assert (single[name] - value).abs().max() <= 2e-4 * value.abs().max() + 1e-7, name
        assert value.abs().max() > 0 or value.shape[-1] == 1, name  # one neighbour has all the weight


def test_what_was_never_seen_has_no_effect(deformation, rest, drive):
    frame = drive.frame(1)
    other = replace(frame, expression=frame.expression.clone())
    other.expression[0] = 1.0
    torch.testing.assert_close(deformation(rest, other).means, deformation(rest, frame).means)


def test_coefficients_begin_with_what_tells_rows_apart(drive):
    """Principal components: uncorrelated, of unit variance, and the first ones."""
    module = Deformation(DeformationSettings(codes=CODES, rank=4), COUNT)
    module.see(drive)
    faces = torch.stack([module.inputs(drive.frame(row)) for row in range(len(drive))])
    z = module.code_network.linear(faces)
    torch.testing.assert_close(z.T.cov(), torch.eye(4), atol=1e-3, rtol=0)
    best = torch.linalg.svdvals(faces - faces.mean(0))[:4]
    kept = torch.linalg.svdvals((faces - faces.mean(0)) @ torch.linalg.qr(module.code_network.linear.weight.T)[0])
    torch.testing.assert_close(kept, best, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
def test_extreme_drives_stay_near_what_was_seen(deformation, rest, drive, size):
    deformation.remember(drive)
    seen = torch.stack([deformation(rest, drive.frame(row)).means - rest.means for row in range(len(drive))])
    reach = (seen.amax(0) - seen.amin(0)).sum()
    for sign in (-1, 1):
        frame = DriveFrame(torch.full((52,), sign * size), torch.full((2,), size), torch.full((CODES,), sign * size))
        moved = deformation(rest, frame)
        assert all(torch.isfinite(getattr(moved, name)).all() for name in FIELDS)
        assert (moved.means - rest.means).abs().max() < reach
        assert (moved.scales / rest.scales).max() < 5


def test_coefficients_are_not_all_extreme_at_once(with_nodes, drive):
    """What was seen stays as it was; the box's corners are out of reach."""
    network, faces = with_nodes.code_network, with_nodes._faces(drive)
    before = network(faces)
    with_nodes.remember(drive)
    torch.testing.assert_close(network(faces), before, atol=1e-4, rtol=1e-4)
    middle, half = (network.high + network.low) / 2, (network.high - network.low) / 2
    far = 500 * torch.randn(200, faces.shape[1], generator=torch.Generator().manual_seed(3))
    off = (network(far) - middle) / half
    assert off.abs().max() <= 1 + 1e-5
    assert off.norm(dim=1).max().item() == pytest.approx(0.5 * len(half) ** 0.5, abs=1e-4)


def test_codes_of_a_take_are_predicted(deformation, rest, drive):
    """The codes of the fixture are linear in expression and content: with little ridge they come back."""
    deformation.inputs.see(drive, ridge=1e-6)
    known = drive.frame(8)
    without = DriveFrame(known.expression, known.gaze, None, known.window)
    torch.testing.assert_close(deformation.inputs(without), deformation.inputs(known), atol=0.02, rtol=0.02)
    silent = deformation.inputs(DriveFrame(known.expression, known.gaze))
    assert torch.isfinite(silent).all()


def test_codes_of_another_number_are_refused(deformation, drive):
    with pytest.raises(ValueError, match="6 codes"):
        deformation.see(Drive(drive.expression, drive.gaze, drive.frames))
    with pytest.raises(ValueError, match="6 codes"):
        deformation.inputs(DriveFrame(torch.zeros(52), torch.zeros(2), torch.zeros(3)))


def test_select_moves_rows_and_keeps_the_parameter(deformation, rest, drive):
    index = torch.tensor([3, 3, 0])
    before, basis = deformation(rest, drive.frame(0)), deformation.basis
    deformation.select(index)
    fewer = Gaussians(*(getattr(rest, name)[index] for name in FIELDS))
    torch.testing.assert_close(deformation(fewer, drive.frame(0)).means, before.means[index])
    assert deformation.basis is basis and len(deformation) == 3
    rows = {**dict(deformation.named_parameters()), **dict(deformation.named_buffers())}
    assert {len(rows[name]) for name in PER_GAUSSIAN if name in rows} == {3}
    with pytest.raises(ValueError, match="3 Gaussians"):
        deformation(rest, drive.frame(0))


def test_the_head_turns_on_its_torso(deformation, rest, drive):
    deformation.torso[:10] = 1.0
    pose = torch.tensor([0.0, 0.0, 0.5, 0.01, 0.02, 0.03])
    with torch.no_grad():
        still, turned = deformation(rest, drive.frame(0)), deformation.pose(rest, drive.frame(0), pose)
    c, s = torch.cos(pose[2]), torch.sin(pose[2])
    matrix = torch.tensor([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    torch.testing.assert_close(turned.means[10:], still.means[10:] @ matrix.T + pose[3:])
    torch.testing.assert_close(turned.means[:10], still.means[:10])
    matrices = matrices_from_quats(turned.quats[10:])
    torch.testing.assert_close(matrices, matrix @ matrices_from_quats(still.quats[10:]), atol=1e-5, rtol=0)


def test_steps_choose_networks_and_views(with_nodes, rest, drive):
    """The same step does the same; steps differ; all networks together say something else again."""
    frame = drive.frame(3)
    first, again, other, all_of_them = (with_nodes(rest, frame, step).means for step in (1, 1, 2, None))
    assert torch.equal(first, again)
    assert (first - other).abs().max() > 1e-5 and (first - all_of_them).abs().max() > 1e-5


def test_a_drive_without_sound_or_emotion_does_with_the_rest(with_nodes, rest, drive):
    frame = drive.frame(3)
    silent = DriveFrame(frame.expression, frame.gaze, frame.codes)
    moved, heard = with_nodes(rest, silent), with_nodes(rest, frame)
    assert torch.isfinite(moved.means).all() and (moved.means - heard.means).abs().max() > 1e-6
    assert (moved.uncertainty.log() - heard.uncertainty.log()).mean() > 0  # less is known


def test_unsure_networks_fall_back_to_the_basis(with_nodes, rest, drive):
    frame = drive.frame(3)
    basis = copy.deepcopy(with_nodes)
    basis.field = None
    linear = basis(rest, frame).means
    sure = (with_nodes(rest, frame).means - linear).abs().mean()
    for branch in (with_nodes.field.face, with_nodes.field.mouth):
        for block in branch.views.values():
            block.out_bias.data[:, 48:] = 1e3  # held at the largest variance
    unsure = (with_nodes(rest, frame).means - linear).abs().mean()
    assert unsure < 0.1 * sure


@pytest.mark.parametrize("data", [None, [], {}, {"codes": 6}])
def test_settings_that_are_not_whole_are_refused(data):
    with pytest.raises(ValueError):
        DeformationSettings.from_json(data)


@pytest.mark.parametrize("change", [{"codes": -1}, {"rank": 10**9}, {"codes": True}, {"rank": 16.0}, {"members": 0},
                                    {"appearance": 1}, {"nodes": "4"}, {"nodes": 3},
                                    {"layers": 3}])
def test_strange_settings_are_refused(change):
    assert DeformationSettings.from_json(DeformationSettings().to_json()) == DeformationSettings()
    with pytest.raises(ValueError):
        DeformationSettings.from_json(DeformationSettings().to_json() | change)

# SPDX-License-Identifier: GPL-3.0-or-later
import copy

import pytest
import torch

from engine.deform.deformation import PER_GAUSSIAN, Deformation
from engine.deform.drive import Drive, DriveFrame
from engine.deform.settings import DeformationSettings
from engine.splats.gaussians import Gaussians
from engine.splats.quats import matrices_from_quats

from tests.engine.deform.conftest import CODES, COUNT

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


def test_opacity_moves_by_its_logit(deformation, rest, drive):
    frame = drive.frame(2)
    shift = deformation.basis[:, 9] @ deformation.code_network(deformation.inputs(frame))
    expected = torch.sigmoid(torch.logit(rest.opacities) + shift)
    torch.testing.assert_close(deformation(rest, frame).opacities, expected)


def test_gradients_against_float64(deformation, rest, drive):
    """To every parameter and to the Gaussians at rest."""

    def gradients(module, rest, frame) -> dict[str, torch.Tensor]:
        leaves = {name: getattr(rest, name).clone().requires_grad_() for name in FIELDS}
        moved = module(Gaussians(**leaves), frame)
        sum((getattr(moved, name) * torch.linspace(-1, 1, getattr(moved, name).numel()).to(leaves["means"]).view_as(
            getattr(moved, name))).sum() for name in FIELDS).backward()
        return {name: p.grad.double() for name, p in [*module.named_parameters(), *leaves.items()] if p.grad is not None}

    single = gradients(deformation, rest, drive.frame(4))
    module = copy.deepcopy(deformation).double()
    module.zero_grad()
    double = gradients(module, wide(rest), wide_frame(drive.frame(4)))
    assert set(single) == set(double) and len(single) == len(FIELDS) + len(list(deformation.parameters()))
    for name, value in double.items():
        assert (single[name] - value).abs().max() <= 1e-5 * value.abs().max(), name
        assert value.abs().max() > 0


def test_what_was_never_seen_has_no_effect(deformation, rest, drive):
    frame = drive.frame(1)
    other = DriveFrame(frame.expression.clone(), frame.gaze, frame.codes)
    other.expression[0] = 1.0
    torch.testing.assert_close(deformation(rest, other).means, deformation(rest, frame).means)


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
    assert all(len(getattr(deformation, name)) == 3 for name in PER_GAUSSIAN)
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


@pytest.mark.parametrize("data", [None, [], {}, {"codes": 6}, {"codes": -1, "rank": 16, "width": 64},
                                  {"codes": 6, "rank": 10**9, "width": 64}, {"codes": True, "rank": 16, "width": 64},
                                  {"codes": 6, "rank": 16.0, "width": 64}])
def test_strange_settings_are_refused(data):
    with pytest.raises(ValueError):
        DeformationSettings.from_json(data)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The fast way gives what Deformation.pose gives."""

from dataclasses import replace

import pytest
import torch

from engine.deform import performer
from engine.deform.drive import DriveFrame
from engine.deform.performer import Performer
from tests.engine.deform.conftest import moving_deformation

POSE = torch.tensor([0.1, -0.05, 0.2, 0.01, 0.02, 0.0])
CLOSE = {"means": 2e-6, "quats": 2e-5, "scales": 2e-6, "opacities": 2e-5, "sh": 2e-4, "uncertainty": 2e-5}


@pytest.fixture(autouse=True, params=["float32", "as this processor likes"])
def products(request, monkeypatch):
    if request.param == "float32":
        monkeypatch.setattr(performer, "matmul_dtype", lambda: torch.float32)
    return request.param


def close(got, expected, products: str) -> None:
    slack = 1.0 if products == "float32" else 50.0
    for name, tolerance in CLOSE.items():
        assert (getattr(got, name) - getattr(expected, name)).abs().max() <= slack * tolerance, name


@pytest.mark.parametrize("threads", [1, 3])
def test_the_same_pose(deformation, rest, drive, threads, products):
    deformation.torso[::3] = 0.7
    deformation.remember(drive)
    fast = Performer(deformation, rest)
    for row in (3, 17, 3):
        got = fast.pose(drive.frame(row), POSE, threads)
        with torch.no_grad():
            close(got, deformation.pose(rest, drive.frame(row), POSE), products)
        assert all(torch.isfinite(getattr(got, name)).all() for name in CLOSE)
    assert torch.equal(got.means, fast.pose(drive.frame(3), POSE, 1).means)


def test_views_come_go_and_stay_the_same(with_nodes, rest, drive, products):
    """What was kept of a view never outlives what it heard."""
    fast, frame = Performer(with_nodes, rest), drive.frame(5)
    frames = [
        frame, replace(frame, emotion=None), replace(frame, emotion=drive.frame(6).emotion), frame,
        replace(frame, style=None), replace(frame, window=None), frame,
        DriveFrame(frame.expression, frame.gaze, frame.codes), replace(frame, style=0.5 * frame.style),
    ]
    for one in frames:
        with torch.no_grad():
            close(fast.pose(one, POSE), with_nodes.pose(rest, one, POSE), products)


def test_more_nodes_than_a_chunk_holds(rest, drive, monkeypatch, products):
    monkeypatch.setattr(performer, "CHUNK", 16)
    module = moving_deformation(rest, drive, "every Gaussian a node")
    with torch.no_grad():
        expected = module.pose(rest, drive.frame(2), POSE)
    close(Performer(module, rest).pose(drive.frame(2), POSE, 2), expected, products)


def test_a_single_network_a_view(rest, drive, products):
    module = moving_deformation(rest, drive, "one network a view")
    with torch.no_grad():
        expected = module.pose(rest, drive.frame(4), POSE)
    close(Performer(module, rest).pose(drive.frame(4), POSE), expected, products)


def test_the_head_at_rest_and_what_is_shared(with_nodes, rest, drive):
    before = [value.clone() for value in vars(rest).values() if value is not None]
    posed = Performer(with_nodes, rest).pose(drive.frame(0), torch.zeros(6))
    assert all(torch.equal(a, b) for a, b in zip(before, [value for value in vars(rest).values() if value is not None]))
    torch.testing.assert_close(posed.sh[:, 1:], rest.sh[:, 1:])

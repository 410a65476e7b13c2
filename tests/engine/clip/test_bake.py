# SPDX-License-Identifier: GPL-3.0-or-later
"""A baked clip gives back what the head did."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from engine.clip import bake as baking
from engine.clip.bake import bake, differing, still_clip
from engine.clip.basis import WORST, Errors, find_basis
from engine.clip.orientation import choose_neighbours, inverse, multiply
from engine.deform.drive import DriveFrame
from engine.errors import Cancelled
from engine.head.head import Head
from engine.head.puppet import build_puppet
from engine.head.rig import Rig
from engine.perform import perform
from engine.protocol import Controls
from engine.report import Report
from tests.engine.clip.dense import dense_head
from tests.engine.process.client import ROOT
from tests.fitted_puppet import fitted_puppet

ERROR_MM = 0.2


@pytest.fixture(scope="module")
def puppet():
    return build_puppet()


@pytest.fixture(scope="module")
def take():
    controls = Controls(emotion={"happy": [0.6], "surprised": [0.3]})
    return perform(ROOT / "engine/data/sample_speech.flac", fps=Fraction(25), controls=controls, seed=0,
                   report=Report())


@pytest.fixture(scope="module")
def clip(puppet, take):
    return bake(puppet, take, error_mm=ERROR_MM, report=Report())


def posed(head, take, frame):
    return head.pose(DriveFrame.of_take(take, frame), take.head_pose[frame])


def distances(head, take, clip) -> np.ndarray:
    """(T, N) millimetres between the head and the clip."""
    return np.stack([
        1000 * np.linalg.norm(posed(head, take, clip.start + k).means.numpy() - clip.means(k), axis=1)
        for k in range(len(clip))
    ])


def degrees(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(2 * np.arccos(np.clip(np.abs((a * b).sum(axis=-1)), 0, 1)))


def test_stated_errors_are_those_of_every_frame(puppet, take, clip):
    found = distances(puppet, take, clip)
    assert len(clip) == len(take) and len(clip.basis) <= 64
    assert clip.error_mm["max"] == pytest.approx(found.max(), abs=1e-3)
    assert clip.error_mm["p95"] == pytest.approx(np.percentile(found, 95), abs=2e-3)
    assert clip.error_mm["p95"] <= ERROR_MM and clip.error_mm["max"] <= 2 * ERROR_MM


def test_one_shape_less_would_not_do(take, puppet):
    movement = np.stack([(posed(puppet, take, k).means - puppet.gaussians.means).numpy() for k in range(0, 191, 6)])
    fewest = find_basis(movement, ERROR_MM, Report())
    flat = movement.reshape(len(movement), -1)
    u, s, vt = np.linalg.svd(flat, full_matrices=False)
    errors = Errors()
    less = len(fewest) - 1
    errors.add((flat - (u[:, :less] * s[:less]) @ vt[:less]).reshape(movement.shape))
    assert not errors.within(ERROR_MM)


def test_splats_turn_with_the_head_and_the_jaw(puppet, take, clip):
    truth = np.stack([torch.nn.functional.normalize(posed(puppet, take, k).quats, dim=1) for k in range(0, 191, 19)])
    given = np.stack([clip.posed(k).quats.numpy() for k in range(0, 191, 19)])
    off, without = degrees(truth, given), degrees(truth, clip.rest.quats.numpy())
    assert np.median(off) < 0.1 * np.median(without)
    assert np.percentile(off, 95) < 0.7 * np.percentile(without, 95)


def test_a_long_take_is_learnt_from_frames_that_differ(monkeypatch, puppet, take):
    monkeypatch.setattr(baking, "MEMORY", 1)
    clip = bake(puppet, take, error_mm=ERROR_MM, report=Report())
    assert clip.error_mm["p95"] == pytest.approx(np.percentile(distances(puppet, take, clip), 95), abs=2e-3)
    assert clip.error_mm["p95"] <= ERROR_MM


def test_differing_rows_include_the_outliers():
    drive = np.zeros((100, 3))
    drive[37, 1], drive[90, 2] = 5, 4
    assert {37, 90} <= set(differing(drive, 4)) and len(differing(drive, 200)) == 100


def test_a_range_is_a_piece_of_the_whole(puppet, take, clip):
    piece = bake(puppet, take, error_mm=ERROR_MM, first=100, last=119, report=Report())
    assert (len(piece), piece.start) == (20, 100)
    assert np.abs(piece.means(7) - clip.means(107)).max() < 4e-3 * ERROR_MM


def test_a_head_of_thirty_thousand(puppet, take):
    head = dense_head(puppet, 30_000)
    clip = bake(head, take, error_mm=ERROR_MM, last=49, report=Report())
    assert len(clip.rest) == 30_000 and len(clip.basis) <= 64 and clip.error_mm["p95"] <= ERROR_MM


def test_what_else_a_head_changes_is_kept_at_its_mean_and_told(puppet, take):
    opened = float(np.median(take.expression[:30, 24]))
    is_open = take.expression[:30, 24] > opened

    class Fading(Rig):
        """The puppet's rig, and every splat fades out and in."""

        def pose(self, rest, frame, head_pose):
            share = float(frame.expression[24] > opened)
            return replace(super().pose(rest, frame, head_pose), opacities=rest.opacities * (0.5 + 0.5 * share),
                           uncertainty=torch.full((len(rest),), share))

    warnings, head = [], replace(puppet, mover=Fading(**vars(puppet.mover)))
    clip = bake(head, take, error_mm=ERROR_MM, last=29, report=Report(on_warning=warnings.append))
    mean = puppet.gaussians.opacities.numpy() * (0.5 + 0.5 * is_open.mean())
    np.testing.assert_allclose(clip.rest.opacities.numpy(), mean, atol=1e-5)
    np.testing.assert_allclose(clip.uncertainty, is_open.mean(), atol=1e-5)
    assert "mean" in warnings[0]


def test_an_error_that_cannot_be_kept_is_told(take, puppet):
    warnings = []
    clip = bake(puppet, take, error_mm=0.001, last=60, report=Report(on_warning=warnings.append))
    assert clip.error_mm["p95"] > 0.001 and "were asked for" in warnings[0]


def test_still_splats(puppet):
    clip = still_clip("still", puppet.gaussians, Report())
    assert (len(clip), len(clip.basis)) == (1, 0)
    np.testing.assert_array_equal(clip.means(0), puppet.gaussians.means.numpy())


def test_neighbours_are_those_that_turn_alike():
    """Two sheets through each other, of which one turns: every point follows points of its own sheet."""
    rng = np.random.default_rng(0)
    rest = rng.uniform(-0.05, 0.05, (400, 3)).astype(np.float32)
    rest[:, 2] *= 0.001
    turning = np.arange(400) % 2 == 0
    angle = 0.5
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]], np.float32)
    moved = np.where(turning[:, None], rest @ turn.T, rest)
    quats = np.where(turning[:, None], [np.cos(angle / 2), np.sin(angle / 2), 0, 0], [1.0, 0, 0, 0])
    pairs = choose_neighbours(rest, moved[None], quats[None])
    follows = pairs[:, 0] != np.arange(400)
    assert follows.mean() > 0.95
    assert (turning[pairs[follows]] == turning[follows, None]).mean() > 0.98


def test_turns_survive_their_inverse():
    rng = np.random.default_rng(1)
    quats = rng.normal(size=(50, 4))
    quats /= np.linalg.norm(quats, axis=1, keepdims=True)
    np.testing.assert_allclose(np.abs(multiply(quats, inverse(quats))), [[1, 0, 0, 0]] * 50, atol=1e-12)


def test_a_fitted_head_keeps_its_places_and_says_what_it_does_not_keep(take):
    """Its networks' uncertainty comes along; colours that change are warned of."""
    head, warnings = fitted_puppet(), []
    clip = bake(head, take, error_mm=ERROR_MM, last=49, report=Report(on_warning=warnings.append))
    errors = distances(head, take, clip)
    assert np.percentile(errors, 95) <= ERROR_MM and errors.max() <= WORST * ERROR_MM
    assert (clip.uncertainty > 0).all() and not warnings
    head.mover.basis.data[:, 10:13] += 20.0
    bake(Head("blushing", head.gaussians, head.mover), take, error_mm=ERROR_MM, last=49,
         report=Report(on_warning=warnings.append))
    assert any("colours" in text for text in warnings)


def test_what_moves_less_than_the_error_needs_no_shapes(puppet, take):
    """Its splats rest where they were, within the error."""
    clip = bake(puppet, take, error_mm=500.0, last=19, report=Report())
    assert len(clip.basis) == 0 and clip.weights.shape == (20, 0)
    np.testing.assert_array_equal(clip.means(7), puppet.gaussians.means.numpy())
    assert distances(puppet, take, clip).max() <= clip.error_mm["max"] + 1e-3


def test_cancel(puppet, take):
    report = Report()
    report.cancel_event.set()
    with pytest.raises(Cancelled):
        bake(puppet, take, error_mm=ERROR_MM, report=report)

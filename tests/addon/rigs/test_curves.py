# SPDX-License-Identifier: GPL-3.0-or-later
"""The arithmetic of baking: mixes of keys, and curves with few keys."""

import numpy as np
import pytest

from engine.protocol import EXPRESSION_NAMES
from tests.addon.extension import module

COLUMN = {name: k for k, name in enumerate(EXPRESSION_NAMES)}


def rows(*poses):
    shape_row = module("rigs.poses").shape_row
    return np.stack([shape_row(pose) for pose in poses])


def noise(frames=300, seed=0):
    """Waves of up to 2 Hz at 25 frames a second."""
    rng = np.random.default_rng(seed)
    times = np.arange(frames) / 25.0
    return np.clip(sum(np.sin(2 * np.pi * rng.uniform(0.2, 2.0) * times + rng.uniform(0, 6)) for _ in range(5)) * 0.2
                   + 0.3, 0.0, 1.0)


def test_keys_of_single_shapes_get_their_own_curves(blender):
    expression = np.random.default_rng(0).random((50, 52)).astype(np.float32)
    weights = module("rigs.weights").mix(expression, np.eye(52, dtype=np.float32))
    np.testing.assert_allclose(weights, expression, atol=1e-6)


def test_a_key_for_both_sides_gets_their_mean(blender):
    expression = np.zeros((1, 52), np.float32)
    expression[0, [COLUMN["mouthSmileLeft"], COLUMN["mouthSmileRight"]]] = 0.8, 0.2
    assert module("rigs.weights").mix(expression, rows({"mouthSmile": 1.0}))[0, 0] == pytest.approx(0.5)


def test_vowels_are_found_again_in_what_they_do(blender):
    poses = module("rigs.poses").POSES
    vowels = rows(*(poses[name] for name in ("A (aa)", "E", "I (ih)", "O (oh)", "U (ou)")))
    expression = np.concatenate([vowels, 0.5 * vowels])
    weights = module("rigs.weights").mix(expression, vowels)
    np.testing.assert_allclose(weights, np.concatenate([np.eye(5), 0.5 * np.eye(5)]), atol=0.1)


def test_a_mix_is_within_its_limits_steady_and_says_what_it_can(blender):
    poses = module("rigs.poses").POSES
    keys = rows(*poses.values())
    expression = np.stack([noise(seed=k) for k in range(52)], axis=1).astype(np.float32)
    weights = module("rigs.weights").mix(expression, keys)
    assert weights.min() >= 0.0 and weights.max() <= 1.0
    assert np.abs(np.diff(weights, axis=0)).max() < 6.0 * np.abs(np.diff(expression, axis=0)).max()
    again = module("rigs.weights").mix(expression[100:101], keys)
    np.testing.assert_allclose(again[0], weights[100], atol=0.01)


@pytest.mark.parametrize("error", [0.0, 0.001, 0.005, 0.02, 0.2])
def test_no_curve_leaves_its_error(blender, error):
    reduce = module("rigs.reduce")
    values = noise()
    kept = reduce.reduce_curve(values, error)
    assert kept[0] == 0 and kept[-1] == len(values) - 1 and (np.diff(kept) > 0).all()
    assert reduce.largest_error(values, kept) <= error + 1e-9
    assert len(kept) < len(values) or error == 0.0
    if error >= 0.02:
        assert len(kept) < 0.7 * len(values)


@pytest.mark.parametrize("values", [np.zeros(500), np.full(1, 0.3), np.full(2, 0.3), np.full(90, 0.7) + 1e-4])
def test_what_stands_still_has_one_key(blender, values):
    assert module("rigs.reduce").reduce_curve(values, 0.005).tolist() == [0]


def test_straight_lines_have_two_keys_and_corners_stay(blender):
    reduce = module("rigs.reduce").reduce_curve
    assert reduce(np.linspace(0, 1, 1000), 0.0).tolist() == [0, 999]
    corner = np.concatenate([np.linspace(0, 1, 50), np.linspace(1, 0, 51)[1:]])
    assert reduce(corner, 1e-6).tolist() == [0, 49, 99]


@pytest.mark.parametrize(("span", "frames"), [
    ((1, 1, None), range(1, 11)), ((-20, -20, None), range(-20, -10)), ((-5, -8, 2), range(-5, 3)),
    ((1, 4, 6), range(4, 7)), ((1, 4, 0), range(0)), ((1, 90, None), range(0)), ((-9, -9, 0), range(-9, 1)),
])
def test_which_scene_frames_a_take_covers(blender, span, frames):
    assert module("rigs.curves").scene_frames(10, *span).tolist() == list(frames)

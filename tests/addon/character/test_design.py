# SPDX-License-Identifier: GPL-3.0-or-later
"""What is rendered: no shape is left out, speech stays on its own clock, cameras go all around."""

from fractions import Fraction

import numpy as np
import pytest

from engine.protocol import EXPRESSION_NAMES
from tests.addon.extension import module

ALL = [(name,) for name in EXPRESSION_NAMES]
COLUMN = {name: k for k, name in enumerate(EXPRESSION_NAMES)}


@pytest.fixture
def design(blender):
    return module("character.design")


def spoken(frames, emotion=None):
    rng = np.random.default_rng(frames)
    weights = np.zeros((frames, 8), np.float32)
    if emotion is not None:
        weights[:, emotion] = 0.6
    return module("takes").Performance(Fraction(25), rng.random((frames, 52)).astype(np.float32), weights)


def moods():
    rng = np.random.default_rng(0)
    return {name: rng.random(52).astype(np.float32) for name in ("happy", "sad")}


def test_every_shape_is_seen_alone_at_several_weights(design):
    rows = design.plan_frames(ALL, [], moods(), 600, 0.6, 0).expression
    alone = rows[(rows > 0).sum(axis=1) == 1]
    for name, column in COLUMN.items():
        assert {0.25, 0.5, 0.75, 1.0} <= {round(float(w), 2) for w in alone[:, column]}, name


def test_few_frames_still_show_every_shape_fully(design):
    rows = design.plan_frames(ALL, [], {}, 53, 0.6, 0).expression
    assert len(rows) == 53 and (rows.max(axis=0) == 1.0).all() and (rows.max(axis=1) == 0.0).any()


def test_what_belongs_together_is_seen_together(design):
    rows = design.plan_frames(ALL, [], moods(), 600, 0.6, 0).expression
    for one, other in (("jawOpen", "mouthFunnel"), ("jawOpen", "mouthPucker"), ("jawOpen", "mouthSmileLeft"),
                       ("jawOpen", "mouthClose"), ("eyeBlinkLeft", "browDownLeft"), ("eyeWideLeft", "browInnerUp"),
                       ("eyeLookUpLeft", "eyeBlinkLeft"), ("eyeLookOutLeft", "browDownLeft")):
        assert (np.minimum(rows[:, COLUMN[one]], rows[:, COLUMN[other]]) > 0.3).any(), (one, other)


def test_every_emotion_is_labelled_at_several_intensities(design):
    plan = design.plan_frames(ALL, [], moods(), 600, 0.6, 0)
    for name, shown in moods().items():
        labels = [label for label in plan.labels if label[2] == name]
        assert len({label[3] for label in labels}) >= 3
        first, end, _, amount = max(labels, key=lambda label: label[3])
        rows = plan.expression[(plan.frames >= first) & (plan.frames < end)]
        assert np.abs(rows - shown * amount).max(axis=1).min() < 1e-3


def test_speech_lies_last_and_keeps_its_clock(design):
    takes = [spoken(100), spoken(40, emotion=5)]
    plan = design.plan_frames(ALL, takes, {}, 100, 0.6, 0)
    assert len(plan.frames) == 100 and (np.diff(plan.frames) > 0).all()
    (_, first), (_, second) = plan.sounds
    assert second == first + 100 and plan.frames[-1] < second + 40
    for start, take in ((first, takes[0]), (second, takes[1])):
        chosen = (plan.frames >= start) & (plan.frames < start + len(take))
        assert chosen.sum() > 10
        np.testing.assert_allclose(plan.expression[chosen], take.expression[plan.frames[chosen] - start], atol=1e-4)
    assert (first, first + 100, "neutral", 1.0) in plan.labels
    assert plan.labels[-1][:3] == (second, second + 40, "happy") and plan.labels[-1][3] == pytest.approx(0.6)


def test_a_part_may_be_all_speech_without_a_gap(design):
    plan = design.plan_frames(ALL, [spoken(40)], moods(), 40, 1.0, 0)
    assert plan.frames.tolist() == list(range(40)) and plan.sounds == [(0, 0)]


def test_shapes_that_are_not_there_rest_and_tied_ones_agree(design):
    tied = ("mouthSmileLeft", "mouthSmileRight")
    rows = design.plan_frames([("jawOpen",), tied], [spoken(60)], moods(), 90, 0.6, 0).expression
    used = {COLUMN[name] for name in ("jawOpen", *tied)}
    assert rows[:, [k for k in range(52) if k not in used]].max() == 0.0
    assert (rows[:, COLUMN[tied[0]]] == rows[:, COLUMN[tied[1]]]).all() and rows[:, COLUMN[tied[0]]].max() > 0.5


def test_a_seed_is_a_design(design):
    one, again, other = (design.plan_frames(ALL, [spoken(60)], moods(), 400, 0.6, seed) for seed in (1, 1, 2))
    assert (one.expression == again.expression).all() and (one.expression != other.expression).any()


def test_cameras_go_all_around_and_keep_the_head_in_the_picture(blender):
    views = module("character.views")
    middle = np.array([0.0, -0.03, 0.0])
    seen = views.choose_views(300, 256, middle, 0)
    places = np.array([-v[:3, :3].T @ v[:3, 3] for v in seen.viewmats]) - middle
    yaw, pitch = np.degrees(np.arctan2(places[:, 0], -places[:, 1])), np.degrees(np.arcsin(
        places[:, 2] / np.linalg.norm(places, axis=1)))
    assert yaw.min() < -55 and yaw.max() > 55 and np.abs(yaw).max() < 64
    assert pitch.min() < -22 and pitch.max() > 22 and np.abs(pitch).max() < 29
    for low in range(-60, 60, 20):
        assert ((yaw > low) & (yaw < low + 20)).sum() > 30
    assert np.ptp(np.linalg.norm(places, axis=1)) > 0.5 and np.ptp(seen.Ks[:, 0, 0]) > 200
    nose = views.project(np.array([[0.0, -0.13, 0.0]]), seen.viewmats[0], seen.Ks[0])
    assert ((nose > 0) & (nose < 256)).all()
    again = views.choose_views(300, 256, middle, 0)
    assert (again.viewmats == seen.viewmats).all()


@pytest.mark.parametrize("name, region", [
    ("Hair", 1), ("hair_strands.001", 1), ("Scalp", 1), ("Eyebrows", 2), ("EyelashMaterial", 2), ("Beard Hair", 2),
    ("M_Teeth", 3), ("Tongue", 3), ("mouth_interior", 3), ("Gums", 3), ("MouthSocket", 3), ("neck_and_torso", 4),
    ("Jumper", 4), ("DEF-neck", 4), ("Body", 4), ("mouth", 0), ("Material.001", 0), ("DEF-spine.006", 4), ("", 0),
    ("DEF-lip.T.L", 2), ("Chair", 0),
])
def test_regions_are_told_from_words(blender, name, region):
    assert module("character.regions").region_of(name) == region

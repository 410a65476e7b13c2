# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks, gaze and head motion: natural in rate and size, seeded, and still when told."""

from fractions import Fraction

import numpy as np
import pytest

from engine.life.blinks import add_blinks, blink_curve, blink_times
from engine.life.gaze import MAX_PITCH, MAX_YAW, Fixations, add_eye_shapes, choose_fixations, gaze_angles
from engine.life.head_motion import head_motion
from engine.life.rhythm import Rhythm, find_rhythm
from engine.protocol import EXPRESSION_NAMES

FPS = Fraction(25)


def speech_like(seconds: float = 600.0) -> Rhythm:
    """Phrases of 3 s with pauses of 1 s, four syllables a second."""
    time = np.arange(int(seconds * 100)) / 100.0
    level = np.where(time % 4.0 < 3.0, 0.8, 0.0)
    return find_rhythm(level, level * (0.5 + 0.5 * np.sin(2 * np.pi * 4.0 * time)), seconds)


def silence(seconds: float = 600.0) -> Rhythm:
    return find_rhythm(np.zeros(int(seconds * 100)), np.zeros(int(seconds * 100)), seconds)


def times(seconds: float) -> np.ndarray:
    return np.arange(int(seconds * FPS)) / float(FPS)


def test_the_rhythm_finds_phrase_ends():
    ends = speech_like(20.0).phrase_ends
    np.testing.assert_allclose(ends, [3.0, 7.0, 11.0, 15.0, 19.0], atol=0.02)


@pytest.mark.parametrize("rhythm", [speech_like(), silence()])
@pytest.mark.parametrize("seed", [0, 1, 2, -7])
def test_ten_to_twenty_five_blinks_a_minute(rhythm, seed):
    blinks = blink_times(rhythm, choose_fixations(rhythm, seed).glances(), seed)
    assert 10.0 < len(blinks) / 10.0 < 25.0
    assert np.diff(blinks[:, 0]).min() > 0.5
    assert np.diff(blinks[:, 0]).std() > 0.8  # no metronome


def test_phrase_ends_draw_blinks():
    def share_at_ends(rhythm: Rhythm, seed: int) -> float:
        return float(np.mean(np.abs(blink_times(rhythm, np.zeros(0), seed)[:, 0] % 4.0 - 3.08) < 0.05))

    for seed in range(5):
        assert share_at_ends(speech_like(), seed) > 0.3 > 2.0 * share_at_ends(silence(), seed)


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(25), Fraction(60), Fraction(120)])
def test_lids_close_fast_and_open_slowly_and_meet_on_a_frame(fps):
    curve = blink_curve(np.array([[1.234, 1.0]]), int(3 * fps), fps)
    assert curve.max() == 1.0
    shut = int(np.argmax(curve))
    assert abs(shut / float(fps) - 1.234) <= 0.5 / float(fps)
    closing = np.count_nonzero(curve[:shut] > 0.0) / float(fps)
    opening = np.count_nonzero(curve[shut + 1 :] > 0.0) / float(fps)
    assert closing <= 0.1 and 0.12 <= opening <= 0.25
    assert closing < opening


def test_blinks_override_wide_eyes_and_stay_weights():
    expression = np.full((3, 52), 0.9, np.float32)
    add_blinks(expression, np.array([0.0, 0.5, 1.0], np.float32))
    assert expression.max() <= 1.0
    assert expression[2, EXPRESSION_NAMES.index("eyeBlinkLeft")] == 1.0
    assert expression[2, EXPRESSION_NAMES.index("eyeWideRight")] == 0.0


def test_gaze_is_mostly_at_the_viewer_and_comes_back():
    rhythm = speech_like(120.0)
    fixations = choose_fixations(rhythm, 4)
    gaze = np.degrees(gaze_angles(fixations, times(120.0), np.zeros((3000, 3))))
    distance = np.linalg.norm(gaze, axis=1)
    assert 0.7 < np.mean(distance < 2.0) < 0.97
    assert 4.0 < distance.max() < 15.0
    assert 1.0 < len(fixations.glances()) / 2.0 < 40.0


def test_saccades_are_on_the_main_sequence():
    fixations = Fixations(np.array([0.0, 1.0]), np.radians([[0.0, 0.0], [10.0, 0.0]]))
    fine = np.arange(0.9, 1.2, 0.0005)
    yaw = np.degrees(gaze_angles(fixations, fine, np.zeros((len(fine), 3)))[:, 0])
    moving = fine[(yaw > 0.001) & (yaw < 9.999)]
    assert moving[-1] - moving[0] == pytest.approx(0.021 + 0.0022 * 10.0, abs=0.003)


def test_eyes_turn_against_the_head():
    fixations = Fixations(np.zeros(1), np.zeros((1, 2)))
    gaze = gaze_angles(fixations, np.zeros(1), np.radians([[3.0, 0.0, 5.0]]))
    np.testing.assert_allclose(np.degrees(gaze), [[-5.0, 3.0]], atol=1e-4)


@pytest.mark.parametrize(
    "yaw, pitch, shapes", [
        (15.0, 0.0, {"eyeLookOutLeft": 0.5, "eyeLookInRight": 0.5}), (-30.0, 0.0, {"eyeLookInLeft": 1.0}),
        (0.0, 12.5, {"eyeLookUpLeft": 0.5, "eyeLookUpRight": 0.5}), (0.0, -25.0, {"eyeLookDownLeft": 1.0}),
    ]
)
def test_eye_shapes_are_shares_of_the_largest_angle(yaw, pitch, shapes):
    expression = np.zeros((1, 52), np.float32)
    add_eye_shapes(expression, np.radians([[yaw, pitch]]))
    for name, weight in shapes.items():
        assert expression[0, EXPRESSION_NAMES.index(name)] == pytest.approx(weight, abs=1e-5)
    moved = np.flatnonzero(expression[0])
    assert len(moved) == (2 if pitch == 0.0 else 4)  # up and down take the lids along


def test_gaze_stays_in_range():
    fixations = Fixations(np.zeros(1), np.array([[2.0, -2.0]]))
    gaze = gaze_angles(fixations, np.ones(1), np.zeros((1, 3)))
    np.testing.assert_allclose(gaze, [[MAX_YAW, -MAX_PITCH]], rtol=1e-6)


@pytest.mark.parametrize("seed", [0, 5])
def test_the_head_moves_little_and_smoothly(seed):
    pose = head_motion(speech_like(60.0), times(60.0), seed)
    degrees = np.degrees(pose[:, :3])
    assert 0.5 < degrees.std(0).max() < 4.0 and np.abs(degrees).max() <= 8.0
    assert np.abs(np.diff(degrees, axis=0)).max() < 1.5  # a frame
    assert 0.0005 < pose[:, 3:].std(0).max() < 0.01


def test_the_head_is_calmer_in_silence():
    talking, silent = (np.diff(head_motion(r, times(60.0), 1), axis=0) for r in (speech_like(60.0), silence(60.0)))
    assert talking[:, :3].std() > 1.3 * silent[:, :3].std()


def test_seeds_choose_and_repeat():
    rhythm = speech_like(60.0)
    first, again, other = (head_motion(rhythm, times(60.0), seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.005
    np.testing.assert_array_equal(blink_times(rhythm, np.zeros(0), 1), blink_times(rhythm, np.zeros(0), 1))
    assert len(choose_fixations(rhythm, 1).starts) != len(choose_fixations(rhythm, 2).starts)


def test_a_longer_sound_begins_alike():
    short, long = head_motion(silence(20.0), times(20.0), 3), head_motion(silence(60.0), times(60.0), 3)
    np.testing.assert_allclose(long[: len(short)], short, atol=1e-7)

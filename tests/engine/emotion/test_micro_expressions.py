# SPDX-License-Identifier: GPL-3.0-or-later
"""Micro-expressions: short, partial, on stresses, of what is felt, and the same for the same seed."""

import numpy as np
import pytest

from engine.emotion.facs import prototype_table
from engine.emotion.micro_expressions import (
    LARGEST, ONSET_SECONDS, REGIONS, TOTAL_SECONDS, choose_displays, curves,
)
from engine.life.rhythm import Rhythm
from engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES

FPS, SECONDS = 50.0, 120.0
FRAMES = int(FPS * SECONDS)


@pytest.fixture(scope="module")
def rhythm() -> Rhythm:
    times = np.arange(1.0, SECONDS - 1.0, 0.7)
    strengths = np.random.default_rng(0).uniform(0.4, 1.0, len(times))
    return Rhythm(SECONDS, np.zeros(0), np.stack([times, strengths], 1), np.ones(int(SECONDS * 100), np.float32))


def feeling(**weights: float) -> np.ndarray:
    out = np.zeros((FRAMES, 8), np.float32)
    for name, weight in weights.items():
        out[:, EMOTION_NAMES.index(name)] = weight
    return out


def displays(rhythm, seed=0, **weights):
    return choose_displays(rhythm, feeling(**weights), prototype_table(), FPS, seed)


def test_they_are_as_short_as_people_measured(rhythm):
    found = displays(rhythm, happy=0.8)
    assert 40 < len(found) < 110
    for display in found:
        total = display.onset + display.apex + display.offset
        assert TOTAL_SECONDS[0] <= total <= TOTAL_SECONDS[1] + 1e-6
        assert ONSET_SECONDS[0] <= display.onset <= ONSET_SECONDS[1] and display.offset > 0.0


def test_each_peaks_on_a_stress(rhythm):
    for display in displays(rhythm, angry=1.0):
        apex = display.start + display.onset + 0.5 * display.apex
        assert np.abs(rhythm.stresses[:, 0] - apex).min() < 1e-6


def test_each_moves_one_region_of_the_felt_face_only(rhythm):
    face = prototype_table()[EMOTION_NAMES.index("fear")]
    for display in displays(rhythm, fear=1.0):
        moved = np.flatnonzero(display.shapes)
        assert (display.shapes <= LARGEST * face + 1e-6).all()
        homes = [{r for r, parts in REGIONS.items() if EXPRESSION_NAMES[k].startswith(parts)} for k in moved]
        assert len(moved) and set.intersection(*homes)


def test_some_are_one_sided(rhythm):
    sided = 0
    for display in displays(rhythm, happy=1.0):
        names = {EXPRESSION_NAMES[k] for k in np.flatnonzero(display.shapes)}
        sided += len({name[-4:] for name in names}) == 1
    assert 0 < sided < 0.6 * len(displays(rhythm, happy=1.0))


def test_without_a_feeling_the_brows_flash(rhythm):
    for found in (displays(rhythm), displays(rhythm, neutral=1.0)):
        names = {EXPRESSION_NAMES[k] for display in found for k in np.flatnonzero(display.shapes)}
        assert names == {"browInnerUp", "browOuterUpLeft", "browOuterUpRight"}


def test_the_seed_chooses_and_the_feeling_does_not_move_the_times(rhythm):
    def times(found):
        return [display.start for display in found]

    assert times(displays(rhythm, 3, sad=1.0)) == times(displays(rhythm, 3, happy=1.0))
    assert times(displays(rhythm, 3, sad=1.0)) != times(displays(rhythm, 4, sad=1.0))


def test_curves_start_and_end_at_nothing_and_never_jump(rhythm):
    found = displays(rhythm, surprised=1.0)
    fine = curves(found, int(SECONDS * 1000), 1000.0)
    assert fine.max() <= LARGEST and np.abs(np.diff(fine, axis=0)).max() < 0.02
    still = fine.max(1) == 0.0
    assert 0.5 < still.mean() < 0.95

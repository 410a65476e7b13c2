# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures a fit looks at."""

import numpy as np
import pytest

from engine.capture.storage import load_capture
from engine.fit.budget import Budget
from engine.fit.sampling import RAMP, Sampler
from engine.protocol import EXPRESSION_NAMES

JAW, BLINK = EXPRESSION_NAMES.index("jawOpen"), EXPRESSION_NAMES.index("eyeBlinkLeft")


@pytest.fixture
def rare(character):
    """A capture whose mouth is wide open in 3 of 60 pictures and whose eyes are closed in 2 others."""
    capture = load_capture(character)
    capture.expression[:] = 0
    capture.expression[:, JAW] = 0.02 * np.arange(60) / 60
    capture.expression[[10, 30, 50], JAW] = 0.9
    capture.expression[[20, 40], BLINK] = 1.0
    return capture


def drawn(sampler: Sampler, progress: float, count: int = 4000) -> np.ndarray:
    return np.bincount([sampler.row(step, progress) for step in range(count)], minlength=60) / count


def test_the_first_steps_see_no_wide_mouth_and_later_ones_see_it_often(rare):
    sampler = Sampler(rare, np.arange(60), seed=1)
    assert drawn(sampler, 0.0)[[10, 30, 50]].sum() == 0
    late = drawn(sampler, RAMP)
    assert late[[10, 30, 50]].sum() > 2 * 3 / 60
    assert late[[20, 40]].sum() > 2 * 2 / 60
    assert (late > 0).sum() > 55  # nothing is left out


def test_a_step_draws_the_same_row_every_time_and_another_seed_others(rare):
    one, same, other = (Sampler(rare, np.arange(60), seed=seed) for seed in (1, 1, 2))
    rows = [[sampler.row(step, 0.5) for step in range(200)] for sampler in (one, same, other)]
    assert rows[0] == rows[1] != rows[2]


def test_only_the_rows_that_were_given_are_drawn(rare):
    sampler = Sampler(rare, np.array([3, 10, 20]), seed=0)
    assert {sampler.row(step, 1.0) for step in range(300)} == {3, 10, 20}
    with pytest.raises(ValueError):
        Sampler(rare, np.array([], int), seed=0)


def test_a_budget_is_steps_or_minutes():
    assert Budget(steps=200).progress(50, 1e6) == 0.25
    assert Budget(minutes=2).progress(10**9, 30) == 0.25
    assert Budget(minutes=2).progress(0, 1000) == 1.0
    for wrong in ({}, {"steps": 5, "minutes": 1.0}, {"steps": -1}):
        with pytest.raises(ValueError):
            Budget(**wrong)

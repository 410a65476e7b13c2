# SPDX-License-Identifier: GPL-3.0-or-later
"""What a text changes in a mouth: closures where it says so and nowhere else; the rest stays the network's."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from engine.dialogue.align import Alignment
from engine.dialogue.sharpen import sharpen
from engine.perform import perform
from engine.prior.extract import CLOSED, LABIODENTAL, articulators_at, lips_opening
from engine.prior.lips import MOUTH_COLUMNS, lip_gap
from engine.prior.visemes import ARTICULATORS
from engine.protocol import Controls
from engine.report import Report
from tests.engine.dialogue.test_align import KNOWN, SAMPLE, TEXT

APERTURE = ARTICULATORS.index("aperture")
PHONES = [("aa", 1.0, 1.2), ("m", 1.2, 1.3), ("aa", 1.3, 1.5), ("f", 1.5, 1.6), ("i", 1.6, 1.8)]


def heard(value: float = 0.5) -> np.ndarray:
    """Three seconds of a mouth that the network holds open, with a closure at 1.4 s that is none."""
    articulators = np.full((150, 7), value, np.float32)
    articulators[:, [CLOSED, LABIODENTAL]] = 0.0
    articulators[70, CLOSED] = 1.0
    return articulators


def test_lips_close_and_touch_where_the_text_says_and_nowhere_else():
    shown = articulators_at(sharpen(heard(), Alignment([PHONES])), 150, Fraction(50))
    lips = lips_opening(shown)
    assert lips[59:63].min() < 0.02 and shown[74:78, LABIODENTAL].max() > 0.98
    assert shown[70, CLOSED] == 0.0 and lips[66:70].min() > 0.2


def test_outside_the_text_nothing_changes():
    before, after = heard(), sharpen(heard(), Alignment([PHONES]))
    np.testing.assert_array_equal(after[:40], before[:40])
    np.testing.assert_array_equal(after[100:], before[100:])
    np.testing.assert_array_equal(sharpen(before, Alignment([])), before)


def test_a_small_voice_stays_small():
    small, large = (sharpen(heard(value), Alignment([PHONES]))[50:90, APERTURE].mean() for value in (0.2, 0.7))
    assert small < 0.3 < 0.5 < large


def test_letters_change_shapes_less():
    whole, half = (sharpen(heard(), Alignment([PHONES], shapes)) - heard() for shapes in (1.0, 0.5))
    np.testing.assert_allclose(half[:, APERTURE], whole[:, APERTURE] / 2, atol=1e-6)
    np.testing.assert_allclose(half[:, CLOSED], whole[:, CLOSED], atol=1e-6)


@pytest.mark.parametrize("phones", [[("p", 0.0, 0.01)], [("m", 2.99, 3.2)], [("m", 8.0, 9.0)]])
def test_the_sounds_ends(phones):
    assert np.isfinite(sharpen(heard(), Alignment([phones]))).all()


def closed(text: str) -> tuple[list[bool], np.ndarray]:
    """Whether the lips close in each m and p of the sample, and the take's expression."""
    still = Controls(blink=[0.0], gaze=[0.0], head_motion=[0.0])
    take = perform(SAMPLE, fps=Fraction(50), controls=still, seed=0, report=Report(), text=text)
    gap = lip_gap(torch.from_numpy(take.expression[:, MOUTH_COLUMNS])).numpy()
    spans = [(round((a - 0.07) * 50), round((b + 0.01) * 50) + 1) for name, a, b in KNOWN if name in "mp"]
    return [gap[a:b].min() < 0.3 for a, b in spans], take.expression


def test_every_m_and_p_of_a_performance_closes():
    pytest.importorskip("pocketsphinx")
    assert all(closed(TEXT)[0])


def test_a_wrong_text_leaves_the_performance_as_it_is():
    pytest.importorskip("pocketsphinx")
    wrong = "The committee approved seventeen budgets without objection."
    np.testing.assert_array_equal(closed(wrong)[1], closed("")[1])

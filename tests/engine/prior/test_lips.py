# SPDX-License-Identifier: GPL-3.0-or-later
"""Articulators become ARKit curves whose inner lips are as far apart as they should be."""

import numpy as np
import pytest
import torch

from engine.prior.lips import GAP, GAP_AT_REST, MOUTH_NAMES, OPEN_GAP, WIDTH, lip_gap, mouth_width, to_arkit
from engine.prior.visemes import ARTICULATORS, PHONES, REST


def random_articulators(count: int, **fixed: float) -> torch.Tensor:
    values = torch.rand(count, 7, generator=torch.Generator().manual_seed(0))
    values[:, 5:] = 0.0
    for name, value in fixed.items():
        values[:, ARTICULATORS.index(name)] = value
    return values


def test_the_27_curves_are_arkit_s_jaw_and_mouth():
    assert len(MOUTH_NAMES) == 27 and len(set(MOUTH_NAMES)) == 27
    curves = to_arkit(random_articulators(50))
    assert curves.shape == (50, 27)
    assert curves.min() >= 0.0 and curves.max() <= 1.0


def test_both_sides_are_alike():
    curves = to_arkit(random_articulators(50, closed=0.3))
    for k, name in enumerate(MOUTH_NAMES):
        if name.endswith("Left") and name not in ("mouthLeft", "jawLeft"):
            assert torch.equal(curves[:, k], curves[:, MOUTH_NAMES.index(name[:-4] + "Right")])


def test_closed_lips_meet_whatever_the_jaw_does():
    gap = lip_gap(to_arkit(random_articulators(500, closed=1.0)))
    assert gap.max() <= 0.01 * OPEN_GAP
    assert gap.min() > -5.0  # pressed together, not through each other


def test_mouth_close_never_exceeds_the_jaw_and_seals_when_closed():
    curves = to_arkit(random_articulators(500, closed=1.0))
    jaw, close = curves[:, MOUTH_NAMES.index("jawOpen")], curves[:, MOUTH_NAMES.index("mouthClose")]
    torch.testing.assert_close(close, jaw)
    free = to_arkit(random_articulators(500))
    assert (free[:, MOUTH_NAMES.index("mouthClose")] <= free[:, MOUTH_NAMES.index("jawOpen")]).all()


@pytest.mark.parametrize("name", [name for name, phone in PHONES.items() if not phone.contact])
def test_the_lips_part_as_far_as_the_phone_says(name):
    phone = PHONES[name]
    said = torch.tensor([[phone.aperture, phone.jaw, phone.rounded, phone.spread, phone.teeth, 0.0, 0.0]])
    assert lip_gap(to_arkit(said)).item() == pytest.approx(OPEN_GAP * phone.aperture, abs=1.0)


def test_a_labiodental_brings_the_lower_lip_to_the_teeth():
    curves = to_arkit(random_articulators(100, labiodental=1.0))
    assert curves[:, MOUTH_NAMES.index("mouthRollLower")].min() > 0.3
    assert lip_gap(curves).max() < 2.5


def test_rest_is_a_little_open_and_little_else():
    curves = to_arkit(torch.tensor([list(REST.values())]))[0]
    assert 0.5 < lip_gap(curves).item() < 2.5
    assert 0.0 < curves.max() < 0.05


def test_gradients_reach_every_articulator():
    said = random_articulators(200, closed=0.4, labiodental=0.3).requires_grad_()
    to_arkit(said).square().sum().backward()
    assert torch.isfinite(said.grad).all() and (said.grad.abs().sum(0) > 0).all()


def test_gap_and_width_are_those_of_ict_facekit(shared):
    with np.load(shared / "data/ict_facekit/ict_facekit.npz") as mesh:
        vertices, deltas = mesh["vertices"] * 1000.0, mesh["expression_deltas"] * 1000.0
        names = [str(name) for name in mesh["expression_names"]]
    upper, lower, right, left = 5533, 5517, 5708, 6213  # Multi-PIE's landmarks 62, 66, 48 and 54
    assert vertices[upper, 1] - vertices[lower, 1] == pytest.approx(GAP_AT_REST, abs=0.01)
    for table, first, second, axis in ((GAP, upper, lower, 1), (WIDTH, left, right, 0)):
        for stem, expected in table.items():
            moved = sum(deltas[k] for k, name in enumerate(names) if name.split("_")[0] == stem)
            assert moved[first, axis] - moved[second, axis] == pytest.approx(expected, abs=0.05), stem


def test_the_mouth_narrows_when_rounded_and_widens_when_spread():
    flat, round_, wide = (
        mouth_width(to_arkit(random_articulators(1, aperture=0.3, jaw=0.2, teeth=0.0, rounded=r, spread=s)))
        for r, s in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    )
    assert round_ < flat - 3.0 and wide > flat + 3.0

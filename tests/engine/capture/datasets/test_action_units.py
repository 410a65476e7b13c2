# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenFace's action units move the ARKit shapes that stand for them."""

import numpy as np
import pytest

from engine.capture.datasets.action_units import UNITS, expression_of_units, read_units
from engine.errors import FormatError
from engine.protocol import EXPRESSION_NAMES


@pytest.mark.parametrize(
    ("unit", "shapes"),
    [
        (1, {"browInnerUp"}), (2, {"browOuterUpLeft", "browOuterUpRight"}), (4, {"browDownLeft", "browDownRight"}),
        (9, {"noseSneerLeft", "noseSneerRight"}), (12, {"mouthSmileLeft", "mouthSmileRight"}),
        (15, {"mouthFrownLeft", "mouthFrownRight"}), (26, {"jawOpen"}), (45, {"eyeBlinkLeft", "eyeBlinkRight"}),
    ],
)
def test_a_unit_moves_its_own_shapes_alone(unit, shapes):
    units = np.zeros((2, len(UNITS)))
    units[1, UNITS.index(unit)] = 5.0
    still, moved = expression_of_units(units)
    assert not still.any()
    assert {name for name, weight in zip(EXPRESSION_NAMES, moved) if weight > 0} == shapes
    assert moved.max() > 0.69


def test_weights_stay_between_0_and_1():
    expression = expression_of_units(np.array([[50.0] * len(UNITS), [-3.0] * len(UNITS)]))
    assert expression.shape == (2, 52) and expression.min() == 0 and expression.max() == 1


def test_a_table_with_blanks_in_its_names_a_byte_order_mark_and_missing_units(tmp_path):
    path = tmp_path / "au.csv"
    path.write_bytes(b"\xef\xbb\xbfframe, AU45_r, AU12_r\r\n1, 0.5, 3\r\n2, 0, 0\r\n")
    units = read_units(path)
    assert units.shape == (2, len(UNITS))
    assert units[0, UNITS.index(45)] == 0.5 and units[0, UNITS.index(12)] == 3 and units[0].sum() == 3.5


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(FormatError, match="au.csv"):
        read_units(tmp_path / "au.csv")

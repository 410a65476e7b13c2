# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check scripts say of landmarks: in eye distances, against neutral, and nothing is well without a face."""

import numpy as np
import pytest

from assets.actor.landmarks import EYE_CORNERS, LIPS, MOUTH_CORNERS, corner_height, lip_gap, mouth_width, moved_enough

MOVEMENTS = (("wider", "smile", mouth_width, 0.1), ("up", "smile", corner_height, 0.05))


def face(eyes: float, wider: float = 0.0, up: float = 0.0) -> np.ndarray:
    """(478, 2) pixels; the distance between the eyes is `eyes` pixels, and the mouth is as wide."""
    p = np.zeros((478, 2))
    for corners, x in zip(EYE_CORNERS, (-0.5, 0.5)):
        p[list(corners)] = (x * eyes, 0.0)
    p[list(LIPS)] = (0.0, eyes)
    p[list(MOUTH_CORNERS)] = [(x * eyes * (1.0 + wider), eyes * (1.0 - up)) for x in (-0.5, 0.5)]
    return p


@pytest.mark.parametrize("eyes", [50.0, 200.0])
@pytest.mark.parametrize("wider, up, good", [(0.11, 0.06, True), (0.09, 0.06, False), (0.11, -0.06, False)])
def test_everything_must_move_far_enough_towards_its_side(eyes, wider, up, good, capsys):
    assert moved_enough({"neutral": face(eyes), "smile": face(eyes, wider, up)}, MOVEMENTS) == good
    assert ("short" in capsys.readouterr().out) != good


def test_a_face_that_is_not_found_is_told(capsys):
    assert not moved_enough({"neutral": face(90.0), "smile": None, "frown": face(90.0)}, MOVEMENTS)
    assert "2 of 3" in capsys.readouterr().out
    assert not moved_enough({"neutral": None, "smile": face(90.0, 0.2, 0.2)}, MOVEMENTS)


def test_lips_that_part():
    p = face(100.0)
    p[LIPS[1], 1] += 30.0
    assert lip_gap(p / 100.0) == pytest.approx(0.3)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet's numbers: every ARKit name moves what it names in its direction."""

import numpy as np
import pytest
import torch

from engine.head.puppet import build_puppet
from engine.head.puppet_eyes import LOWER_RADIUS, LOWER_REST, UPPER_RADIUS, UPPER_REST
from engine.head.puppet_surface import BROW_Z, EYE, EYE_RADIUS, MOUTH_HALF, MOUTH_Z, front, slit
from engine.protocol import EXPRESSION_NAMES

REST = np.zeros(6, np.float32)


def on_face(x: float, z: float, out: float = 0.0) -> np.ndarray:
    return np.array([x, front(np.array([x]), np.array([z]))[0] - out, z])


def lid_edge(radius: float, meridian: float) -> np.ndarray:
    return EYE + radius * np.array([0.0, -np.cos(meridian), np.sin(meridian)])


# Places on the left half of the face; "right_..." is their mirror image.
PLACES = {
    "upper_lip": on_face(0.0, slit(0.0) + 0.0040, 0.002),
    "lower_lip": on_face(0.0, slit(0.0) - 0.0050, 0.002),
    "side_upper_lip": on_face(0.012, slit(0.012) + 0.0040, 0.002),
    "side_lower_lip": on_face(0.012, slit(0.012) - 0.0050, 0.002),
    "corner": on_face(MOUTH_HALF, slit(MOUTH_HALF)),
    "chin": on_face(0.0, -0.090),
    "cheek": on_face(0.047, -0.050),
    "cheekbone": on_face(0.043, -0.027),
    "nostril": on_face(0.012, -0.028, 0.008),
    "inner_brow": on_face(0.018, BROW_Z, 0.003),
    "outer_brow": on_face(0.052, BROW_Z, 0.003),
    "pupil": EYE + [0, -EYE_RADIUS, 0],
    "upper_lid": lid_edge(UPPER_RADIUS, UPPER_REST),
    "lower_lid": lid_edge(LOWER_RADIUS, LOWER_REST),
    "tongue_tip": np.array([0.0, on_face(0.0, MOUTH_Z)[1] + 0.017, MOUTH_Z - 0.007]),
}

# ARKit name (for a pair: without its side) -> place, and the least move in metres along (x, y, z); 0 asks nothing.
# y is towards the back; x is towards the head's left, for the right half of a pair towards its right.
MOVES = {
    "browDown": ("inner_brow", (0, 0, -0.006)),
    "browInnerUp": ("inner_brow", (0, 0, 0.008)),
    "browOuterUp": ("outer_brow", (0, 0, 0.008)),
    "cheekPuff": ("cheek", (0.004, -0.003, 0)),
    "cheekSquint": ("cheekbone", (0, 0, 0.004)),
    "eyeBlink": ("upper_lid", (0, 0, -0.015)),
    "eyeLookDown": ("pupil", (0, 0, -0.006)),
    "eyeLookIn": ("pupil", (-0.008, 0, 0)),
    "eyeLookOut": ("pupil", (0.008, 0, 0)),
    "eyeLookUp": ("pupil", (0, 0, 0.006)),
    "eyeSquint": ("lower_lid", (0, 0, 0.003)),
    "eyeWide": ("upper_lid", (0, 0, 0.004)),
    "jawForward": ("chin", (0, -0.005, 0)),
    "jawLeft": ("chin", (0.005, 0, 0)),
    "jawOpen": ("lower_lip", (0, 0, -0.020)),
    "jawRight": ("chin", (-0.005, 0, 0)),
    "mouthClose": ("lower_lip", (0, 0, 0.008)),
    "mouthDimple": ("corner", (0.003, 0.003, 0)),
    "mouthFrown": ("corner", (0, 0, -0.008)),
    "mouthFunnel": ("lower_lip", (0, -0.003, -0.003)),
    "mouthLeft": ("upper_lip", (0.006, 0, 0)),
    "mouthLowerDown": ("side_lower_lip", (0, 0, -0.005)),
    "mouthPress": ("side_lower_lip", (0, 0.0005, 0.001)),
    "mouthPucker": ("corner", (-0.008, -0.004, 0)),
    "mouthRight": ("upper_lip", (-0.006, 0, 0)),
    "mouthRollLower": ("lower_lip", (0, 0.003, 0.002)),
    "mouthRollUpper": ("upper_lip", (0, 0.003, -0.002)),
    "mouthShrugLower": ("lower_lip", (0, -0.002, 0.003)),
    "mouthShrugUpper": ("upper_lip", (0, -0.001, 0.003)),
    "mouthSmile": ("corner", (0.006, 0, 0.006)),
    "mouthStretch": ("corner", (0.007, 0, 0)),
    "mouthUpperUp": ("side_upper_lip", (0, 0, 0.005)),
    "noseSneer": ("nostril", (0, 0, 0.003)),
    "tongueOut": ("tongue_tip", (0, -0.025, 0)),
}


def split(name: str) -> tuple[str, int]:
    """ARKit name to its entry in MOVES and 1, or -1 for the right half of a pair."""
    if name in MOVES:
        return name, 1
    return (name.removesuffix("Left"), 1) if name.endswith("Left") else (name.removesuffix("Right"), -1)


def pose(head, **weights: float) -> np.ndarray:
    expression = np.zeros(len(EXPRESSION_NAMES), np.float32)
    for name, weight in weights.items():
        expression[EXPRESSION_NAMES.index(name)] = weight
    return head.pose(expression, REST).means.numpy()


def nearest(head, place: np.ndarray) -> int:
    distances = np.linalg.norm(head.gaussians.means.numpy() - place, axis=1)
    assert distances.min() < 0.003
    return int(distances.argmin())


@pytest.mark.parametrize("name", EXPRESSION_NAMES)
def test_every_name_moves_its_place_in_its_direction(puppet, name):
    key, sign = split(name)
    place, least = MOVES[key]
    index = nearest(puppet, PLACES[place] * [sign, 1, 1])
    moved = (pose(puppet, **{name: 1.0}) - puppet.gaussians.means.numpy())[index] * [sign, 1, 1]
    for axis, wanted in enumerate(least):
        assert moved[axis] * np.sign(wanted) >= abs(wanted), f"{name} moves {place} by {1000 * moved} mm"


@pytest.mark.parametrize("name", [n for n in EXPRESSION_NAMES if n.endswith("Left")])
def test_left_and_right_are_mirror_images(puppet, name):
    """Lips, lids, brows and eyes are built alike on both sides, so they must move alike."""
    flip = np.array([-1.0, 1.0, 1.0])
    rest = puppet.gaussians.means.numpy()
    left = pose(puppet, **{name: 1.0}) - rest
    right = pose(puppet, **{name.removesuffix("Left") + "Right": 1.0}) - rest
    for place in ("side_upper_lip", "side_lower_lip", "inner_brow", "outer_brow", "pupil", "upper_lid", "lower_lid"):
        here, there = nearest(puppet, PLACES[place]), nearest(puppet, PLACES[place] * flip)
        if np.linalg.norm(rest[here] - rest[there] * flip) < 1e-5:
            np.testing.assert_allclose(left[here], right[there] * flip, atol=1e-4)


def test_one_sided_names_leave_the_other_side(puppet):
    for name in ("eyeBlinkLeft", "browDownLeft", "mouthSmileLeft", "noseSneerLeft", "cheekSquintLeft"):
        moved = np.linalg.norm(pose(puppet, **{name: 1.0}) - puppet.gaussians.means.numpy(), axis=1)
        assert moved[puppet.gaussians.means[:, 0].numpy() < -0.030].max() < 0.001, name


def test_rest_is_identity(puppet):
    np.testing.assert_allclose(pose(puppet), puppet.gaussians.means.numpy(), atol=1e-6)


def test_all_at_once_is_finite_and_stays_near(puppet):
    posed = puppet.pose(np.ones(len(EXPRESSION_NAMES), np.float32), REST)
    for value in (posed.means, posed.quats, posed.scales, posed.opacities, posed.sh):
        assert torch.isfinite(value).all()
    assert posed.means.abs().max() < 0.35


def test_head_turns_on_its_neck(puppet):
    rest = puppet.gaussians.means.numpy()
    turned = puppet.pose(np.zeros(52, np.float32), np.array([0, 0, 0.4, 0, 0, 0], np.float32)).means.numpy()
    c, s = np.cos(0.4), np.sin(0.4)
    up, down = rest[:, 2] > 0.0, rest[:, 2] < -0.16
    np.testing.assert_allclose(turned[up], rest[up] @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]).T, atol=1e-5)
    np.testing.assert_array_equal(turned[down], rest[down])
    assert up.sum() > 1000 and down.sum() > 300


def test_lips_meet_under_an_open_jaw(puppet):
    """The middles of the lips are as near each other at jawOpen = mouthClose as they are at rest."""
    upper = nearest(puppet, on_face(0.0, slit(0.0) + 0.0015, 0.0015))
    lower = nearest(puppet, on_face(0.0, slit(0.0) - 0.0020, 0.0015))
    rest = puppet.gaussians.means.numpy()
    gap = rest[upper, 2] - rest[lower, 2]
    for amount in (0.25, 0.5, 1.0):
        opened, closed = pose(puppet, jawOpen=amount), pose(puppet, jawOpen=amount, mouthClose=amount)
        assert opened[upper, 2] - opened[lower, 2] > gap + 0.02 * amount
        assert abs(closed[upper, 2] - closed[lower, 2] - gap) < 0.001


def test_same_seed_same_puppet(puppet):
    again, other = build_puppet(), build_puppet(seed=1)
    for name in ("means", "quats", "scales", "opacities", "sh"):
        assert torch.equal(getattr(puppet.gaussians, name), getattr(again.gaussians, name))
    assert torch.equal(puppet.mover.shapes, again.mover.shapes)
    assert not torch.equal(puppet.gaussians.sh, other.gaussians.sh)


def test_size(puppet):
    means = puppet.gaussians.means.numpy()
    assert 5_000 <= len(means) <= 13_000
    face = means[(means[:, 1] < 0) & (means[:, 2] > -0.12)]
    assert 0.20 < face[:, 2].max() - face[:, 2].min() < 0.28
    np.testing.assert_allclose(puppet.mover.weights.sum(dim=1).numpy(), 1.0, atol=1e-6)

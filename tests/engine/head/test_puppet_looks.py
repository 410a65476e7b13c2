# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be seen of the puppet, measured on drawn pictures in which one part is white and all else black."""

import math

import numpy as np
import pytest
import torch

from engine.head import puppet_mouth
from engine.head.puppet_joints import JOINTS
from engine.head.puppet_surface import EYE
from engine.protocol import EXPRESSION_NAMES
from engine.splats.rasterize import rasterize

SIZE = 192
SH_0 = 0.28209479177387814


def draw(head, shown: np.ndarray, yaw: float = 0.0, **weights: float) -> tuple[np.ndarray, np.ndarray]:
    """(SIZE, SIZE) how much of the splats `shown` is seen, and the alpha; `yaw` moves the camera to the head's left."""
    expression = np.zeros(len(EXPRESSION_NAMES), np.float32)
    for name, weight in weights.items():
        names = [name] if name in EXPRESSION_NAMES else [name + "Left", name + "Right"]
        for one in names:
            expression[EXPRESSION_NAMES.index(one)] = weight
    g = head.pose(expression, np.zeros(6, np.float32))
    sh = ((torch.from_numpy(shown).float() - 0.5) / SH_0)[:, None, None].expand(-1, 1, 3)
    c, s = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    viewmat = torch.tensor([[c, s, 0, 0], [0, 0, -1, -0.02], [-s, c, 0, 1.0], [0, 0, 0, 1]])
    K = torch.tensor([[SIZE / 0.30, 0, SIZE / 2], [0, SIZE / 0.30, SIZE / 2], [0, 0, 1]])
    color, alpha, _ = rasterize(
        g.means, g.quats, g.scales, g.opacities, sh.contiguous(), viewmat[None], K[None], SIZE, SIZE, sh_degree=0
    )
    return color[0, ..., 0].numpy(), alpha[0, ..., 0].numpy()


@pytest.fixture(scope="module")
def eyes(puppet) -> np.ndarray:
    columns = [2 + JOINTS.index(name) for name in ("eye_left", "eye_right")]
    return puppet.mover.weights[:, columns].sum(dim=1).numpy() > 0.99


@pytest.fixture(scope="module")
def pupils(puppet, eyes) -> np.ndarray:
    from_centre = puppet.gaussians.means.numpy() - EYE * np.sign(puppet.gaussians.means.numpy()[:, :1]) ** [1, 0, 0]
    cosine = -from_centre[:, 1] / np.linalg.norm(from_centre, axis=1)
    return eyes & (cosine > math.cos(math.radians(11.5)))


@pytest.fixture(scope="module")
def inside(puppet) -> np.ndarray:
    """Teeth, tongue and the walls of the mouth."""
    parts = [puppet_mouth.cavity(), puppet_mouth.tongue(), puppet_mouth.teeth(1), puppet_mouth.teeth(-1)]
    wanted = {row.tobytes() for part in parts for row in part.means.astype(np.float32)}
    return np.array([row.tobytes() in wanted for row in puppet.gaussians.means.numpy()])


def test_lids_close_completely(puppet, eyes):
    seen = {blink: draw(puppet, eyes, eyeBlink=blink)[0].sum() for blink in (0.0, 0.5, 1.0)}
    assert seen[0.0] > 400
    assert 0.15 * seen[0.0] < seen[0.5] < 0.8 * seen[0.0]
    assert seen[1.0] < 0.02 * seen[0.0]


@pytest.mark.parametrize("other", ["eyeSquint", "eyeLookDown", "eyeLookUp", "browDown", "cheekSquint"])
def test_lids_stay_closed_whatever_else_happens(puppet, eyes, other):
    assert draw(puppet, eyes, eyeBlink=1.0, **{other: 0.7})[0].sum() < 0.03 * draw(puppet, eyes)[0].sum()


@pytest.mark.parametrize("look", [
    {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0}, {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0},
    {"eyeLookUp": 1.0}, {"eyeLookDown": 1.0},
])
def test_pupils_stay_in_sight_when_the_eyes_look_about(puppet, pupils, look):
    assert draw(puppet, pupils, **look)[0].sum() > 0.6 * draw(puppet, pupils)[0].sum()


def test_mouth_is_closed_at_rest_and_shows_its_inside_when_open(puppet, inside):
    opened = draw(puppet, inside, jawOpen=0.7)[0].sum()
    assert opened > 300
    for yaw in (-60, -30, 0, 30, 60):
        assert draw(puppet, inside, yaw)[0].sum() < 0.03 * opened
    assert draw(puppet, inside, jawOpen=0.3)[0].sum() < 0.75 * opened


@pytest.mark.parametrize("amount", [0.2, 0.4, 0.6, 1.0])
def test_closed_lips_hide_the_inside_under_an_open_jaw(puppet, inside, amount):
    opened = draw(puppet, inside, jawOpen=amount)[0].sum()
    assert draw(puppet, inside, jawOpen=amount, mouthClose=amount)[0].sum() < 0.06 * opened


def test_tongue_comes_out(puppet):
    wanted = {row.tobytes() for row in puppet_mouth.tongue().means.astype(np.float32)}
    tongue = np.array([row.tobytes() in wanted for row in puppet.gaussians.means.numpy()])
    assert draw(puppet, tongue)[0].sum() < 5
    assert draw(puppet, tongue, tongueOut=1.0)[0].sum() > 60


@pytest.mark.parametrize("yaw", [-60, -30, 0, 30, 60])
@pytest.mark.parametrize("weights", [{}, {"jawOpen": 1.0}, {"mouthSmile": 1.0, "browInnerUp": 1.0}])
def test_no_holes(puppet, yaw, weights):
    """The face is opaque: nothing shows through a square of 7 cm over brows, cheeks, mouth and chin."""
    alpha = draw(puppet, np.ones(len(puppet.gaussians), bool), yaw, **weights)[1]
    middle, half = SIZE / 2 - math.sin(math.radians(yaw)) * 0.040 * SIZE / 0.30, 0.035 * SIZE / 0.30
    rows = slice(int(SIZE / 2 + (-0.02 - 0.07) * SIZE / 0.30), int(SIZE / 2 + (-0.02 + 0.09) * SIZE / 0.30))
    assert alpha[rows, round(middle - half) : round(middle + half)].min() > 0.98


def test_no_halo(puppet):
    """The outline is crisp: pixels that are neither in nor out are few for its length."""
    alpha = draw(puppet, np.ones(len(puppet.gaussians), bool))[1]
    assert ((alpha > 0.02) & (alpha < 0.9)).sum() < 0.12 * (alpha > 0.5).sum()

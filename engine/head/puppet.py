# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet: a procedural felt-and-clay character that answers all of ARKit's names. It needs no file.

Every part is a patch of discs on an analytic surface (puppet_surface, _skin, _eyes, _mouth, _hair, _clothes), lit once
(puppet_light) and moved by joints (puppet_joints) and fields (puppet_shapes).
"""

from typing import NamedTuple

import numpy as np
import torch

from ..protocol import EXPRESSION_NAMES
from ..splats.gaussians import Gaussians
from . import puppet_clothes, puppet_eyes, puppet_hair, puppet_mouth, puppet_skin
from .head import Head
from .puppet_eyes import lid_share
from .puppet_joints import JOINTS, jaw_share, torso_share, pivots, rotations, weights
from .puppet_light import shade
from .puppet_patch import Patch, join, smoothstep
from .puppet_shapes import JAW_FORWARD, Soft, skin_shapes, tongue_out
from .puppet_surface import MOUTH_Z, slit
from .rig import Rig

SH_0 = 0.28209479177387814

# The shapes that draw the corners of the mouth so far that its walls must come along.
FOLLOWED_INSIDE = ("mouthSmile", "mouthStretch", "mouthFrown", "mouthLeft", "mouthRight")


class Part(NamedTuple):
    """A patch, its skinning weights (N, 2 + J), and the shapes of its own: ARKit name -> (N, 3)."""

    patch: Patch
    weights: np.ndarray
    shapes: dict[str, np.ndarray]


def build_puppet(seed: int = 0) -> Head:
    """Build the puppet.

    Args:
        seed: chooses the felt's grain and how the hair falls; the same seed gives the same puppet.
    """
    rng = np.random.default_rng(seed)
    parts = [*_face(rng), *_eyes(rng), *_mouth_inside(), *_around(rng)]
    patch = join([part.patch for part in parts])
    shapes = np.zeros((len(EXPRESSION_NAMES), len(patch), 3), np.float32)
    start = 0
    for part in parts:
        for name, move in part.shapes.items():
            shapes[EXPRESSION_NAMES.index(name), start : start + len(part.patch)] = move
        start += len(part.patch)

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32))

    sh = ((shade(patch) - 0.5) / SH_0)[:, None, :]
    gaussians = Gaussians(
        tensor(patch.means), tensor(patch.quats()), tensor(patch.scales), tensor(patch.opacities), tensor(sh)
    )
    skinning = tensor(np.concatenate([part.weights for part in parts]))
    rig = Rig(tensor(shapes), JOINTS, tensor(pivots()), tensor(rotations()), skinning)
    return Head("puppet", gaussians, rig, {"title": "Puppet", "seed": seed, "licence": "GPL-3.0-or-later"})


def _face(rng: np.random.Generator) -> list[Part]:
    """Face, lips and brows: all that the skin's fields move."""
    face = join([puppet_skin.face(rng), puppet_skin.under_skin(), puppet_skin.freckles(rng)])
    face.side = np.where(face.means[:, 2] >= slit(face.means[:, 0]), 1.0, -1.0)
    lips = [puppet_mouth.lip(1), puppet_mouth.lip(-1)]
    brow = puppet_skin.brow(rng)
    brows = [brow, puppet_eyes.mirrored(brow)]
    for patch in brows:
        patch.side[:] = 1.0
    parts = []
    for patch, is_lip in ((face, 0.0), (join(lips), 1.0), (join(brows), 0.0)):
        soft = Soft(patch.means, patch.side, np.full(len(patch), is_lip))
        parts.append(Part(patch, weights(patch, "jaw", jaw_share(patch.means, patch.side)), skin_shapes(soft)))
    return parts


def _eyes(rng: np.random.Generator) -> list[Part]:
    parts = []
    for name, mirror in (("left", 1), ("right", -1)):
        ball, lights = puppet_eyes.eyeball(rng), puppet_eyes.catch_lights(mirror)
        for patch, share in ((ball, 1.0), (lights, 0.5)):
            patch = patch if mirror > 0 else puppet_eyes.mirrored(patch)
            parts.append(Part(patch, weights(patch, f"eye_{name}", share), {}))
        for side, lid_name in ((1, "upper"), (-1, "lower")):
            patch = join([puppet_eyes.lid(side), puppet_eyes.lashes(side)])
            share = lid_share(puppet_eyes.angles(patch.means)[0])
            shape = {f"eyeBlink{name.title()}": puppet_eyes.blink_correction(patch.means, side, mirror)}
            patch = patch if mirror > 0 else puppet_eyes.mirrored(patch)
            parts.append(Part(patch, weights(patch, f"{lid_name}_lid_{name}", share), shape))
    return parts


def _mouth_inside() -> list[Part]:
    pocket = puppet_mouth.cavity()
    share = smoothstep(0.010, -0.010, pocket.means[:, 2] - MOUTH_Z)
    fields = skin_shapes(Soft(pocket.means, np.where(pocket.means[:, 2] >= MOUTH_Z, 1.0, -1.0), np.zeros(len(pocket))))
    follows = {name: move for name, move in fields.items() if name.startswith(FOLLOWED_INSIDE)}
    parts = [Part(pocket, weights(pocket, "jaw", share), follows | _with_jaw(pocket, share))]
    for side, share in ((1, 0.0), (-1, 1.0)):
        patch = puppet_mouth.teeth(side)
        parts.append(Part(patch, weights(patch, "jaw", share), _with_jaw(patch, share)))
    tongue = puppet_mouth.tongue()
    out = {"tongueOut": tongue_out(tongue.means, tongue.along)}
    parts.append(Part(tongue, weights(tongue, "jaw", 1.0), out | _with_jaw(tongue, 1.0)))
    return parts


def _with_jaw(patch: Patch, share: np.ndarray | float) -> dict[str, np.ndarray]:
    """What follows the jaw goes forward with it."""
    return {"jawForward": np.broadcast_to(share, len(patch))[:, None] * JAW_FORWARD}


def _around(rng: np.random.Generator) -> list[Part]:
    ear = puppet_skin.ear()
    still = join([ear, puppet_eyes.mirrored(ear), puppet_hair.scalp(rng), puppet_hair.locks(rng)])
    neck, clothes = puppet_skin.neck(), join([puppet_clothes.jumper(), puppet_clothes.collar()])
    return [
        Part(still, weights(still, "torso", 0.0), {}),
        Part(neck, weights(neck, "torso", torso_share(neck.means)), {}),
        Part(clothes, weights(clothes, "torso", 1.0), {}),
    ]

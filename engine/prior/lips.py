# SPDX-License-Identifier: GPL-3.0-or-later
"""From articulators to ARKit's curves of jaw and mouth, so that lips that must meet do meet.

Blend shapes are linear, so the gap between the inner lips is linear in their weights. GAP holds its coefficients at the
lips' middle on ICT FaceKit (a head 22 cm high, MIT licence), which follows ARKit's shapes; `mouthClose` as large as
`jawOpen` seals the lips on rigs that follow ARKit's own.
"""

import numpy as np
import torch

from ..protocol import EXPRESSION_NAMES

MOUTH_NAMES = tuple(name for name in EXPRESSION_NAMES if name.startswith(("jaw", "mouth")))
MOUTH_COLUMNS = [EXPRESSION_NAMES.index(name) for name in MOUTH_NAMES]

GAP_AT_REST = 0.76  # mm
# mm for each unit of weight, a pair counted together
GAP = {
    "jawOpen": 32.75, "mouthClose": -38.94, "mouthFunnel": 13.73, "mouthPucker": -0.52, "mouthPress": -2.54,
    "mouthRollLower": -3.75, "mouthRollUpper": 1.82, "mouthShrugLower": -6.87, "mouthShrugUpper": 5.26,
    "mouthLowerDown": 6.76, "mouthUpperUp": 7.10, "mouthStretch": -0.30, "mouthSmile": 0.08,
}
WIDTH_AT_REST = 50.7  # mm between the mouth's corners
WIDTH = {
    "jawOpen": -5.70, "mouthClose": 2.83, "mouthFunnel": -6.83, "mouthPucker": -9.28, "mouthRollLower": 0.67,
    "mouthRollUpper": 3.18, "mouthShrugLower": 1.39, "mouthStretch": 13.18, "mouthSmile": 14.12, "mouthFrown": 3.78,
    "mouthDimple": 1.68,
}
OPEN_GAP = 20.0  # mm between the lips of an open `aa` in lively speech
OPEN_JAW = 0.54
PAIRS = {name[:-4] for name in MOUTH_NAMES if name.endswith("Left") and name not in ("mouthLeft", "jawLeft")}


def to_arkit(articulators: torch.Tensor) -> torch.Tensor:
    """ARKit weights of jaw and mouth, differentiable.

    Args:
        articulators: (..., 7) in [0, 1], in the order of visemes.ARTICULATORS.

    Returns:
        (..., 27) in [0, 1], in the order of MOUTH_NAMES. The inner lips' gap on ICT FaceKit is OPEN_GAP times
        `aperture`, and nothing where they are `closed`.
    """
    aperture, jaw, rounded, spread, teeth, closed, labiodental = articulators.unbind(-1)
    touching = torch.maximum(closed, labiodental)
    free = 1.0 - touching
    shapes = {
        "jawOpen": OPEN_JAW * jaw * (1.0 - 0.5 * closed - 0.4 * labiodental * (1.0 - closed)),
        "mouthFunnel": 0.22 * rounded * free,
        "mouthPucker": 0.55 * rounded * (1.0 - 0.3 * touching),
        "mouthPress": 0.30 * closed,
        "mouthRollLower": 0.10 * closed + 0.45 * labiodental * (1.0 - closed),
        "mouthRollUpper": 0.08 * closed,
        "mouthShrugLower": 0.10 * closed + 0.08 * rounded * free,
        "mouthStretch": (0.22 * spread + 0.12 * teeth) * (1.0 - rounded),
        "mouthSmile": 0.14 * spread * (1.0 - rounded),
    }
    labiodental = labiodental * (1.0 - closed)
    shows = {"mouthLowerDown": 0.10 * teeth * free, "mouthUpperUp": 0.08 * teeth * free + 0.18 * labiodental}
    wanted = OPEN_GAP * aperture * free
    gap = GAP_AT_REST + sum(GAP[name] * curve for name, curve in (shapes | shows).items())
    # What is missing lips part by themselves; what is too much mouthClose takes, and all of it in a closure.
    missing = torch.relu(wanted - gap) / (GAP["mouthLowerDown"] + GAP["mouthUpperUp"])
    shapes["mouthLowerDown"] = shows["mouthLowerDown"] + missing * 1.2
    shapes["mouthUpperUp"] = shows["mouthUpperUp"] + missing * (
        1.0 - 0.2 * GAP["mouthLowerDown"] / GAP["mouthUpperUp"]
    )
    too_much = torch.relu(gap - wanted) / -GAP["mouthClose"]
    sealing = shapes["jawOpen"] * closed
    shapes["mouthClose"] = torch.maximum(torch.minimum(too_much, shapes["jawOpen"]), sealing)
    zero = torch.zeros_like(aperture)
    return torch.stack([_curve(shapes, name, zero) for name in MOUTH_NAMES], -1).clamp(0.0, 1.0)


def lip_gap(mouth: torch.Tensor) -> torch.Tensor:
    """(...,) the inner lips' gap in millimetres on ICT FaceKit of (..., 27) weights; below 0 they press together."""
    return _measure(mouth, GAP_AT_REST, GAP)


def gap_of_faces(expression: np.ndarray) -> np.ndarray:
    """(T,) of (T, 52) ARKit weights: as lip_gap."""
    return lip_gap(torch.from_numpy(expression[:, MOUTH_COLUMNS])).numpy()


def mouth_width(mouth: torch.Tensor) -> torch.Tensor:
    """(...,) millimetres between the mouth's corners on ICT FaceKit of (..., 27) weights."""
    return _measure(mouth, WIDTH_AT_REST, WIDTH)


def _measure(mouth: torch.Tensor, at_rest: float, per_unit: dict[str, float]) -> torch.Tensor:
    value = torch.full_like(mouth[..., 0], at_rest)
    for k, name in enumerate(MOUTH_NAMES):
        stem = _stem(name)
        if stem in per_unit:
            value = value + per_unit[stem] * mouth[..., k] * (0.5 if stem in PAIRS else 1.0)
    return value


def _stem(name: str) -> str:
    """"mouthPress" of "mouthPressLeft"; names that are no pair stay."""
    stem = name.removesuffix("Left").removesuffix("Right")
    return stem if stem in PAIRS else name


def _curve(shapes: dict[str, torch.Tensor], name: str, zero: torch.Tensor) -> torch.Tensor:
    return shapes.get(_stem(name), zero)

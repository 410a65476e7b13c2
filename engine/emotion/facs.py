# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotions as facial actions: eight prototypes on ARKit's shapes, mixed by weights and eased in time.

The action units (AU) are EMFACS' (Ekman & Friesen 1983, EMFACS-7; Friesen & Ekman 1984), as in Ekman, Friesen & Hager
2002, Facial Action Coding System, Investigator's Guide, table 10-2: happiness 6+12; sadness 1+4+15 (+17); surprise
1+2+5+26; fear 1+2+4+5+20+26; anger 4+5+7+23 (+24); disgust 9+15+16 (+10). Contempt is 12+14 on one side alone (Ekman &
Heider 1988, The universality of a contempt expression). ARKit's shapes stand for single units: browInnerUp AU 1,
browOuterUp 2, browDown 4, eyeWide 5, cheekSquint 6, eyeSquint 7, noseSneer 9, mouthUpperUp 10, mouthSmile 12,
mouthDimple 14, mouthFrown 15, mouthLowerDown 16, mouthShrugLower 17, mouthStretch 20, mouthPress 23 and 24, jawOpen 26.
The table's weights are ours, set by eye on the puppet.
"""

from fractions import Fraction
from math import exp

import numpy as np

from ..protocol import EMOTION_NAMES, EXPRESSION_NAMES

# Both sides unless the name ends in Left or Right.
PROTOTYPES: dict[str, dict[str, float]] = {
    "neutral": {},
    "angry": {
        "browDown": 0.95, "eyeWide": 0.25, "eyeSquint": 0.45, "noseSneer": 0.30, "mouthPress": 0.45,
        "mouthRollLower": 0.15, "mouthRollUpper": 0.10, "mouthFrown": 0.25, "mouthShrugLower": 0.15, "jawForward": 0.20,
    },
    "contempt": {
        "mouthSmileLeft": 0.55, "mouthDimpleLeft": 0.70, "mouthLeft": 0.15, "mouthUpperUpLeft": 0.15,
        "cheekSquintLeft": 0.25, "browDownLeft": 0.15, "browOuterUpRight": 0.25, "eyeSquint": 0.20,
    },
    "disgusted": {
        "noseSneer": 0.85, "mouthUpperUp": 0.50, "browDown": 0.50, "eyeSquint": 0.50, "cheekSquint": 0.40,
        "mouthFrown": 0.40, "mouthLowerDown": 0.20, "mouthShrugLower": 0.20,
    },
    "fear": {
        "browInnerUp": 0.90, "browOuterUp": 0.45, "browDown": 0.25, "eyeWide": 0.80, "mouthStretch": 0.60,
        "mouthFrown": 0.15, "mouthLowerDown": 0.20, "jawOpen": 0.15,
    },
    "happy": {
        "mouthSmile": 0.80, "cheekSquint": 0.65, "eyeSquint": 0.25, "mouthDimple": 0.15, "mouthUpperUp": 0.15,
        "browOuterUp": 0.10,
    },
    "sad": {
        "browInnerUp": 0.85, "browDown": 0.25, "eyeSquint": 0.15, "mouthFrown": 0.70, "mouthShrugLower": 0.35,
        "mouthPress": 0.10,
    },
    "surprised": {
        "browInnerUp": 0.85, "browOuterUp": 0.85, "eyeWide": 0.65, "jawOpen": 0.40, "mouthFunnel": 0.10,
    },
}

OPPOSED = (("mouthSmile", "mouthFrown"), ("eyeWide", "eyeSquint"), ("browOuterUp", "browDown"))

# Time constants of two chained low-passes: 80 % of the way after three of them, 0.3 s upwards and 0.6 s downwards.
ONSET_SECONDS = 0.10
OFFSET_SECONDS = 0.20


def prototype_table() -> np.ndarray:
    """(8, 52) float32 weights in [0, 1]: EMOTION_NAMES to EXPRESSION_NAMES."""
    table = np.zeros((len(EMOTION_NAMES), len(EXPRESSION_NAMES)), np.float32)
    for row, emotion in enumerate(EMOTION_NAMES):
        for name, weight in PROTOTYPES[emotion].items():
            names = [name] if name in EXPRESSION_NAMES else [name + "Left", name + "Right"]
            for shape in names:
                table[row, EXPRESSION_NAMES.index(shape)] = weight
    return table


def mixed(weights: np.ndarray) -> np.ndarray:
    """(T, 52) float64 in [0, 1]: the face of emotion weights (T, 8) in [0, 1], each frame for itself.

    Shapes of several emotions add as probabilities do, 1 - prod(1 - w), which is plain for one emotion and never more
    than 1; opposed brows and eyelids give way to each other.
    """
    rest = np.ones((len(weights), len(EXPRESSION_NAMES)))
    for row, prototype in enumerate(prototype_table()):
        moved = np.flatnonzero(prototype)
        rest[:, moved] *= 1.0 - weights[:, row, None] * prototype[moved]
    shapes = 1.0 - rest
    for one, other in OPPOSED:
        for side in ("Left", "Right"):
            a, b = shapes[:, EXPRESSION_NAMES.index(one + side)], shapes[:, EXPRESSION_NAMES.index(other + side)]
            both = a * b
            a -= 0.5 * both
            b -= 0.5 * both
    return shapes


def ease(weights: np.ndarray, fps: float) -> np.ndarray:
    """(T, C) tracks through two chained low-passes with ONSET_SECONDS upwards and OFFSET_SECONDS downwards."""
    up, down = (1.0 - exp(-1.0 / (fps * seconds)) for seconds in (ONSET_SECONDS, OFFSET_SECONDS))
    out = np.array(weights, np.float64)
    for column in range(out.shape[1]):
        if np.ptp(out[:, column]) > 0.0:
            out[:, column] = _ease_one(out[:, column].tolist(), up, down)
    return out


def _ease_one(track: list[float], up: float, down: float) -> list[float]:
    first = second = track[0]
    eased = []
    for target in track:
        first += (target - first) * (up if target > first else down)
        second += (first - second) * (up if first > second else down)
        eased.append(second)
    return eased

# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys that are whole expressions rather than one of ARKit's shapes: vowels of VRM, visemes of Oculus, moods.
No Blender.

A pose is what such a key does to the face, in ARKit's shapes at the key's full weight. The numbers are ours, set by
what the engine shows while it says the sound (an open vowel is about 0.6 of jawOpen) and by the action units of the
moods (engine/emotion/facs.py).
"""

from collections.abc import Iterable, Mapping

import numpy as np

from ...engine.protocol import EXPRESSION_NAMES
from ..character.matching import spellings

# Both sides unless the name ends in Left or Right.
_ONE_SHAPE = {
    "Smile": {"mouthSmile": 1.0}, "Frown": {"mouthFrown": 1.0}, "Eyes Wide": {"eyeWide": 1.0},
    "Brows Up": {"browInnerUp": 0.6, "browOuterUp": 0.9}, "Brows Down": {"browDown": 1.0},
    "Brows Worried": {"browInnerUp": 1.0},
    "Look Left": {"eyeLookOutLeft": 1.0, "eyeLookInRight": 1.0},
    "Look Right": {"eyeLookInLeft": 1.0, "eyeLookOutRight": 1.0},
}
_SOUNDS = {
    "A (aa)": {"jawOpen": 0.65, "mouthLowerDown": 0.25, "mouthUpperUp": 0.12},
    "E": {"jawOpen": 0.30, "mouthStretch": 0.30, "mouthLowerDown": 0.25},
    "I (ih)": {"jawOpen": 0.12, "mouthStretch": 0.45, "mouthLowerDown": 0.15},
    "O (oh)": {"jawOpen": 0.40, "mouthFunnel": 0.45, "mouthPucker": 0.20},
    "U (ou)": {"jawOpen": 0.15, "mouthFunnel": 0.25, "mouthPucker": 0.60},
    "P, B, M (PP)": {"mouthPress": 0.35, "mouthRollLower": 0.20, "mouthRollUpper": 0.15},
    "F, V (FF)": {"mouthRollLower": 0.45, "mouthUpperUp": 0.15, "jawOpen": 0.08},
}
_MOODS = {
    "Happy": {"mouthSmile": 0.80, "cheekSquint": 0.65, "eyeSquint": 0.25},
    "Angry": {"browDown": 0.95, "eyeSquint": 0.45, "noseSneer": 0.30, "mouthPress": 0.45, "mouthFrown": 0.25},
    "Sad": {"browInnerUp": 0.85, "browDown": 0.25, "mouthFrown": 0.70, "mouthShrugLower": 0.35},
    "Surprised": {"browInnerUp": 0.85, "browOuterUp": 0.85, "eyeWide": 0.65},
    "Disgusted": {"noseSneer": 0.85, "mouthUpperUp": 0.50, "browDown": 0.50},
}
POSES: dict[str, dict[str, float]] = {**_ONE_SHAPE, **_SOUNDS, **_MOODS}

# Pose -> what keys of it are called; a mesh's first name of each list is taken. Sounds that the tongue makes
# (TH, DD, kk, CH, SS, nn, RR) look like a mix of these in ARKit's shapes, and are left alone.
NAMES = {
    "Smile": ("smile", "mthUp", "mthFun", "mouthUp"), "Frown": ("frown", "mthDown", "mouthDown"),
    "Eyes Wide": ("eyeSpread", "eyeSurprised"), "Brows Up": ("browsUp", "brwSurprised", "browRaise"),
    "Brows Down": ("browsDown", "brwAngry"), "Brows Worried": ("brwSorrow",),
    "Look Left": ("lookLeft", "eyesLookLeft"), "Look Right": ("lookRight", "eyesLookRight"),
    "A (aa)": ("aa", "a", "visemeAa", "vAa", "mthA", "ah", "vOpen", "mouthOpen", "open"),
    "E": ("e", "visemeE", "vE", "mthE", "ee"),
    "I (ih)": ("ih", "i", "visemeI", "visemeIh", "vIh", "mthI", "vWide"),
    "O (oh)": ("oh", "o", "visemeO", "visemeOh", "vOh", "mthO", "vTightO"),
    "U (ou)": ("ou", "u", "visemeU", "visemeOu", "vOu", "mthU", "wOo"),
    "P, B, M (PP)": ("pp", "visemePp", "vPp", "bMP", "vExplosive"),
    "F, V (FF)": ("ff", "visemeFf", "vFf", "fV", "vDentalLip"),
    "Happy": ("happy", "joy", "allJoy", "allFun", "fun", "relaxed"), "Angry": ("angry", "allAngry", "anger"),
    "Sad": ("sad", "sorrow", "allSorrow"), "Surprised": ("surprised", "allSurprised", "surprise"),
    "Disgusted": ("disgusted", "disgust"),
}
# Single letters say something only where all of them are there.
LETTERS = set("aiueo")
# A pose is worth having while this much of what it does is done by nothing more exact.
NEEDED = 0.6


def shape_row(weights: Mapping[str, float]) -> np.ndarray:
    """(52,) float32 in the order of EXPRESSION_NAMES."""
    row = np.zeros(len(EXPRESSION_NAMES), np.float32)
    for name, weight in weights.items():
        for side in ("",) if name in EXPRESSION_NAMES else ("Left", "Right"):
            row[EXPRESSION_NAMES.index(name + side)] = weight
    return row


def match_poses(keys: Iterable[str], moved: set[str]) -> dict[str, str]:
    """Key -> pose, for keys that ARKit's names say nothing of.

    Args:
        keys: of one mesh, in its order.
        moved: ARKit's names that other keys of it move exactly; a pose that adds little to them is left out.
    """
    said = {}
    for key in keys:
        for text in spellings(key):
            said.setdefault(text, key)
    if not LETTERS <= said.keys():
        said = {text: key for text, key in said.items() if len(text) > 1}
    covered = np.array([name in moved for name in EXPRESSION_NAMES])
    found: dict[str, str] = {}
    for tier in (_ONE_SHAPE, _SOUNDS, _MOODS):
        reached = covered.copy()
        for pose, weights in tier.items():
            row = shape_row(weights)
            key = next((said[name.lower()] for name in NAMES[pose] if name.lower() in said), None)
            if key is not None and key not in found and row[~covered].sum() >= NEEDED * row.sum():
                found[key] = pose
                reached |= row > 0.0
        covered = reached
    return found

# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that both sides know, and exact frame rates."""

import re
from fractions import Fraction

# ARKit's 52 blend shapes: MediaPipe's order without its `_neutral`, then tongueOut.
EXPRESSION_NAMES = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)

# Who speaks where nobody was chosen: a bundled head.
DEFAULT_HEAD = "demo"

# MEAD's order.
EMOTION_NAMES = ("neutral", "angry", "contempt", "disgusted", "fear", "happy", "sad", "surprised")

# The panel's micro-expression sliders, each added on top of everything else to these ARKit shapes.
MICRO_EXPRESSIONS = {
    "inner_brow": ("browInnerUp",), "outer_brow": ("browOuterUpLeft", "browOuterUpRight"),
    "brow_down": ("browDownLeft", "browDownRight"), "squint": ("eyeSquintLeft", "eyeSquintRight"),
    "wide": ("eyeWideLeft", "eyeWideRight"), "cheek": ("cheekSquintLeft", "cheekSquintRight"),
    "sneer": ("noseSneerLeft", "noseSneerRight"), "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "frown": ("mouthFrownLeft", "mouthFrownRight"), "press": ("mouthPressLeft", "mouthPressRight"),
    "dimple": ("mouthDimpleLeft", "mouthDimpleRight"), "stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "chin": ("mouthShrugLower",),
}


def exact_fps(value: float | str | Fraction) -> Fraction:
    """Frames per second as an exact fraction: "24000/1001" as it is, 23.98 and 29.97 as what they stand for.

    Raises:
        ValueError: not a number, or outside 1 to 240.
    """
    text = str(value).strip()
    try:
        if not re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,40}|/[0-9]{1,40})?", text):
            raise ValueError  # Fraction would spend hours on "1e999999999", which may come from a stranger's file
        fps = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"fps {value!r:.60} is not a number.") from None
    if not 1 <= fps <= 240:
        raise ValueError(f"fps {value} is outside 1 to 240.")
    for whole in (24, 30, 48, 60, 120):
        ntsc = Fraction(whole * 1000, 1001)
        if fps.denominator != 1001 and abs(fps - ntsc) < Fraction(5, 1000):
            return ntsc
    return fps

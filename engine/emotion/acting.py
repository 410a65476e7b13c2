# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sliders set and what the voice says become one point of the emotion space per frame, and a face."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..life.rhythm import Rhythm
from ..protocol import EMOTION_NAMES
from .extract import Felt, at_frames
from .facs import ease
from .micro_expressions import choose_displays, curves
from .space import EmotionSpace


@dataclass(frozen=True)
class Acted:
    """An emotion over time.

    Args:
        points: (T, 128) float32 in the emotion space.
        weights: (T, 8) float32 in [0, 1] of the emotions, in the order of EMOTION_NAMES.
        face: (T, 52) float32 ARKit weights in [0, 1].
    """

    points: np.ndarray
    weights: np.ndarray
    face: np.ndarray


def act(
    space: EmotionSpace, weights: np.ndarray, heard: Felt | None, amount: np.ndarray, intensity: np.ndarray,
    fps: Fraction,
) -> Acted:
    """The emotion that is shown.

    The sliders ease towards their values, faster up than down (facs.py); the voice's own emotion is smooth already.
    Both are points, and what is shown lies between them, so every mix moves continuously.

    Args:
        weights: (T, 8) in [0, 1], the sliders times intensity.
        heard: what Emotion Distillation hears; None is no emotion.
        amount: (T,) in [0, 1]: 0 shows what is set, 1 what is heard.
        intensity: (T,) in [0, 1], of what is heard.
    """
    shown = weights
    points = space.of_weights(ease(weights, float(fps)))
    if heard is not None:
        share, strength = amount[:, None].astype(np.float32), (amount * intensity)[:, None].astype(np.float32)
        points = (1.0 - share) * points + strength * at_frames(heard.feature, len(weights), fps)
        shown = (1.0 - share) * shown + strength * at_frames(heard.probabilities, len(weights), fps)
    return Acted(points, np.clip(shown, 0.0, 1.0), space.expression(points))


def add_displays(
    acted: Acted, space: EmotionSpace, rhythm: Rhythm, amount: np.ndarray, fps: Fraction, seed: int
) -> None:
    """Add micro-expressions of what is felt to the face in place, `amount` (T,) in [0, 1] of them."""
    faces = space.expression(space.of_weights(np.eye(len(EMOTION_NAMES), dtype=np.float32)))
    displays = choose_displays(rhythm, acted.weights, faces, float(fps), seed)
    moved = curves(displays, len(acted.face), float(fps)) * amount[:, None]
    acted.face[:] = 1.0 - (1.0 - acted.face) * (1.0 - moved)

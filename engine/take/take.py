# SPDX-License-Identifier: GPL-3.0-or-later
"""The Take: everything that drives a head, frame by frame."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..protocol import EMOTION_NAMES, EXPRESSION_NAMES


@dataclass
class Take:
    """What drives a head over time. Frame k is the time k / fps from the audio's start.

    Args:
        fps: exact frames per second.
        expression: (T, 52) float32, ARKit weights in [0, 1], in the order of EXPRESSION_NAMES. Gaze and blinks are
            already in its eye shapes: a head needs no more than this and `head_pose`.
        emotion_weights: (T, 8) float32 in [0, 1], in the order of EMOTION_NAMES.
        gaze: (T, 2) float32, yaw (positive: to the head's left) and pitch (positive: up) of both eyes, radians.
        head_pose: (T, 6) float32, rotation vector (radians) and translation (metres) of the head about its origin
            between the ears, in the head's frame (face towards -y, z up, x to the head's left).
        audio: path of the audio it was made from, for people; may be "".
        seed: what chose its blinks, saccades and head motion.
        content: (T, 64) float32 or None; Prior Extraction's content-synchronised features.
        style: (64,) float32 or None; Prior Extraction's person-specific features.
        emotion: (T, 128) float32 or None; Emotion Distillation's feature.
    """

    fps: Fraction
    expression: np.ndarray
    emotion_weights: np.ndarray
    gaze: np.ndarray
    head_pose: np.ndarray
    audio: str = ""
    seed: int = 0
    content: np.ndarray | None = None
    style: np.ndarray | None = None
    emotion: np.ndarray | None = None

    def __post_init__(self) -> None:
        frames = len(self.expression)
        shapes = {"expression": (frames, len(EXPRESSION_NAMES)), "emotion_weights": (frames, len(EMOTION_NAMES))}
        shapes |= {"gaze": (frames, 2), "head_pose": (frames, 6)}
        shapes |= {"content": (frames, 64), "style": (64,), "emotion": (frames, 128)}
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is not None and (value.shape != shape or not np.isfinite(value).all()):
                raise ValueError(f"Take.{name} must be finite and of shape {shape}, not {value.shape}.")

    def __len__(self) -> int:
        return len(self.expression)

    @property
    def seconds(self) -> float:
        return float(len(self) / self.fps)

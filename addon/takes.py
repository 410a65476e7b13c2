# SPDX-License-Identifier: GPL-3.0-or-later
"""take.json, as the engine writes it, read back. Knows nothing of Blender."""

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES, exact_fps
from .problem import Problem

MAX_BYTES = 1_000_000_000


@dataclass
class Performance:
    """A take as rows.

    Args:
        fps: exact frames per second.
        expression: (T, 52) float32 in [0, 1].
        emotion_weights: (T, 8) float32 in [0, 1].
    """

    fps: Fraction
    expression: np.ndarray
    emotion_weights: np.ndarray

    def __len__(self) -> int:
        return len(self.expression)

    def label(self) -> tuple[str, float]:
        """The emotion that it shows most, and how much."""
        weights = self.emotion_weights.mean(axis=0)
        weights[0] = 0.0
        strongest = int(weights.argmax())
        if weights[strongest] < 0.05:
            return EMOTION_NAMES[0], 1.0
        return EMOTION_NAMES[strongest], round(float(weights[strongest]), 4)


def read_take(path: str | Path) -> Performance:
    """Raises Problem."""
    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise ValueError("it is too large")
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        if data["format"] != "emosplat-take" or data["expression_names"] != list(EXPRESSION_NAMES):
            raise ValueError("it is no take")
        expression = np.array(data["expression"], np.float32)
        weights = np.array(data["emotion_weights"], np.float32)
        if expression.shape != (len(weights), len(EXPRESSION_NAMES)) or weights.shape[1:] != (len(EMOTION_NAMES),):
            raise ValueError("its lists have other lengths than they should")
        if not all(((rows >= 0.0) & (rows <= 1.0)).all() for rows in (expression, weights)):
            raise ValueError("a weight is outside 0 to 1")
        return Performance(exact_fps(data["fps_exact"]), expression, weights)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Problem(f"The take {path} cannot be used ({error!s:.200}).", "Make it again.") from None

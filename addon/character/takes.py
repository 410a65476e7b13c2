# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine is asked to perform for a character, and its takes read back."""

import json
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES, Controls, PerformJob, exact_fps
from ..paths import disk_problem, write_text
from ..problem import Problem

EMOTION_SECONDS = 2  # an emotion has come and the one before has gone
QUIET_RATE = 16000


@dataclass
class Performance:
    """A take as rows.

    Args:
        expression: (T, 52) float32 in [0, 1].
        emotion_weights: (T, 8) float32 in [0, 1].
    """

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


def emotions_job(folder: Path, fps: str) -> PerformJob:
    """The take that shows every emotion at full weight in turn, in silence: `prototypes` reads it.

    Raises:
        Problem: the folder cannot be written.
    """
    frames = int(EMOTION_SECONDS * exact_fps(fps))
    turns = {
        name: [float(k // frames == turn) for k in range(frames * len(EMOTION_NAMES))]
        for turn, name in enumerate(EMOTION_NAMES)
    }
    quiet, controls = folder / "quiet.wav", folder / "emotions_controls.json"
    write_text(controls, Controls(emotion=turns, blink=[0.0], gaze=[0.0], head_motion=[0.0]).to_json())
    try:
        with wave.open(str(quiet), "wb") as file:
            file.setparams((1, 2, QUIET_RATE, 0, "NONE", ""))
            file.writeframes(bytes(2 * QUIET_RATE * EMOTION_SECONDS * len(EMOTION_NAMES)))
    except OSError as error:
        raise disk_problem(error, quiet) from error
    return PerformJob(str(quiet), str(folder / "emotions.json"), fps, controls=str(controls), life=0.0)


def spoken_job(folder: Path, number: int, audio: str, emotion: dict[str, float], fps: str, seed: int) -> PerformJob:
    """The take of one sound, with blinks and gaze."""
    out = str(folder / f"spoken_{number:03d}.json")
    return PerformJob(audio, out, fps, emotion=emotion, life=1.0, seed=seed + number)


def read_take(path: str) -> Performance:
    """Raises Problem."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        if data["format"] != "emosplat-take" or data["expression_names"] != list(EXPRESSION_NAMES):
            raise ValueError("it is no take")
        expression = np.array(data["expression"], np.float32)
        weights = np.array(data["emotion_weights"], np.float32)
        if expression.shape != (len(weights), len(EXPRESSION_NAMES)) or weights.shape[1:] != (len(EMOTION_NAMES),):
            raise ValueError("its lists have other lengths than they should")
        if not ((expression >= 0.0) & (expression <= 1.0)).all():
            raise ValueError("a weight is outside 0 to 1")
        return Performance(expression, weights)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Problem(f"The take {path} cannot be used ({error}).", "Make it again.") from None


def prototypes(take: Performance) -> dict[str, np.ndarray]:
    """Emotion -> (52,) expression, from a take of `emotions_job`; neutral is left out."""
    found = {}
    for k, name in enumerate(EMOTION_NAMES[1:], 1):
        shown = np.flatnonzero(take.emotion_weights[:, k] > 0.99)
        if len(shown):
            found[name] = np.round(take.expression[shown[-1]], 3)
    return found

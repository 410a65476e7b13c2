# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine is asked to perform for a character, and the moods that it shows."""

import wave
from pathlib import Path

import numpy as np

from ...engine.protocol import EMOTION_NAMES, Controls, PerformJob, exact_fps
from ..paths import disk_problem, write_text
from ..takes import Performance

EMOTION_SECONDS = 2  # an emotion has come and the one before has gone
QUIET_RATE = 16000


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


def prototypes(take: Performance) -> dict[str, np.ndarray]:
    """Emotion -> (52,) expression, from a take of `emotions_job`; neutral is left out."""
    found = {}
    for k, name in enumerate(EMOTION_NAMES[1:], 1):
        shown = np.flatnonzero(take.emotion_weights[:, k] > 0.99)
        if len(shown):
            found[name] = np.round(take.expression[shown[-1]], 3)
    return found

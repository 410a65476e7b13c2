# SPDX-License-Identifier: GPL-3.0-or-later
"""What is heard in a capture's sound: the take that the same sound would make for any head, without blinks and glances.

Its content, style and emotion are what drives a head besides what the pictures show. Where a film's sound is late
against its lips, what is heard is moved to meet them: a fit learns what a mouth does when something is said. The
emotion is the label's where the capture has one (what is shown is known there), and elsewhere the one that is heard.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..capture.capture import Capture
from ..capture.storage import AUDIO_FILE
from ..deform.drive import Drive
from ..emotion.personal import PersonalEmotion
from ..errors import AudioError
from ..perform import perform
from ..protocol import Controls
from ..report import Report
from ..take.take import Take
from .settings import HEARD


def hear(
    folder: Path, capture: Capture, person: PersonalEmotion | None, emotion_model: str, report: Report
) -> Take | None:
    """A capture's sound as a take that reaches to its last picture, or None where there is none that can be read.

    Args:
        person: how the emotion in this voice is heard, where that was learned.
        emotion_model: file of the model that hears it; "" is the one that ships.
    """
    path = Path(folder) / AUDIO_FILE
    if not path.exists():
        report.warning("The capture has no sound: what a voice does to this face beyond its expression is not learned.")
        return None
    try:
        take = perform(
            path, fps=capture.fps, controls=sliders(capture), seed=0, report=report, person=person,
            emotion_model=emotion_model,
        )
    except AudioError as error:
        report.warning(f"The capture's sound cannot be used: {error.what}")
        return None
    return meeting(take, int(capture.frames.max()) + 1, frames_late(capture))


def sliders(capture: Capture) -> Controls:
    """What an animator would set to get a capture's emotions: its labels, and the voice's own where there are none."""
    frames, emotion = int(capture.frames.max()) + 1, {}
    heard = [1.0] * frames
    for label in capture.labels:
        first, last = (min(max(round(time * float(capture.fps)), 0), frames) for time in (label.start, label.end))
        track = emotion.setdefault(label.emotion, [0.0] * frames)
        track[first:last] = [label.intensity] * (last - first)
        heard[first:last] = [0.0] * (last - first)
    still = [0.0]
    return Controls(emotion, auto_emotion=heard, blink=still, gaze=still, head_motion=still, micro_motion=still)


def only(take: Take, heard: Collection[str]) -> Take:
    """A take of which nothing drives a head that is in HEARD and not in `heard`."""
    return replace(take, **{name: None for name in HEARD if name not in heard})


def drive_of(capture: Capture, take: Take | None) -> Drive:
    """A capture's rows, with what is heard."""
    if take is None:
        return Drive.of_capture(capture)
    return Drive.of_capture(capture, take.content, take.style, take.emotion)


def frames_late(capture: Capture) -> int:
    """How many frames a capture's sound is late against the lips, as far as that is known."""
    late = capture.facts.lip_offset_seconds if capture.facts else None
    return round((late or 0.0) * float(capture.fps))


def meeting(take: Take, frames: int, late: int) -> Take:
    """A take of at least so many frames, so many of them earlier: its ends are held."""
    index = np.clip(np.arange(max(frames, len(take))) + late, 0, len(take) - 1)
    names = ("expression", "emotion_weights", "gaze", "head_pose", "content", "emotion")
    held = {name: getattr(take, name)[index] for name in names if getattr(take, name) is not None}
    return replace(take, **held)

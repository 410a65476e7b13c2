# SPDX-License-Identifier: GPL-3.0-or-later
"""What a CaptureJob asks for, checked before anything is looked at: an hour's work must not end in a wrong setting."""

from fractions import Fraction

from ..errors import InputError
from ..protocol import CaptureJob, exact_fps
from .capture import EmotionLabel

MIN_SIZE, MAX_SIZE = 64, 4096


def check_job(job: CaptureJob) -> None:
    """Raise InputError for a setting that makes no sense, whatever the source."""
    if not MIN_SIZE <= job.size <= MAX_SIZE:
        range_ = f"{MIN_SIZE} to {MAX_SIZE} pixels"
        raise InputError(f"The size {job.size} is outside {range_}.", "Choose a size in that range.")
    if job.seed < 0:
        raise InputError(f"The seed {job.seed} is negative.", "Choose 0 or a larger whole number.")
    asked_fps(job)
    asked_labels(job, 1.0)


def asked_fps(job: CaptureJob) -> Fraction | None:
    """Frames per second that a job asks for, or None: the source's own. Raises InputError."""
    if not job.fps:
        return None
    try:
        return exact_fps(job.fps)
    except ValueError as error:
        raise InputError(str(error), "Give frames per second such as 25, 23.976 or 30000/1001.") from None


def asked_labels(job: CaptureJob, seconds: float) -> list[EmotionLabel]:
    """What a job says that is shown all through `seconds`. Raises InputError."""
    try:
        return [EmotionLabel(0.0, seconds, name, float(value)) for name, value in job.emotion.items()]
    except (TypeError, ValueError) as error:
        raise InputError(str(error), "Set an intensity from 0 to 1.") from None

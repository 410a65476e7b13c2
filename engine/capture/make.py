# SPDX-License-Identifier: GPL-3.0-or-later
"""From any source to a capture: what kind it is, and what the person is told in the end."""

from pathlib import Path

from ..errors import InputError
from ..protocol import CaptureJob
from ..report import Report
from .asked import check_job
from .capture import Capture
from .character import capture_character, is_character
from .datasets.convert import capture_data_set, is_data_set
from .film import capture_film
from .storage import CAPTURE_JSON, load_capture


def make_capture(job: CaptureJob, report: Report) -> dict:
    """Make the capture that a job asks for.

    Returns:
        `frames` (pictures of the source), `used` (pictures of the capture), `tracked`, `reprojection_error_relative`,
        `av_offset_seconds`, `lip_offset_seconds`, `clip_seconds`, `warnings`, `out` and `report`.

    Raises:
        EngineError: the source is none, the folder is taken, or whatever went wrong on the way.
    """
    check_job(job)
    source = Path(job.source)
    if not source.exists():
        raise InputError(f"There is no {source}.", "Choose a film or a folder that exists.")
    if source.is_file():
        return result_of(capture_film(job, report))
    if is_character(source):
        return result_of(capture_character(job, report))
    if (source / CAPTURE_JSON).is_file():
        raise InputError(f"{source} is a capture already.", "Fit a head from it as it is.")
    if is_data_set(source):
        return result_of(capture_data_set(job, report))
    todo = "Choose a film, a data set's folder or the folder that a character was rendered to."
    raise InputError(f"{source} is no source of a capture.", todo)


def result_of(folder: Path) -> dict:
    """A finished capture's result, read back from its folder."""
    capture: Capture = load_capture(folder)
    facts = capture.facts
    return {
        "frames": facts.frames, "used": len(capture), "tracked": facts.tracked,
        "reprojection_error_relative": facts.reprojection_error_relative,
        "av_offset_seconds": facts.av_offset_seconds, "lip_offset_seconds": facts.lip_offset_seconds,
        "clip_seconds": facts.clip_seconds, "warnings": capture.warnings, "out": str(folder),
        "report": str(folder / "report.html"),
    }

# SPDX-License-Identifier: GPL-3.0-or-later
"""From a film or a data set to a capture: ask the engine, tell how it went, choose the new one in the panel."""

from collections.abc import Callable
from pathlib import Path

import bpy

from ..engine.protocol import CaptureJob
from . import captures, paths, running
from .preferences import preferences
from .problem import Problem
from .session import Task

UNKNOWN = "unknown"


def source_name(scene: bpy.types.Scene) -> str:
    """What the source is called: a film without its suffix, or a folder; "" where there is none."""
    return Path(paths.absolute(scene.emosplat_capture.source)).stem


def next_capture(scene: bpy.types.Scene) -> tuple[Path, bool]:
    """Where the capture that the settings describe goes, and whether one that was broken off goes on there."""
    name = scene.emosplat_capture.identity.strip() or source_name(scene)
    return captures.free_folder(captures.captures_folder(scene), name)


def folder_in_work() -> Path | None:
    """The folder of the capture that is being made now."""
    job = running.session.task and running.session.task.job
    return Path(job.out) if isinstance(job, CaptureJob) else None


def make_capture(scene: bpy.types.Scene) -> Task:
    """Make a capture of the film or data set that the scene's settings name.

    In background mode this returns when all is done; see running.messages() for how it ended.

    Raises:
        Problem: the source is not there, the folder cannot be written, or the engine cannot be started.
    """
    settings = scene.emosplat_capture
    source = Path(paths.absolute(settings.source))
    if not settings.source or not source.exists():
        raise Problem(f"The film or folder {settings.source!r} does not exist.", "Choose another in the panel.",
                      "source")
    if source.is_file() and source.stat().st_size == 0:
        raise Problem(f"The film {source} is empty.", "Choose another in the panel.", "source")
    emotion = {} if settings.emotion == UNKNOWN else {settings.emotion: settings.emotion_intensity}
    captures.look_again()
    out, _ = next_capture(scene)
    return start_capture(scene, CaptureJob(
        source=str(source), out=str(out), size=int(settings.size), identity=settings.identity.strip(), emotion=emotion,
        allow_download=bpy.app.online_access and preferences().download_models,
    ))


def start_capture(scene: bpy.types.Scene, job: CaptureJob, on_whole: Callable[[], None] = lambda: None) -> Task:
    """Start a capture job, and choose the capture when it is whole.

    Args:
        job: its `out` is a folder that `captures.free_folder` gave.
        on_whole: called when the capture is there.

    Raises:
        Problem: the folder cannot be written, another job is under way, or the engine cannot be started.
    """
    if running.session.busy:
        raise Problem(f"{running.session.task.title} is still under way.", "Wait for it or cancel it.", "busy")
    running.clear_messages()
    out = Path(job.out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "it is a file" if out.parent.is_file() else error.strerror or error
        raise Problem(f"The folder {out.parent} cannot hold captures ({reason}).", "Choose another in the panel.",
                      "storage") from error
    scene_uid = scene.session_uid

    def take(result: dict, warnings: list[str]) -> None:
        on_whole()
        _finish(scene_uid, out, result, warnings)

    return running.start(job, f"Capturing {out.name!r}", take, lambda problem: _give_up(out, problem))


def _finish(scene_uid: int, out: Path, result: dict, warnings: list[str]) -> None:
    """Choose the capture in the scene that asked for it, where that is still there, so that its remarks are shown."""
    captures.look_again()
    scene = next((scene for scene in bpy.data.scenes if scene.session_uid == scene_uid), None)
    if scene is not None and scene.is_editable:
        captures.choose_capture(scene, out)
        running.undo_step("Make Capture")
    for warning in warnings:
        running.tell("WARNING", warning)
    made = f"The capture {out.name!r} has {result['used']} of {result['frames']} pictures."
    remarks = len(result["warnings"])  # the panel shows them with the capture, the report with what was measured
    running.tell("INFO", made, f"See the {remarks} remark{'s' * (remarks > 1)} on it under Capture." if remarks else "")


def _give_up(out: Path, problem: Problem) -> None:
    """Say why, and that what was done so far is not lost, unless the same source would be refused again."""
    captures.look_again()
    if problem.code != "input" and out.name in captures.listing(out.parent).begun:
        todo = f"{problem.todo} What was done so far is kept: Continue goes on from there.".strip()
        problem = Problem(problem.what, todo, problem.code)
    running.tell_problem(problem)

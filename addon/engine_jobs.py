# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's small jobs: warm up, list the heads, examine the machine."""

import bpy

from ..engine.protocol import DoctorJob, HeadsJob, WarmUpJob
from . import heads, paths, running
from .preferences import preferences
from .problem import Problem

# What the last examination said: protocol-free facts for the preferences to draw. Empty before the first.
last_report: dict = {}


def warm_up() -> None:
    """Let the engine load and compile while the animator is still choosing. A failure will be told by the real job."""
    if bpy.app.background or running.session.task is not None:
        return
    try:
        running.start(WarmUpJob(preferences().backend), "Warming up", lambda *_: None, _log_failure)
    except Problem as problem:
        _log_failure(problem)


def refresh_heads() -> None:
    """Ask the engine which heads there are. Raises Problem when it cannot be asked."""
    running.clear_messages()
    running.start(HeadsJob(paths.absolute(preferences().heads_folder)), "Listing heads", _take_heads)


def examine() -> None:
    """Ask the engine what runs here. Raises Problem when it cannot be asked."""
    running.clear_messages()
    folder = preferences().frames_folder or (bpy.data.filepath and "//") or str(paths.user_folder("frames"))
    job = DoctorJob(paths.absolute(preferences().heads_folder), paths.absolute(folder))
    running.start(job, "Doctor", _take_report)


def _take_heads(result: dict, _warnings: list[str]) -> None:
    heads.known_heads[:] = [heads.KnownHead(head["name"], head["path"], head["title"], head["error"])
                            for head in result["heads"]]
    broken = [head for head in heads.known_heads if head.error]
    for head in broken:
        running.tell("WARNING", f"The head {head.name!r} cannot be used: {head.error}")
    running.tell("INFO", f"{len(heads.known_heads) - len(broken)} heads can be used.")


def _take_report(result: dict, _warnings: list[str]) -> None:
    last_report.clear()
    last_report.update(result)
    running.tell("INFO" if result["ok"] else "WARNING", result["summary"])
    if running.has_window():
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.emosplat.show_report("INVOKE_DEFAULT")


def _log_failure(problem: Problem) -> None:
    running.log.warning("warm-up: %s", problem)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The session inside Blender: polled from a timer, waited for in background mode, ended with file and Blender."""

import atexit
import logging
import textwrap
from dataclasses import dataclass
from typing import Callable

import bpy
from bpy.app.handlers import persistent

from .launch import engine_launch
from .preferences import preferences
from .problem import Problem
from .session import Session, Task

INTERVAL = 0.1
POPUP_COLUMNS = 90

session = Session()
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """What the panel shows about the last task: `level` is INFO, WARNING or ERROR as in Operator.report."""

    level: str
    what: str
    todo: str = ""


_messages: list[Message] = []


def messages() -> list[Message]:
    return list(_messages)


def clear_messages() -> None:
    _messages.clear()


def tell(level: str, what: str, todo: str = "") -> None:
    """Show a message in the panel, and an error also at the mouse where there is a window."""
    _messages.append(Message(level, what, todo))
    redraw()
    if level == "ERROR" and has_window():
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.context.window_manager.popup_menu(lambda menu, _context: _draw_error(menu.layout, what, todo),
                                                  title="EmoSplat", icon="ERROR")


def tell_problem(problem: Problem) -> None:
    tell("INFO" if problem.code == "cancelled" else "ERROR", problem.what, problem.todo)


def start(
    job, title: str, on_result: Callable[[dict, list[str]], None],
    on_failure: Callable[[Problem], None] = tell_problem,
) -> Task:
    """Start a job with the engine that the preferences name; the callbacks run on Blender's main thread.

    In background mode this returns when the job has ended.

    Raises:
        Problem: another job is under way, or the engine cannot be started.
    """
    task = session.start(engine_launch(preferences()), job, title, on_result, on_failure)
    if bpy.app.background:
        session.wait()
    elif not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=INTERVAL)
    return task


def undo_step(name: str) -> None:
    """An undo step for a change that no operator made."""
    if has_window():
        with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
            bpy.ops.ed.undo_push(message=name)


def has_window() -> bool:
    return not bpy.app.background and len(bpy.context.window_manager.windows) > 0


def _draw_error(layout: bpy.types.UILayout, what: str, todo: str) -> None:
    for line in (*textwrap.wrap(what, POPUP_COLUMNS), *textwrap.wrap(todo, POPUP_COLUMNS)):
        layout.label(text=line)


def _tick() -> float | None:
    if bpy.app.is_job_running("RENDER"):
        return INTERVAL  # an import would change the scene under the renderer
    try:
        session.poll()
    except Exception as error:  # a timer's errors reach nobody: tell the animator, and the console for a report
        log.exception("a task's result could not be used")
        tell("ERROR", f"The result could not be used ({type(error).__name__}: {error}).",
             "Please report it with the text in the system console.")
    redraw()
    return INTERVAL if session.task is not None else None


def redraw() -> None:
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type in {"VIEW_3D", "PREFERENCES"}:
                area.tag_redraw()


@persistent
def _leave_file(*_arguments) -> None:
    clear_messages()
    session.stop("another file was opened")


def _leave_blender() -> None:
    session.task = None  # its callbacks would meet a Blender that is half gone
    session.stop("Blender was closed")


def register() -> None:
    bpy.app.handlers.load_pre.append(_leave_file)
    atexit.register(_leave_blender)


def unregister() -> None:
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    bpy.app.handlers.load_pre.remove(_leave_file)
    atexit.unregister(_leave_blender)
    session.stop("the add-on was switched off")

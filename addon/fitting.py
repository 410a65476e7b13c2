# SPDX-License-Identifier: GPL-3.0-or-later
"""From a capture to a head: ask the engine, tell how it went, give the head to the one that is active."""

import itertools
from pathlib import Path

import bpy

from ..engine.protocol import FitJob
from . import captures, paths, running
from .captures import KnownCapture
from .heads import active_head
from .preferences import engine_threads, preferences, speech_models
from .problem import Problem
from .session import Task

FOLDER = "heads"
FIT, JOURNAL = ".fit", "journal.json"


def heads_folder(capture: KnownCapture) -> Path:
    """Where a capture's head goes: the preferences' folder, or one beside the folder of captures."""
    chosen = paths.absolute(preferences().heads_folder)
    return Path(chosen) if chosen else capture.folder.parent.parent / FOLDER


def next_head(capture: KnownCapture) -> tuple[Path, bool]:
    """The file of a capture's next head, which has a name that no head has, and whether a fit of it goes on there."""
    parent = heads_folder(capture)
    names = itertools.chain([capture.name], (f"{capture.name}_{number:03d}" for number in itertools.count(2)))
    files = (parent / f"{name}{paths.HEAD_SUFFIX}" for name in names)
    path = next(path for path in files if not path.exists())
    return path, (path.with_suffix(FIT) / JOURNAL).is_file()


def start_fit(context: bpy.types.Context, capture: KnownCapture, minutes: float, consent: str) -> Task:
    """Fit a head to a capture. In background mode this returns when all is done.

    Args:
        consent: what the person who was filmed agreed to; "" records none.

    Raises:
        Problem: the folder cannot be written, another job is under way, or the engine cannot be started.
    """
    if capture.error:
        raise Problem(f"The capture {capture.name!r} is damaged.", "Make it again, or choose another.", "source")
    running.clear_messages()
    path, _ = next_head(capture)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise paths.disk_problem(error, path.parent) from error
    job = FitJob(capture=str(capture.folder), out=str(path), minutes=minutes, consent=consent.strip(),
                 threads=engine_threads(preferences().spare_threads), **speech_models())
    head = active_head(context)
    wanted = head.session_uid if head else 0
    return running.start(
        job, f"Fitting {path.stem!r}", lambda result, warnings: _finish(wanted, path, result, warnings),
        lambda problem: _give_up(path, problem),
    )


def fit_in_work() -> bool:
    """Whether a head is being fitted now."""
    return running.session.task is not None and isinstance(running.session.task.job, FitJob)


def _finish(wanted: int, path: Path, result: dict, warnings: list[str]) -> None:
    """Give the new head to the one that was active, where that is still there."""
    head = next((thing for thing in bpy.data.objects if thing.session_uid == wanted), None)
    given = head is not None and head.is_editable
    if given:
        head.emosplat.head = paths.stored(path)
        running.undo_step("Fit Head")
    for warning in warnings:
        running.tell("WARNING", warning)
    made = f"The head {path.stem!r} has {result['points']:,} splats, fitted in {result['seconds'] / 60:.1f} minutes."
    running.tell("INFO", made, f"It is {head.name}'s now." if given else f"Choose {path} in a head's Head field.")


def _give_up(path: Path, problem: Problem) -> None:
    """Say why, and that what was learned so far is not lost."""
    captures.look_again()
    if (path.with_suffix(FIT) / JOURNAL).is_file():
        todo = f"{problem.todo} What was learned so far is kept: the same fit goes on from there.".strip()
        problem = Problem(problem.what, todo, problem.code)
    running.tell_problem(problem)

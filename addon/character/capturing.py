# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's capture from the panel: the engine performs its lines, a background Blender renders it, the engine
makes the capture. Polled from a timer; Blender stays usable.
"""

import atexit
import shutil
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from ...engine.protocol import CaptureJob, PerformJob
from .. import captures, paths, running
from ..capturing import start_capture
from ..problem import Problem
from ..sampling import scene_fps
from .job import CharacterJob, SpokenTake, save_job
from .process import Rendering
from .setup import job_of, lines_of
from .takes import emotions_job, spoken_job

INTERVAL = 0.2
KEPT = "What was rendered is kept: start again with the same settings and it goes on."


def next_capture(scene: bpy.types.Scene) -> tuple[Path, bool]:
    """Where the scene's character is captured to, and whether a rendering that was broken off goes on there."""
    settings = scene.emosplat_character
    name = settings.identity.strip() or (settings.face.name if settings.face else "")
    parent = captures.captures_folder(scene)
    folder, _ = captures.free_folder(parent, name)
    return folder, folder.name in captures.listing(parent).rendered


class CharacterRun:
    """One capture on its way.

    Args:
        scene: whose character it is.

    Raises:
        Problem: something in the settings or on the disk stands in the way.
    """

    def __init__(self, scene: bpy.types.Scene) -> None:
        settings = scene.emosplat_character
        captures.look_again()
        self.out, _ = next_capture(scene)
        self.work = self.out.with_name(self.out.name + captures.RENDER)
        self.title = f"Capturing {self.out.name!r}"
        self.rendering: Rendering | None = None
        self.scene_uid = scene.session_uid
        takes, blend = self.work / captures.TAKES, self.work / captures.RENDERED_FILE
        fps = str(scene_fps(scene))
        self.job: CharacterJob = job_of(settings, scene, self.work, blend, fps)
        lines = lines_of(settings)
        try:
            takes.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise paths.disk_problem(error, takes) from error
        self._performances = [emotions_job(takes, fps)]
        self._performances += [spoken_job(takes, number, audio, emotion, fps, settings.seed)
                               for number, (audio, emotion) in enumerate(lines)]
        self.job.emotions = self._performances[0].out
        self.job.takes = [SpokenTake(line.out, line.audio) for line in self._performances[1:]]
        _save_copy(blend)

    def start(self) -> None:
        """Begin; in background mode this returns when all is done. Raises Problem."""
        self._perform(list(self._performances))

    def poll(self) -> None:
        """See how far the background Blender is. Raises Problem when it failed."""
        if self.rendering is None or not self.rendering.poll():
            return
        if running.session.busy:
            return  # the animator gave the engine something else to do meanwhile
        self.rendering = None
        _end()
        scene = next((scene for scene in bpy.data.scenes if scene.session_uid == self.scene_uid), None)
        if scene is None:
            raise Problem("The scene was deleted while its character was rendered.",
                          f"The pictures are in {self.work}.", "gone")
        start_capture(scene, CaptureJob(str(self.work), str(self.out), size=self.job.size), self._remove_work)

    def stop(self) -> None:
        if self.rendering is not None:
            self.rendering.stop()
            self.rendering = None

    def _perform(self, rest: list[PerformJob]) -> None:
        if not rest:
            self._render()
            return
        number = len(self._performances) - len(rest)
        title = f"{self.title}: line {number} of {len(self._performances) - 1}" if number else self.title
        running.start(rest[0], title, lambda _result, _warnings: self._perform(rest[1:]), self._give_up)

    def _render(self) -> None:
        save_job(self.job, self.work / "job.json")
        self.rendering = Rendering(self.work / "job.json", self.job.blend)
        if bpy.app.background:
            self.rendering.wait()
            self.poll()
        elif not bpy.app.timers.is_registered(_tick):
            bpy.app.timers.register(_tick, first_interval=INTERVAL)

    def _remove_work(self) -> None:
        """The capture is whole and holds the same pictures; what cannot be deleted does no harm."""
        shutil.rmtree(self.work, ignore_errors=True)

    def _give_up(self, problem: Problem) -> None:
        _end()
        running.tell_problem(problem)


def _save_copy(path: Path) -> None:
    """Write the open file elsewhere, without its preview: drawing one takes seconds, in which Blender stands still."""
    preferences = bpy.context.preferences
    preview, dirty = preferences.filepaths.file_preview_type, preferences.is_dirty
    preferences.filepaths.file_preview_type = "NONE"
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True, check_existing=False)
    except RuntimeError as error:
        raise Problem(f"A copy of the file could not be written ({str(error).strip()}).",
                      "Free some space or choose another folder.", "storage") from None
    finally:
        preferences.filepaths.file_preview_type, preferences.is_dirty = preview, dirty


_current: CharacterRun | None = None


def current() -> CharacterRun | None:
    return _current


def begin(scene: bpy.types.Scene) -> None:
    """Capture the scene's character. Raises Problem."""
    global _current
    running.clear_messages()
    _current = CharacterRun(scene)
    try:
        _current.start()
    except Problem:
        _end()
        raise


def cancel() -> None:
    """Stop; pictures that are whole stay for another try."""
    run = _current
    if run is None:
        return
    if run.rendering is None:
        running.session.cancel()
        return
    run.stop()
    _end()
    running.tell("INFO", f"{run.title} was cancelled.", KEPT)


def _end() -> None:
    global _current
    _current = None
    captures.look_again()


def _tick() -> float | None:
    run = _current
    if run is None:
        return None
    try:
        run.poll()
    except Problem as problem:
        run.stop()
        _end()
        running.tell_problem(problem)
    running.redraw()
    return INTERVAL if _current is not None else None


@persistent
def _leave_file(*_arguments) -> None:
    if _current is not None:
        _current.stop()
        _end()


def _leave_blender() -> None:
    if _current is not None:
        _current.stop()


def register() -> None:
    bpy.app.handlers.load_pre.append(_leave_file)
    atexit.register(_leave_blender)


def unregister() -> None:
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    bpy.app.handlers.load_pre.remove(_leave_file)
    atexit.unregister(_leave_blender)
    _leave_file()

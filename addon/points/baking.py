# SPDX-License-Identifier: GPL-3.0-or-later
"""From a head's settings to splat points in the scene: sample the sliders, let the engine bake, import."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import bpy

from ...engine.protocol import BakeJob
from .. import paths, running
from ..clip import Clip
from ..generate import CONTROLS_FILE, audio_file, clip_range, dialogue_of, expected_last
from ..heads import resolve_head
from ..preferences import preferences, speech_models
from ..problem import Problem
from ..sampling import controls_of, sample_sliders, scene_fps
from ..session import Task
from ..strips import import_sound, own_strips, remove_strips
from .clip_file import SUFFIX, PointsClip, read_clip
from .importing import MOST_POINTS, import_points, require_free
from .speaker import import_speaker, remove_speaker

CLIP_FILE = f"clip{SUFFIX}"
# By a head's session_uid: the job and the controls that its points show, without the folder of the run.
shown: dict[int, tuple[BakeJob, str]] = {}
_tasks: dict[int, Task] = {}  # the last one of each head


@dataclass(frozen=True)
class Target:
    """Where a clip goes. Head and scene are remembered by the ids that Blender gives them for the session.

    Args:
        head_uid: 0 where the points are nobody's.
        folder: where the clip lies.
        audio: absolute path of the sound, or "".
        start: the scene frame of the audio's start.
        most: points are thinned to so many.
    """

    head_uid: int
    scene_uid: int
    name: str
    folder: Path
    audio: str
    start: int
    most: int = MOST_POINTS

    def find(self) -> tuple[bpy.types.Scene, bpy.types.Object | None]:
        """Raises Problem when the head or its scene has gone."""
        scene = next((scene for scene in bpy.data.scenes if scene.session_uid == self.scene_uid), None)
        heads = scene.objects if scene else ()
        head = next((thing for thing in heads if thing.session_uid == self.head_uid), None)
        if scene is None or (head is None and self.head_uid):
            raise Problem(f"The head {self.name!r} was deleted while its points were baked, so they were not imported.",
                          f"The clip is in {self.folder}.", "gone")
        return scene, head


def bake(context: bpy.types.Context, head: bpy.types.Object, *, unless_shown: bool = False) -> Task | None:
    """Bake what a head says into splat points, in place of its former ones.

    In background mode this returns when all is done; see running.messages() for how it ended.

    Args:
        unless_shown: do nothing, and return None, where the points show just that.

    Raises:
        Problem: something in the scene stands in the way, or the engine cannot be started.
    """
    scene, settings = context.scene, head.emosplat
    _require_idle()
    require_free(head)
    fps, head_file = scene_fps(scene), resolve_head(settings.head)
    first, last = clip_range(head)
    folder = paths.new_run_folder(paths.frames_folder(head, preferences().frames_folder))
    try:
        audio = audio_file(head, folder)
        target = Target(head.session_uid, scene.session_uid, head.name, folder, audio, settings.start_frame)
        samples = sample_sliders(context, head, first, expected_last(scene, head, audio) if last is None else last)
        start = first - settings.start_frame
        controls = controls_of(samples, start).to_json()
        paths.write_text(folder / CONTROLS_FILE, controls)
        job = BakeJob(
            audio, str(folder / CLIP_FILE), head_file, round(head.emosplat_points.error, 4), str(fps),
            controls=str(folder / CONTROLS_FILE), seed=settings.seed, first=start + 1,
            last=0 if last is None else last - settings.start_frame + 1, text=dialogue_of(head),
            **speech_models(),
        )
        wanted = replace(job, out="", controls=""), controls
        if unless_shown and shown.get(head.session_uid) == wanted:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        _tasks[head.session_uid] = task = _start(job, f"Baking {head.name!r}", target, wanted=wanted)
        return task
    except Problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def bake_ply(context: bpy.types.Context, ply: str, most: int, turn: tuple[float, float, float]) -> Task:
    """Let the engine read a PLY of splats, and import it as points of their own.

    Args:
        turn: Euler angles that bring its axes to the scene's.
    """
    _require_idle()
    folder = paths.new_run_folder(paths.user_folder("clips"))
    target = Target(0, context.scene.session_uid, Path(ply).stem, folder, "", 1, most)
    job = BakeJob(ply, str(folder / f"{paths.file_name(Path(ply).stem)}{SUFFIX}"))
    return _start(job, f"Reading {Path(ply).name}", target, turn)


def _require_idle() -> None:
    if running.session.busy:
        raise Problem(f"{running.session.task.title} is still under way.", "Wait for it or cancel it.", "busy")
    running.clear_messages()


def is_baking(head: bpy.types.Object) -> bool:
    """Whether the task that is under way bakes this head's points."""
    task = running.session.task
    return task is not None and task is _tasks.get(head.session_uid)


def _start(
    job: BakeJob, title: str, target: Target, turn: tuple[float, float, float] | None = None,
    wanted: tuple[BakeJob, str] | None = None,
) -> Task:
    def finish(result: dict, warnings: list[str]) -> None:
        _finish(target, result, warnings, turn)
        if wanted is not None:
            shown[target.head_uid] = wanted

    return running.start(job, title, finish, lambda problem: _give_up(target, problem))


def _finish(target: Target, result: dict, warnings: list[str], turn: tuple[float, float, float] | None) -> None:
    """Import the clip. Raises Problem when it has nowhere to go."""
    scene, head = target.find()
    clip = read_clip(result["clip"])
    thing, told = bring_in(scene, head, clip, target.start, target.most, target.audio)
    if turn is not None:
        thing.rotation_euler = turn
        shutil.rmtree(target.folder, ignore_errors=True)  # the .blend holds all of it
    running.undo_step("Bake Splat Points")
    for warning in (*warnings, *told):
        running.tell("WARNING", warning)
    error = result["error_mm"]
    running.tell("INFO", f"{result['points']:,} points on {result['frames']} frames with {result['basis']} shape keys: "
                 f"95% within {error['p95']:.2f} mm, all within {error['max']:.2f} mm, in {result['seconds']:.1f} s.")


def bring_in(
    scene: bpy.types.Scene, head: bpy.types.Object | None, clip: PointsClip, start: int, most: int, audio: str
) -> tuple[bpy.types.Object, list[str]]:
    """A clip into the scene, with its sound as the head's settings say.

    Args:
        start: the scene frame of the audio's start.
        audio: absolute path of the sound, or "".

    Returns:
        The points and warnings.

    Raises:
        Problem: the former points cannot be changed.
    """
    first = start + clip.start
    thing, warnings = import_points(scene, head, clip, first, most)
    if clip.frames > 1 and clip.fps != scene_fps(scene):
        warnings.append(f"The clip was baked for {float(clip.fps):.5g} frames per second, the scene has another rate.")
    if first + clip.frames - 1 > scene.frame_end and clip.frames > 1:
        warnings.append(f"The clip goes on to frame {first + clip.frames - 1}, and the scene ends at "
                        f"{scene.frame_end}.")
    if head is not None:
        shown.pop(head.session_uid, None)
        head.emosplat_points.clip = paths.stored(clip.path)
        warnings.append(_sound(scene, head, start, audio))
    return thing, [warning for warning in warnings if warning]


def _sound(scene: bpy.types.Scene, head: bpy.types.Object, start: int, audio: str) -> str:
    """Put the sound where the head's settings say. Returns a warning, or ""."""
    kind = head.emosplat_points.sound
    if kind == "NONE" or not audio:
        return ""
    if kind == "SPEAKER":
        if not own_strips(scene, head, "picture"):  # a film's sound stays beside its picture
            remove_strips(scene, head, "sound")
        return import_speaker(scene, head, start)
    remove_speaker(head)
    return import_sound(scene, head, Clip(str(Path(audio).parent), 1, 1, start, audio, start, ""))


def _give_up(target: Target, problem: Problem) -> None:
    """Remove what is not whole, and say why."""
    if problem.code not in ("gone", "points"):
        shutil.rmtree(target.folder, ignore_errors=True)
    running.tell_problem(problem)

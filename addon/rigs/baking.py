# SPDX-License-Identifier: GPL-3.0-or-later
"""From a mesh's settings to its curves: ask the engine for the take, then write it onto the shape keys."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import bpy
import numpy as np

from ...engine.protocol import EXPRESSION_NAMES, ImportJob, PerformJob
from .. import paths, running
from ..clip import Clip
from ..generate import CONTROLS_FILE, audio_file, clip_range, dialogue_of, expected_last
from ..preferences import preferences, speech_models
from ..problem import Problem
from ..sampling import controls_of, sample_sliders, scene_fps
from ..session import Task
from ..strips import import_sound
from ..takes import Performance, read_take
from .actions import ASK, Curve, bake_action, bake_strip, foreign_action, require_no_tweak
from .curves import Moved, key_curves, scene_frames
from .folds import fold, folds_for
from .jaw import jaw_curves, require_bone
from .setup import (
    driven_keys, fill_keys, followers, is_stale, lacking, performer_of, require_face, row_of, shown_by, used_keys,
    value_path,
)

TAKE_FILE = "take.json"


@dataclass(frozen=True)
class Target:
    """Where a take goes. Mesh and scene are remembered by the ids that Blender gives them for the session, as
    selection, names and file may change while the engine works.

    Args:
        existing: what becomes of another action that the mesh plays, as in `bake_action`.
        folder: where the take lies.
        audio: absolute path of the sound, or "".
        start: the scene frame of the take's first frame.
        first, last: the scene frames that are wanted, inclusive; last None means to the end.
    """

    face_uid: int
    scene_uid: int
    face_name: str
    existing: str
    folder: Path
    audio: str
    start: int
    first: int
    last: int | None

    def find(self) -> tuple[bpy.types.Scene, bpy.types.Object]:
        """Raises Problem when the mesh or its scene has gone."""
        scene = next((scene for scene in bpy.data.scenes if scene.session_uid == self.scene_uid), None)
        face = next((thing for thing in scene.objects if thing.session_uid == self.face_uid), None) if scene else None
        if face is None:
            raise Problem(f"The mesh {self.face_name!r} was deleted while its take was made, so nothing was baked.",
                          "", "gone")
        return scene, face


def asks(face: bpy.types.Object) -> str:
    """The name of the action that baking would take the place of, or ""."""
    key = face.data.shape_keys
    other = foreign_action(key) if face.emosplat_rig.target == "ACTION" else None
    return other.name if other else ""


def bake(context: bpy.types.Context, face: bpy.types.Object, existing: str = ASK) -> Task:
    """Make the take that a mesh's settings name and write it onto the mesh when it is whole.

    In background mode this returns when all is done; see running.messages() for how it ended.

    Args:
        existing: what becomes of another action that the mesh plays, as in `bake_action`.

    Raises:
        Problem: something in the scene stands in the way, or the engine cannot be started.
    """
    scene, settings = context.scene, face.emosplat_rig
    if running.session.busy:
        raise Problem(f"{running.session.task.title} is still under way.", "Wait for it or cancel it.", "busy")
    running.clear_messages()
    if is_stale(face):
        fill_keys(face)
    require_face(face)
    if settings.use_jaw:
        require_bone(settings)
    if existing == ASK and (name := asks(face)):
        raise Problem(f"{face.name!r} already plays the action {name!r}, which was left as it is.",
                      "Choose what becomes of it, or bake to an NLA strip.", "existing")
    performer, fps = performer_of(face), scene_fps(scene)
    first, last = clip_range(performer)
    folder = paths.new_run_folder(paths.frames_folder(face, preferences().frames_folder))
    target = Target(face.session_uid, scene.session_uid, face.name, existing, folder, "",
                    performer.emosplat.start_frame, first, last)
    try:
        if settings.source == "FILE":
            job = _import_job(settings, folder, str(fps))
        else:
            target = replace(target, audio=audio_file(performer, folder))
            job = _perform_job(context, target, performer, str(fps))
        return running.start(
            job, f"Baking {face.name!r}", on_result=lambda _result, warnings: _finish(target, warnings),
            on_failure=lambda problem: _give_up(target, problem),
        )
    except Problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _perform_job(context: bpy.types.Context, target: Target, performer: bpy.types.Object, fps: str) -> PerformJob:
    end = expected_last(context.scene, performer, target.audio)
    last = end if target.last is None else min(target.last, end)
    samples = sample_sliders(context, performer, target.first, last)
    controls = target.folder / CONTROLS_FILE
    sliders = controls_of(samples, target.first - target.start)
    if performer.session_uid == target.face_uid:
        sliders.head_motion = [0.0]  # shape keys do not turn the head, and eyes would look past it
    paths.write_text(controls, sliders.to_json())
    return PerformJob(target.audio, str(target.folder / TAKE_FILE), fps, controls=str(controls),
                      seed=performer.emosplat.seed, text=dialogue_of(performer), **speech_models())


def _import_job(settings, folder: Path, fps: str) -> ImportJob:
    file = Path(paths.absolute(settings.file))
    if not settings.file or not file.is_file():
        raise Problem(f"The take {settings.file!r} does not exist.", "Choose a file in the panel.", "source")
    counted = f"{settings.timecode_fps:.3f}" if settings.timecode_fps else ""
    return ImportJob(str(file), str(folder / TAKE_FILE), fps, counted)


def _finish(target: Target, warnings: list[str]) -> None:
    """Write the curves. Raises Problem when something stands in the way by now; then nothing was changed."""
    scene, face = target.find()
    require_face(face)
    take = read_take(target.folder / TAKE_FILE)
    if take.fps != scene_fps(scene):
        raise Problem("The scene's frame rate was changed while the take was made.", "Bake again.", "input")
    told = write_take(scene, face, take, target.existing, (target.start, target.first, target.last))
    face.emosplat_rig.last_take = paths.stored(target.folder / TAKE_FILE)
    if target.audio and face.emosplat_rig.use_sound:
        clip = Clip(str(target.folder), 1, len(take), target.start, target.audio, target.start, "")
        told.append(import_sound(scene, performer_of(face), clip))
    if target.start + len(take) - 1 > scene.frame_end:
        told.append(f"The take goes on to frame {target.start + len(take) - 1}, and the scene ends at "
                    f"{scene.frame_end}.")
    running.undo_step("Bake Take")
    for warning in (*warnings, *filter(None, told[1:])):
        running.tell("WARNING", warning)
    running.tell("INFO", told[0])


def write_take(
    scene: bpy.types.Scene, face: bpy.types.Object, take: Performance, existing: str,
    span: tuple[int, int, int | None],
) -> list[str]:
    """Write a take onto a mesh's shape keys and its jaw's bone.

    Args:
        span: the scene frame of the take's first frame; the first and last frame wanted, inclusive, None to its end.

    Returns:
        What was done, then warnings.

    Raises:
        Problem: nothing of the take falls into the span, or what `bake_action` raises; nothing was changed.
    """
    settings, key = face.emosplat_rig, face.data.shape_keys
    frames = scene_frames(len(take), *span)
    if not len(frames):
        raise Problem(f"The take lies on the frames {span[0]} to {span[0] + len(take) - 1}, outside the range.",
                      "Change the range or the start.", "input")
    expression, shown = take.expression[frames - span[0]], shown_by(settings)
    driven, told = driven_keys(key), []
    shapes = [(entry.name, entry.shape, entry.amount) for entry in used_keys(settings)
              if entry.name in key.key_blocks and entry.name not in driven]
    if left := [entry.name for entry in used_keys(settings) if entry.name in driven]:
        told.append(f"Drivers move {_some(left)}: left to them.")
    if not shapes and not settings.use_jaw:
        raise Problem(f"Every matched shape key of {face.name!r} is moved by drivers.",
                      "Bake on the mesh or rig that they read, or remove them.", "character")
    limits = {name: (key.key_blocks[name].slider_min, key.key_blocks[name].slider_max) for name, _, _ in shapes}
    moved = key_curves(expression, frames, shapes, row_of, shown, limits, settings.error)
    turned = _jaw(settings, frames, expression, shown)
    owners = [key, *followers(face, scene, {name for name, _, _ in shapes})]
    for owner in (*owners, *([settings.jaw_rig] if turned else ())):
        require_no_tweak(owner)
    if moved:
        curves = [Curve(value_path(curve.key), 0, curve.keys) for curve in moved]
        name = f"{face.name} Take"
        told += (bake_strip(owners, name, curves) if settings.target == "NLA"
                 else bake_action(owners, name, curves, existing))
    if turned:
        told += bake_strip([settings.jaw_rig], f"{face.name} Jaw", turned)
    told += _remarks(face, key, [name for name, _, _ in shapes])
    return [_summary(moved, len(frames), len(owners), bool(turned)) + _missing(settings), *told]


def _jaw(settings, frames: np.ndarray, expression: np.ndarray, shown: set[str]) -> list[Curve]:
    if not settings.use_jaw:
        return []
    weights = fold(expression, folds_for(shown))[:, EXPRESSION_NAMES.index("jawOpen")]
    return jaw_curves(require_bone(settings), settings, frames, weights)


def _summary(moved: list[Moved], frames: int, meshes: int, jaw: bool) -> str:
    keys, dense = sum(len(curve.keys) for curve in moved), sum(curve.frames for curve in moved)
    error = max((curve.error for curve in moved), default=0.0)
    also = f" of {meshes} meshes" * (meshes > 1) + " and the jaw's bone" * jaw
    return (f"{len(moved)} shape keys{also} on {frames} frames: {keys} keys instead of {dense}, at most {error:.4f} "
            "from the take.")


def _missing(settings) -> str:
    folds, lost = lacking(settings)
    parts = [f"{len(folds)} shown by near ones"] * bool(folds) + [f"{len(lost)} lost"] * bool(lost)
    return f" Shapes that it lacks: {', '.join(parts)} (see Mapping)." if parts else ""


def _remarks(face: bpy.types.Object, key: bpy.types.Key, names: list[str]) -> list[str]:
    """What will surprise when the take is played."""
    told = []
    if muted := [name for name in names if key.key_blocks[name].mute]:
        told.append(f"{_some(muted)} {'are' if len(muted) > 1 else 'is'} muted and will not show.")
    if face.show_only_shape_key:
        told.append(f"{face.name!r} shows only its active shape key: switch Solo off to see the take.")
    if face.data.users > 1:
        told.append(f"{face.data.users} objects share the mesh of {face.name!r}: all of them speak.")
    return told


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _give_up(target: Target, problem: Problem) -> None:
    shutil.rmtree(target.folder, ignore_errors=True)
    running.tell_problem(problem)

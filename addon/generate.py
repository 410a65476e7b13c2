# SPDX-License-Identifier: GPL-3.0-or-later
"""From a head's settings to frames on the timeline: sample, ask the engine, import."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..engine.protocol import SpeakJob
from . import paths, running
from .clip import Clip, check_frames, save_clip
from .heads import resolve_head
from .importing import CAMERA_FILE, import_clip
from .preferences import engine_threads, preferences, speech_models
from .problem import Problem
from .sampling import audio_frames, cameras_of, controls_of, sample, scene_fps
from .session import Task

CONTROLS_FILE = "controls.json"


@dataclass(frozen=True)
class Target:
    """Where a run's result goes. The selection, the names and the file may change while the engine works, so head and
    scene are remembered by the id that Blender gives them for the session, which undo keeps.
    """

    head_uid: int
    scene_uid: int
    head_name: str
    folder: Path

    def find(self) -> tuple[bpy.types.Scene, bpy.types.Object]:
        """Raises Problem when the head or its scene has gone."""
        scene = next((scene for scene in bpy.data.scenes if scene.session_uid == self.scene_uid), None)
        heads = scene.objects if scene else ()
        head = next((head for head in heads if head.session_uid == self.head_uid and head.emosplat.enabled), None)
        if head is None:
            raise Problem(f"The head {self.head_name!r} was deleted while its frames were drawn, so they were not "
                          "imported.", f"The frames are in {self.folder}.", "gone")
        return scene, head


def generate(context: bpy.types.Context, head: bpy.types.Object) -> Task:
    """Draw a head's frames through the scene's camera and bring them in when they are whole.

    In background mode this returns when all is done; see running.messages() for how it ended.

    Raises:
        Problem: something in the scene stands in the way, or the engine cannot be started.
    """
    scene, settings, chosen = context.scene, head.emosplat, preferences()
    if running.session.busy:
        raise Problem(f"{running.session.task.title} is still under way.", "Wait for it or cancel it.", "busy")
    running.clear_messages()
    fps = scene_fps(scene)
    head_file = resolve_head(settings.head)
    first, last = clip_range(head)
    folder = paths.new_run_folder(paths.frames_folder(head, chosen.frames_folder))
    target = Target(head.session_uid, scene.session_uid, head.name, folder)
    start = first - settings.start_frame
    try:
        audio = audio_file(head, folder)
        samples = sample(context, head, first, expected_last(scene, head, audio) if last is None else last)
        paths.write_text(folder / CONTROLS_FILE, controls_of(samples, start).to_json())
        paths.write_text(folder / CAMERA_FILE, cameras_of(samples, scene, start).to_json())
        job = SpeakJob(
            audio=audio, head=head_file, out=str(folder), fps=str(fps), controls=str(folder / CONTROLS_FILE),
            camera=str(folder / CAMERA_FILE), seed=settings.seed, first=start + 1,
            last=0 if last is None else last - settings.start_frame + 1, backend=chosen.backend,
            threads=engine_threads(chosen.spare_threads), text=dialogue_of(head),
            **speech_models(),
        )
        clip = Clip(str(folder), job.first, 0, first, audio, settings.start_frame, samples.entries[0].camera_name)
        return running.start(
            job, f"Generating {head.name!r}",
            on_result=lambda result, warnings: _finish(target, clip, result, [*samples.warnings, *warnings]),
            on_failure=lambda problem: _give_up(target, problem),
        )
    except Problem:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def clip_range(head: bpy.types.Object) -> tuple[int, int | None]:
    """First and last scene frame to perform; last None means to the audio's end. Raises Problem for an empty range."""
    settings = head.emosplat
    if not settings.use_range:
        return settings.start_frame, None
    first = max(settings.first, settings.start_frame)
    if settings.last < first:
        raise Problem(f"The range {settings.first} to {settings.last} holds no frame of the audio, which starts at "
                      f"{settings.start_frame}.", "Set a last frame after the first.", "input")
    return first, settings.last


def audio_file(head: bpy.types.Object, folder: Path) -> str:
    """An object's audio as a file; packed audio is written into `folder`. Raises Problem when there is none."""
    sound = head.emosplat.audio
    if sound is None:
        raise Problem(f"{head.name!r} has no audio.", "Choose an audio file in the panel.", "audio")
    path = Path(paths.sound_file(sound))
    if sound.packed_file is not None:
        path = folder / f"audio{path.suffix}"
        try:
            path.write_bytes(sound.packed_file.data)
        except OSError as error:
            raise paths.disk_problem(error, path) from error
    if not path.is_file():
        raise Problem(f"The audio file {path} does not exist.", "Choose the audio again in the panel.", "audio")
    return str(path)


def dialogue_of(head: bpy.types.Object) -> str:
    """What an object says, or "" where that is not written down."""
    text = head.emosplat.dialogue_text
    return head.emosplat.dialogue if text is None else text.as_string()


def expected_last(scene: bpy.types.Scene, head: bpy.types.Object, audio: str) -> int:
    """The last scene frame worth sampling. The engine alone knows the audio's exact end, hence the frame more."""
    start = head.emosplat.start_frame
    length = audio_frames(audio, scene.render)
    return max(scene.frame_end, start) if length is None else start + length


def _finish(target: Target, clip: Clip, result: dict, warnings: list[str]) -> None:
    """Import the frames. Raises Problem when they are not whole or have nowhere to go."""
    clip = Clip(**{**vars(clip), "frames": result["frames"]})
    check_frames(clip)
    save_clip(clip)
    scene, head = target.find()
    warnings += import_clip(scene, head, clip)
    running.undo_step("Generate Talking Head")
    for warning in warnings:
        running.tell("WARNING", warning)
    running.tell("INFO", f"{clip.frames} frames of {head.name!r} in {result['seconds']['total']:.1f} s.")


def _give_up(target: Target, problem: Problem) -> None:
    """Remove what is not whole, and say why."""
    if problem.code not in ("gone", "camera"):
        shutil.rmtree(target.folder, ignore_errors=True)
    running.tell_problem(problem)

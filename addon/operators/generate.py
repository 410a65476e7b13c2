# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that make frames and bring them in."""

import shutil
from pathlib import Path

import bpy

from .. import paths, running
from ..clip import load_clip
from ..generate import generate
from ..heads import active_head
from ..importing import fit_scene_range, import_again, last_folder, unused_runs
from ..preferences import preferences
from .explained import Explained, OnHead, busy_reason, head_reason, report_ending


class Generate(Explained, bpy.types.Operator):
    """Draw the talking head through the scene's camera and bring the frames in. Blender stays usable meanwhile"""

    bl_idname = "emosplat.generate"
    bl_label = "Generate"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        head = active_head(context)
        if reason := head_reason(head):
            return reason
        if head.emosplat.audio is None:
            return "Choose an audio file first"
        if context.scene.camera is None:
            return "The scene has no camera: add one, or press 'Add Portrait Camera'"
        return busy_reason()

    def run(self, context: bpy.types.Context) -> None:
        generate(context, active_head(context))
        report_ending(self)


class Cancel(Explained, bpy.types.Operator):
    """Stop the engine's work; what was drawn so far is not imported"""

    bl_idname = "emosplat.cancel"
    bl_label = "Cancel"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if not running.session.busy:
            return "Nothing is under way"
        return "Already stopping" if running.session.task.cancelled_at else ""

    def run(self, context: bpy.types.Context) -> None:
        running.session.cancel()


class OnClip(OnHead):
    """Mixin for operators that act on the head's last run."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if reason := super().disabled_reason(context):
            return reason
        return "" if active_head(context).emosplat.last_run else "Generate first"


class ImportAgain(OnClip, bpy.types.Operator):
    """Bring the last frames in once more, as strip or plane. Replaces this head's own strips and plane only"""

    bl_idname = "emosplat.import_again"
    bl_label = "Import Again"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> None:
        for warning in import_again(context.scene, active_head(context)):
            self.report({"WARNING"}, warning)


class FitSceneRange(OnClip, bpy.types.Operator):
    """Extend the scene's frame range so that the whole clip plays"""

    bl_idname = "emosplat.fit_scene_range"
    bl_label = "Extend Scene to Clip"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> None:
        fit_scene_range(context.scene, load_clip(last_folder(context.scene, active_head(context))))


class RemoveUnusedRuns(OnHead, bpy.types.Operator):
    """Delete this head's earlier frames from the disk. Keeps those that a strip or an image of this file shows"""

    bl_idname = "emosplat.remove_unused_runs"
    bl_label = "Delete Unused Frames"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return super().disabled_reason(context) or busy_reason()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        runs = unused_runs(active_head(context), preferences().frames_folder)
        if not runs:
            return self.execute(context)
        return context.window_manager.invoke_confirm(
            self, event, title=f"Delete {len(runs)} earlier runs of {active_head(context).name!r}?",
            message="Undo does not bring them back. Other .blend files that show them would lose them.",
            confirm_text="Delete",
        )

    def run(self, context: bpy.types.Context) -> None:
        runs = unused_runs(active_head(context), preferences().frames_folder)
        for run in runs:
            try:
                shutil.rmtree(run)
            except OSError as error:
                raise paths.disk_problem(error, Path(error.filename or run)) from error
        self.report({"INFO"}, f"{len(runs)} unused runs deleted.")


CLASSES = (Generate, Cancel, ImportAgain, FitSceneRange, RemoveUnusedRuns)

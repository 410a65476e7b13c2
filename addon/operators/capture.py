# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on captures: choose a source, make one, look at what came of it."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, StringProperty

from ...engine.protocol import VerifyJob
from .. import captures, paths, running
from ..captures import KnownCapture
from ..capturing import make_capture
from ..problem import Problem
from .explained import AsksForFile, Explained, busy_reason, report_ending

FILMS = ".mp4;.m4v;.mov;.mkv;.webm;.avi;.mpg;.mpeg;.mts;.m2ts;.wmv;.mxf"
FINDINGS_TOLD = 3


class OnScene(Explained):
    """Mixin for operators that change the scene's capture settings."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if context.scene.is_editable else "This scene is linked from another file"


class ChooseFilm(AsksForFile, OnScene, bpy.types.Operator):
    """Choose a film of one person who speaks"""

    bl_idname = "emosplat.choose_film"
    bl_label = "Choose Film to Capture"
    bl_options = {"UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_movie: BoolProperty(default=True, options={"HIDDEN"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})

    def run(self, context: bpy.types.Context) -> None:
        film = Path(paths.absolute(self.filepath))
        if not film.is_file():
            raise Problem(f"The film {film} does not exist.", "Choose another file.", "source")
        context.scene.emosplat_capture.source = paths.stored(film)
        self.report({"INFO"}, f"{film.name} is the source of the next capture: see Capture in the EmoSplat tab.")


class DropFilm(bpy.types.FileHandler):
    """A film dropped onto the 3D View becomes the source of a capture. Blender asks, as films have other uses"""

    bl_idname = "EMOSPLAT_FH_film"
    bl_label = "Film of a Head"
    bl_import_operator = "emosplat.choose_film"
    bl_file_extensions = FILMS

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


class ChooseFolder(OnScene):
    """Mixin for operators that ask for a folder and store it in the scene's setting `setting`."""

    setting = ""

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: bpy.types.Context) -> None:
        folder = Path(paths.absolute(self.directory))
        if not folder.is_dir():
            raise Problem(f"The folder {folder} does not exist.", "Choose another.", "source")
        setattr(context.scene.emosplat_capture, self.setting, paths.stored(folder))
        captures.look_again()


class ChooseDataSet(ChooseFolder, bpy.types.Operator):
    """Choose the folder of a data set: nerfstudio's, or that of ER-NeRF, TalkingGaussian and their relatives"""

    bl_idname = "emosplat.choose_data_set"
    bl_label = "Choose Data Set"
    bl_options = {"UNDO"}

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})
    setting = "source"


class ChooseCapturesFolder(ChooseFolder, bpy.types.Operator):
    """Choose the folder that captures go to"""

    bl_idname = "emosplat.choose_captures_folder"
    bl_label = "Choose Captures Folder"
    bl_options = {"UNDO"}

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})
    setting = "folder"


class MakeCapture(OnScene, bpy.types.Operator):
    """Make a capture of the film or data set: pictures with cameras, expressions and masks, from which a head can be
    fitted, and a report on how good they are. Blender stays usable meanwhile"""

    bl_idname = "emosplat.make_capture"
    bl_label = "Make Capture"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if reason := super().disabled_reason(context):
            return reason
        return busy_reason() if context.scene.emosplat_capture.source else "Choose a film or a data set's folder first"

    def run(self, context: bpy.types.Context) -> None:
        make_capture(context.scene)
        report_ending(self)


class SelectCapture(OnScene, bpy.types.Operator):
    """Show this capture below"""

    bl_idname = "emosplat.select_capture"
    bl_label = "Select Capture"
    bl_options = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Capture")

    def run(self, context: bpy.types.Context) -> None:
        there = captures.listing(captures.captures_folder(context.scene)).captures
        known = next((known for known in there if known.name == self.name), None)
        if known is None:
            raise Problem(f"There is no capture {self.name!r} in this folder.", "Look again, or choose another.")
        captures.choose_capture(context.scene, known.folder)


class RefreshCaptures(Explained, bpy.types.Operator):
    """Look again which captures the folder holds"""

    bl_idname = "emosplat.refresh_captures"
    bl_label = "Refresh Captures"
    bl_options = {"INTERNAL"}

    def run(self, context: bpy.types.Context) -> None:
        captures.look_again()


class DiscardCapture(Explained, bpy.types.Operator):
    """Delete what there is of a capture that was broken off"""

    bl_idname = "emosplat.discard_capture"
    bl_label = "Discard"
    bl_options = {"INTERNAL"}

    name: StringProperty(name="Capture")

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy_reason()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_confirm(
            self, event, title=f"Discard {self.name!r}?", message="It could still go on from where it was broken off.",
            confirm_text="Discard",
        )

    def run(self, context: bpy.types.Context) -> None:
        captures.discard_begun(captures.captures_folder(context.scene), self.name)


class OnCapture(Explained):
    """Mixin for operators that act on the capture that is chosen."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if captures.chosen_capture(context.scene) else "Choose a capture first"

    def run(self, context: bpy.types.Context) -> None:
        self.run_on(captures.chosen_capture(context.scene))

    def run_on(self, capture: KnownCapture) -> None:
        """Do the work. Raises Problem."""
        raise NotImplementedError


class OpenReport(OnCapture, bpy.types.Operator):
    """Open the capture's report in your browser: pictures, masks, poses, what was seen and what was not"""

    bl_idname = "emosplat.open_capture_report"
    bl_label = "Open Report"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if reason := super().disabled_reason(context):
            return reason
        return "" if captures.chosen_capture(context.scene).has_report else "This capture has no report"

    def run_on(self, capture: KnownCapture) -> None:
        report = capture.folder / captures.REPORT
        if not report.is_file():
            raise Problem(f"{report} does not exist any more.", "Look again which captures there are.")
        if not bpy.app.background:
            bpy.ops.wm.url_open(url=report.as_uri())


class VerifyCapture(OnCapture, bpy.types.Operator):
    """Open every file of the capture, and say what is damaged or missing"""

    bl_idname = "emosplat.verify_capture"
    bl_label = "Verify"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return super().disabled_reason(context) or busy_reason()

    def run_on(self, capture: KnownCapture) -> None:
        running.clear_messages()
        running.start(VerifyJob(str(capture.folder)), f"Verifying {capture.name!r}",
                      lambda result, _warnings: _tell_findings(capture.name, result["findings"]))
        report_ending(self)


def _tell_findings(name: str, findings: list[str]) -> None:
    if not findings:
        running.tell("INFO", f"The capture {name!r} is whole.")
    for finding in findings[:FINDINGS_TOLD]:
        running.tell("WARNING", finding)
    if len(findings) > FINDINGS_TOLD:
        running.tell("WARNING", f"There are {len(findings) - FINDINGS_TOLD} more findings.")


CLASSES = (
    ChooseFilm, DropFilm, ChooseDataSet, ChooseCapturesFolder, MakeCapture, SelectCapture, RefreshCaptures,
    DiscardCapture, OpenReport, VerifyCapture,
)

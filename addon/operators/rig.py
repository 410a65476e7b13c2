# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that bring a take onto a mesh with shape keys, and takes to and from other programs."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, StringProperty

from ...engine.protocol import ExportTakeJob
from .. import paths, running
from ..character.settings import UNUSED
from ..heads import set_audio
from ..problem import Problem
from ..rigs.actions import ASK, BELOW, REPLACE
from ..rigs.baking import asks, bake
from ..rigs.setup import active_face, face_reason, fill_keys, performer_of
from .explained import AsksForFile, Explained, busy_reason, report_ending
from .head import AUDIO

TAKES = "*.csv;*.json;*.emotake"


class OnFace(Explained):
    """Mixin for operators that act on the panel's mesh."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return face_reason(active_face(context))


class MatchKeys(OnFace, bpy.types.Operator):
    """Match the mesh's shape keys by their names. What you have chosen in the list stays, unless you reset it"""

    bl_idname = "emosplat.match_keys"
    bl_label = "Match Shape Keys"
    bl_options = {"REGISTER", "UNDO"}

    reset: BoolProperty(name="Reset", description="Forget what was chosen in the list", options={"SKIP_SAVE"})

    def run(self, context: bpy.types.Context) -> None:
        face = active_face(context)
        if self.reset:
            face.emosplat_rig.keys.clear()
        fill_keys(face)


class ChooseSpeech(AsksForFile, OnFace, bpy.types.Operator):
    """Choose what the mesh says: a sound file, or a video with sound"""

    bl_idname = "emosplat.choose_speech"
    bl_label = "Choose Audio"
    bl_options = {"UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_sound: BoolProperty(default=True, options={"HIDDEN"})
    filter_movie: BoolProperty(default=True, options={"HIDDEN"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN"})

    def run(self, context: bpy.types.Context) -> None:
        set_audio(active_face(context), self.filepath)


class ChooseTake(AsksForFile, OnFace, bpy.types.Operator):
    """Choose a take from the disk, or the CSV of a facial-capture tool"""

    bl_idname = "emosplat.choose_take"
    bl_label = "Choose Take or CSV"
    bl_options = {"UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default=TAKES, options={"HIDDEN"})

    def run(self, context: bpy.types.Context) -> None:
        file = Path(paths.absolute(self.filepath))
        if not file.is_file():
            raise Problem(f"The take {file} does not exist.", "Choose another file.", "source")
        settings = active_face(context).emosplat_rig
        settings.source, settings.file = "FILE", paths.stored(file)


class DropSpeech(bpy.types.FileHandler):
    """Audio dropped onto the 3D View becomes what the chosen mesh says"""

    bl_idname = "EMOSPLAT_FH_speech"
    bl_label = "Audio of a Speaking Mesh"
    bl_import_operator = "emosplat.choose_speech"
    bl_file_extensions = AUDIO

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return _dropped_on_face(context)


class DropTake(bpy.types.FileHandler):
    """A take or a capture tool's CSV dropped onto the 3D View becomes what the chosen mesh shows"""

    bl_idname = "EMOSPLAT_FH_take"
    bl_label = "Take of a Speaking Mesh"
    bl_import_operator = "emosplat.choose_take"
    bl_file_extensions = ".csv;.emotake"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return _dropped_on_face(context)


def _dropped_on_face(context: bpy.types.Context) -> bool:
    return context.area is not None and context.area.type == "VIEW_3D" and not face_reason(active_face(context))


class BakeTake(OnFace, bpy.types.Operator):
    """Bake the take on the mesh's shape keys. Blender stays usable meanwhile, and what you keyed is never
    overwritten"""

    bl_idname = "emosplat.bake_take"
    bl_label = "Bake on Shape Keys"

    existing: EnumProperty(
        name="Existing Action", default=ASK, options={"SKIP_SAVE"},
        items=((ASK, "Ask", "Bake nothing where another action is played"),
               (BELOW, "Keep Below", "Move it into an NLA track below: keys that the take does not move go on playing"),
               (REPLACE, "Put Aside", "Take it off the shape keys. It stays in the file")),
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        face = active_face(context)
        if reason := super().disabled_reason(context):
            return reason
        settings = face.emosplat_rig
        if settings.source == "FILE" and not settings.file:
            return "Choose a take or a CSV first"
        if settings.source == "AUDIO" and performer_of(face).emosplat.audio is None:
            return "Choose an audio file first"
        if len(settings.keys) and all(entry.shape == UNUSED for entry in settings.keys) and not settings.use_jaw:
            return "No shape key is matched to one of ARKit's: give them their shapes in the list"
        return busy_reason()

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.existing != ASK or not asks(active_face(context)):
            return self.execute(context)
        self.existing = BELOW
        return context.window_manager.invoke_props_dialog(self, title="The shape keys already play an action",
                                                          confirm_text="Bake", width=420)

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.label(text=f"What becomes of {asks(active_face(context))!r}? Its keys are kept either way.")
        for name in (BELOW, REPLACE):
            self.layout.prop_enum(self, "existing", name)

    def run(self, context: bpy.types.Context) -> None:
        bake(context, active_face(context), self.existing)
        report_ending(self)


class ExportTakeCsv(OnFace, bpy.types.Operator):
    """Write the take that was baked last as a CSV in the layout of Live Link Face, for other facial animation tools"""

    bl_idname = "emosplat.export_take_csv"
    bl_label = "Export CSV"

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: StringProperty(default="*.csv", options={"HIDDEN"})
    check_existing: BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if reason := super().disabled_reason(context):
            return reason
        return busy_reason() if active_face(context).emosplat_rig.last_take else "Bake a take first"

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        self.filepath = f"{paths.file_name(active_face(context).name)}.csv"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: bpy.types.Context) -> None:
        take = Path(paths.absolute(active_face(context).emosplat_rig.last_take))
        if not take.is_file():
            raise Problem(f"The take {take} has gone.", "Bake again.", "gone")
        running.clear_messages()
        out = Path(paths.absolute(self.filepath)).with_suffix(".csv")
        running.start(ExportTakeJob(str(take.with_suffix(".emotake")), str(out)), "Exporting",
                      lambda result, _warnings: running.tell("INFO", f"{result['frames']} frames in {out}."))
        report_ending(self)


CLASSES = (MatchKeys, ChooseSpeech, ChooseTake, DropSpeech, DropTake, BakeTake, ExportTakeCsv)

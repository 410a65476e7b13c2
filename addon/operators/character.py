# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on a rigged character: match its shape keys, give it lines, capture it."""

import bpy
from bpy.props import CollectionProperty, StringProperty

from .. import paths
from ..character import capturing
from ..character.setup import fill_lists
from ..problem import Problem
from .capture import OnScene
from .explained import Explained, busy_reason, report_ending

SOUNDS = "*.wav;*.flac;*.ogg;*.mp3;*.m4a;*.aac;*.aif;*.aiff;*.opus"


class OnCharacter(OnScene):
    """Mixin for operators that need the character's face."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if reason := super().disabled_reason(context):
            return reason
        face = context.scene.emosplat_character.face
        return "Choose the character's face first" if face is None else ""


class MatchShapes(OnCharacter, bpy.types.Operator):
    """Look again at the character's shape keys and parts. What you have chosen in the lists stays"""

    bl_idname = "emosplat.match_shapes"
    bl_label = "Match Again"
    bl_options = {"UNDO"}

    def run(self, context: bpy.types.Context) -> None:
        fill_lists(context.scene.emosplat_character, context.scene)


class AddLines(OnScene, bpy.types.Operator):
    """Add sound files that the character speaks"""

    bl_idname = "emosplat.add_lines"
    bl_label = "Add Lines"
    bl_options = {"UNDO"}

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    files: CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})
    filter_glob: StringProperty(default=SOUNDS, options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def run(self, context: bpy.types.Context) -> None:
        names = [file.name for file in self.files if file.name]
        if not names:
            raise Problem("No sound file was chosen.", "Choose one or more.", "audio")
        settings = context.scene.emosplat_character
        for name in names:
            settings.lines.add().filepath = paths.stored(paths.absolute(f"{self.directory}/{name}"))
        settings.line_index = len(settings.lines) - 1


class RemoveLine(OnScene, bpy.types.Operator):
    """Remove the line that is chosen in the list"""

    bl_idname = "emosplat.remove_line"
    bl_label = "Remove Line"
    bl_options = {"UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        there = len(context.scene.emosplat_character.lines)
        return super().disabled_reason(context) or ("" if there else "There is no line")

    def run(self, context: bpy.types.Context) -> None:
        settings = context.scene.emosplat_character
        settings.lines.remove(min(settings.line_index, len(settings.lines) - 1))
        settings.line_index = max(0, min(settings.line_index, len(settings.lines) - 1))


class CaptureCharacter(OnCharacter, bpy.types.Operator):
    """Render the character in a background Blender, speaking its lines and showing every shape and emotion from all
    sides, and make a capture of it. This window stays usable"""

    bl_idname = "emosplat.capture_character"
    bl_label = "Capture Character"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if reason := super().disabled_reason(context):
            return reason
        if all(entry.shape == "NONE" for entry in context.scene.emosplat_character.shapes):
            return "No shape key is matched to one of ARKit's: match them in the list"
        if capturing.current() is not None:
            return f"{capturing.current().title} is still under way"
        return busy_reason()

    def run(self, context: bpy.types.Context) -> None:
        capturing.begin(context.scene)
        report_ending(self)


class CancelCharacter(Explained, bpy.types.Operator):
    """Stop rendering the character. What was rendered is kept, and the same settings go on from there"""

    bl_idname = "emosplat.cancel_character"
    bl_label = "Cancel"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if capturing.current() is not None else "No character is being captured"

    def run(self, context: bpy.types.Context) -> None:
        capturing.cancel()


CLASSES = (MatchShapes, AddLines, RemoveLine, CaptureCharacter, CancelCharacter)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on the head object: add one, choose its file and audio, give it a camera."""

from pathlib import Path

import bpy
from bpy.props import StringProperty
from bpy_extras.io_utils import ImportHelper

from .. import paths
from ..colour import colours_change, make_colours_faithful
from ..engine_jobs import warm_up
from ..heads import active_head, add_head, add_portrait_camera, heads_in, set_audio
from ..problem import Problem
from .explained import AsksForFile, Explained, OnHead

AUDIO = ".wav;.aif;.aiff;.flac;.ogg;.oga;.opus;.mp3;.m4a;.aac;.mp4;.mov;.mkv;.webm"


class AddHead(Explained, bpy.types.Operator):
    """Add a talking head at the 3D cursor, face towards -Y"""

    bl_idname = "emosplat.add_head"
    bl_label = "Add Head"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if context.mode == "OBJECT" else "Leave Edit Mode first"

    def run(self, context: bpy.types.Context) -> None:
        add_head(context)
        warm_up()


class SelectHead(Explained, bpy.types.Operator):
    """Show this head in the panel"""

    bl_idname = "emosplat.select_head"
    bl_label = "Select Head"
    bl_options = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Object")

    def run(self, context: bpy.types.Context) -> None:
        head = context.view_layer.objects.get(self.name)
        if head is None or head not in heads_in(context.scene):
            raise Problem(f"There is no head {self.name!r} in this view layer.", "")
        for other in context.selected_objects:
            other.select_set(False)
        head.select_set(True)
        context.view_layer.objects.active = head


class ChooseHead(OnHead, ImportHelper, bpy.types.Operator):
    """Choose an .emohead file"""

    bl_idname = "emosplat.choose_head"
    bl_label = "Choose Head File"
    bl_options = {"UNDO"}

    filename_ext = paths.HEAD_SUFFIX
    filter_glob: StringProperty(default=f"*{paths.HEAD_SUFFIX}", options={"HIDDEN"})

    def run(self, context: bpy.types.Context) -> None:
        if not Path(self.filepath).is_file():
            raise Problem(f"The head file {self.filepath} does not exist.", "Choose another file.")
        active_head(context).emosplat.head = paths.stored(self.filepath)


class ChooseAudio(AsksForFile, OnHead, bpy.types.Operator):
    """Choose what the head says: an audio file, or a video file with sound"""

    bl_idname = "emosplat.choose_audio"
    bl_label = "Choose Audio"
    bl_options = {"UNDO"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_sound: bpy.props.BoolProperty(default=True, options={"HIDDEN"})
    filter_movie: bpy.props.BoolProperty(default=True, options={"HIDDEN"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    def run(self, context: bpy.types.Context) -> None:
        set_audio(active_head(context), self.filepath)
        warm_up()


class DropAudio(bpy.types.FileHandler):
    """Audio dropped onto the 3D View becomes what the head says"""

    bl_idname = "EMOSPLAT_FH_audio"
    bl_label = "Talking Head Audio"
    bl_import_operator = "emosplat.choose_audio"
    bl_file_extensions = AUDIO

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D" and active_head(context) is not None


class AddCamera(OnHead, bpy.types.Operator):
    """Add a camera that sees the head and its shoulders, and make it the scene's camera"""

    bl_idname = "emosplat.add_camera"
    bl_label = "Add Portrait Camera"
    bl_options = {"REGISTER", "UNDO"}

    def run(self, context: bpy.types.Context) -> None:
        add_portrait_camera(context, active_head(context))


class FixColours(Explained, bpy.types.Operator):
    """Set the scene's view transform to 'Standard' without look, exposure, gamma or curves. Heads come as finished sRGB
    pictures; AgX and Filmic are made for raw renders and wash such pictures out. This changes how the whole scene is
    shown"""

    bl_idname = "emosplat.fix_colours"
    bl_label = "Use Standard View Transform"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if colours_change(context.scene) else "The view transform leaves colours as they are"

    def run(self, context: bpy.types.Context) -> None:
        make_colours_faithful(context.scene)


CLASSES = (AddHead, SelectHead, ChooseHead, ChooseAudio, DropAudio, AddCamera, FixColours)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The 3D View's sidebar: the head and what the engine is doing, then one sub-panel per kind of setting."""

import bpy

from ...engine.protocol import EMOTION_NAMES, MICRO_EXPRESSIONS
from .. import running
from ..cameras import render_size
from ..colour import colours_change
from ..consent import consent_line
from ..heads import active_head, heads_in
from ..importing import last_folder
from ..preferences import preferences
from ..properties import emotion_property, micro_property
from .text import draw_text

MOST_COUNTED = 999_999
ICONS = {"INFO": "INFO", "WARNING": "ERROR", "ERROR": "CANCEL"}


class InSidebar:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "EmoSplat"


class MainPanel(InSidebar, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_main"
    bl_label = "EmoSplat"

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        head = active_head(context)
        heads = heads_in(context.scene)
        if not heads:
            draw_text(layout, context, "Add a head, choose an audio file, and press Generate.", "INFO")
            layout.operator("emosplat.add_head", icon="ADD")
            if running.session.busy:  # its head was deleted, or Doctor is at work
                draw_busy(layout)
        else:
            row = layout.row(align=True)
            column = row.column(align=True)
            for other in heads:
                button = column.operator("emosplat.select_head", text=other.name, icon="USER", depress=other == head)
                button.name = other.name
            row.operator("emosplat.add_head", text="", icon="ADD")
            _draw_missing(layout, context, head)
            _draw_task(layout)
        _draw_messages(layout, context)


class HeadPanel(InSidebar, bpy.types.Panel):
    """Base of the sub-panels: they show only while there is a head."""

    bl_parent_id = "EMOSPLAT_PT_main"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_head(context) is not None

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        head = active_head(context)
        self.draw_head(self.layout, context, head, head.emosplat)


class WhichHead(HeadPanel):
    bl_idname = "EMOSPLAT_PT_head"
    bl_label = "Head"

    def draw_head(self, layout, context, head, settings) -> None:
        row = layout.row(align=True)
        row.prop(settings, "head")
        row.operator("emosplat.choose_head", text="", icon="FILEBROWSER")
        row.operator("emosplat.refresh_heads", text="", icon="FILE_REFRESH")
        said, missing = consent_line(settings.head)
        if said:
            draw_text(layout, context, said, "ERROR" if missing else "INFO")


class AudioPanel(HeadPanel):
    bl_idname = "EMOSPLAT_PT_audio"
    bl_label = "Audio"

    def draw_head(self, layout, context, head, settings) -> None:
        row = layout.row(align=True)
        row.prop(settings, "audio")
        row.operator("emosplat.choose_audio", text="", icon="FILEBROWSER")
        if settings.audio is None:
            draw_text(layout, context, "Choose an audio or video file, or drop one onto the 3D View.", "INFO")
        draw_dialogue(layout, settings)
        draw_span(layout, settings)


class EmotionPanel(HeadPanel):
    bl_idname = "EMOSPLAT_PT_emotion"
    bl_label = "Emotion"

    def draw_head(self, layout, context, head, settings) -> None:
        draw_emotion(layout, settings)


class MicroPanel(HeadPanel):
    bl_idname = "EMOSPLAT_PT_micro"
    bl_label = "Micro-expressions"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_head(self, layout, context, head, settings) -> None:
        draw_micro(layout, settings)


class LifePanel(HeadPanel):
    bl_idname = "EMOSPLAT_PT_life"
    bl_label = "Life"

    def draw_head(self, layout, context, head, settings) -> None:
        draw_life(layout, settings, ("blink", "gaze", "head_motion", "micro_motion"))


class RenderPanel(HeadPanel):
    bl_idname = "EMOSPLAT_PT_render"
    bl_label = "Render"

    def draw_head(self, layout, context, head, settings) -> None:
        scene = context.scene
        layout.prop(scene, "camera")
        layout.prop(settings, "output")
        if why := colours_change(scene):
            box = layout.box()
            draw_text(box, context, f"{why} They are finished sRGB pictures.", "ERROR")
            box.operator("emosplat.fix_colours", icon="COLOR")
        width, height = render_size(scene)
        rate = scene.render.fps / scene.render.fps_base
        draw_text(layout, context, f"{width} x {height} pixels, {rate:.5g} fps", "OUTPUT")
        if not bpy.data.filepath and not preferences().frames_folder:
            draw_text(layout, context, "The file is not saved: its frames go to the extension's own folder. "
                      "Save it first to keep them beside it.", "INFO")
        if settings.last_run:
            column = layout.column(align=True)
            column.operator("emosplat.import_again", icon="IMPORT")
            column.operator("emosplat.fit_scene_range", icon="PREVIEW_RANGE")
            column.operator("wm.path_open", text="Open Frames Folder", icon="FILE_FOLDER").filepath = last_folder(
                scene, head)
            column.operator("emosplat.remove_unused_runs", icon="TRASH")


def draw_dialogue(layout: bpy.types.UILayout, settings) -> None:
    """What is said: a line, or a text of the Text Editor instead."""
    line = layout.row()
    line.active = settings.dialogue_text is None
    line.prop(settings, "dialogue")
    layout.prop(settings, "dialogue_text")


def draw_span(layout: bpy.types.UILayout, settings) -> None:
    """Where a performance begins, and which part of it is wanted."""
    layout.prop(settings, "start_frame")
    row = layout.row(heading="Range")
    row.prop(settings, "use_range", text="")
    ends = row.row(align=True)
    ends.active = settings.use_range
    ends.prop(settings, "first", text="")
    ends.prop(settings, "last", text="")


def draw_emotion(layout: bpy.types.UILayout, settings) -> None:
    layout.prop(settings, "auto_emotion", slider=True)
    layout.prop(settings, "intensity", slider=True)
    column = layout.column(align=True)
    for name in EMOTION_NAMES:
        column.prop(settings, emotion_property(name), slider=True)


def draw_micro(layout: bpy.types.UILayout, settings) -> None:
    column = layout.column(align=True)
    for name in MICRO_EXPRESSIONS:
        column.prop(settings, micro_property(name), slider=True)


def draw_life(layout: bpy.types.UILayout, settings, amounts: tuple[str, ...]) -> None:
    column = layout.column(align=True)
    for name in amounts:
        column.prop(settings, name, slider=True)
    layout.prop(settings, "seed")


def _draw_missing(layout: bpy.types.UILayout, context: bpy.types.Context, head: bpy.types.Object | None) -> None:
    """The next step, while something that Generate needs is not there."""
    if head is None:
        draw_text(layout, context, "Select a head above.", "INFO")
    elif head.emosplat.audio is None:
        layout.operator("emosplat.choose_audio", icon="SPEAKER")
    elif context.scene.camera is None:
        layout.operator("emosplat.add_camera", icon="CAMERA_DATA")


def _draw_task(layout: bpy.types.UILayout) -> None:
    """Generate, or what the engine is doing instead."""
    if running.session.busy:
        draw_busy(layout)
        return
    row = layout.row()
    row.scale_y = 1.5
    row.operator("emosplat.generate", icon="PLAY")
    if running.session.task is not None:
        layout.label(text="The engine is warming up", icon="SORTTIME")


def draw_busy(layout: bpy.types.UILayout) -> None:
    """How far the engine is, and Cancel."""
    task = running.session.task
    column = layout.box().column()
    column.label(text=task.title, icon="SORTTIME")
    row = column.row(align=True)
    row.progress(factor=task.done / task.total if task.total else 0.0, text=progress_text(task))
    row.operator("emosplat.cancel", text="", icon="X")


def progress_text(task) -> str:
    """Such as "Draw 12/240, 0:35 left"; of very many, such as the bytes of a download, the share."""
    return "Stopping" if task.cancelled_at else stage_text(task)


def stage_text(task) -> str:
    """The stage, how far it is, and how long it takes; of a task or anything else that has these."""
    count = f" {task.done}/{task.total}" if task.total > 1 else ""
    if task.total > MOST_COUNTED:
        count = f" {task.done / task.total:.0%}"
    return f"{task.stage.capitalize()}{count}{_left(task.eta)}"


def _left(eta: float | None) -> str:
    if not eta or eta < 1:
        return ""
    minutes, seconds = divmod(int(eta), 60)
    return f", {minutes // 60} h {minutes % 60:02d} min left" if minutes >= 60 else f", {minutes}:{seconds:02d} left"


def _draw_messages(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    if not running.messages():
        return
    row = layout.box().row()
    column = row.column()
    for message in running.messages():
        draw_text(column, context, f"{message.what} {message.todo}".strip(), ICONS[message.level], beside=40)
    row.operator("emosplat.dismiss_messages", text="", icon="X", emboss=False)


CLASSES = (MainPanel, WhichHead, AudioPanel, EmotionPanel, MicroPanel, LifePanel, RenderPanel)

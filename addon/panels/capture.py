# SPDX-License-Identifier: GPL-3.0-or-later
"""The Capture panel: which captures there are and how good they are; below it, one sub-panel per kind of source."""

import bpy

from .. import captures
from ..captures import KnownCapture
from ..capturing import UNKNOWN, folder_in_work, next_capture, source_name
from ..character import capturing as character_capturing
from ..fitting import fit_in_work
from ..preferences import preferences
from .sidebar import InSidebar, draw_busy
from .text import draw_text

WARNINGS_SHOWN = 3


class CapturePanel(InSidebar, bpy.types.Panel):
    """Shown without a head, too: a capture is how one gets a head."""

    bl_idname = "EMOSPLAT_PT_capture"
    bl_label = "Capture"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        folder = captures.captures_folder(scene)
        there = captures.listing(folder)
        row = layout.row(align=True)
        default = "//captures" if bpy.data.filepath else "The extension's own folder"
        row.prop(scene.emosplat_capture, "folder", text="", placeholder=default)
        row.operator("emosplat.choose_captures_folder", text="", icon="FILEBROWSER")
        row.operator("emosplat.refresh_captures", text="", icon="FILE_REFRESH")
        broken_off = sorted(there.begun | there.rendered)
        if not there.captures and not broken_off:
            draw_text(layout, context, "A head is fitted from a capture: pictures of a person or character, with what "
                      "the face does in each. There is none here yet.", "INFO")
        chosen = captures.chosen_capture(scene)
        column = layout.column(align=True)
        for known in there.captures:
            _draw_line(column, known, known == chosen)
        run = character_capturing.current()
        in_work = (folder_in_work(), run and run.out)
        for name in broken_off:
            if folder / name not in in_work:
                _draw_begun(column, name)
        if chosen is not None:
            _draw_chosen(layout, context, chosen)


class FilmPanel(InSidebar, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_capture_film"
    bl_parent_id = "EMOSPLAT_PT_capture"
    bl_label = "From a Film or Data Set"

    def draw(self, context: bpy.types.Context) -> None:
        layout, scene = self.layout, context.scene
        settings = scene.emosplat_capture
        layout.use_property_split = True
        row = layout.row(align=True)
        row.prop(settings, "source")
        row.operator("emosplat.choose_film", text="", icon="FILE_MOVIE")
        row.operator("emosplat.choose_data_set", text="", icon="FILE_FOLDER")
        layout.prop(settings, "identity", placeholder=source_name(scene))
        layout.prop(settings, "emotion")
        if settings.emotion != UNKNOWN:
            layout.prop(settings, "emotion_intensity")
        layout.row().prop(settings, "size", expand=True)
        row = layout.row(heading="Masks")
        row.active = bpy.app.online_access
        row.prop(preferences(), "download_models", text="Download Model")
        if preferences().download_models and not bpy.app.online_access:
            draw_text(layout, context, "Blender's online access is off, so nothing is downloaded. Captures work "
                      "without it.", "INTERNET_OFFLINE")
        if folder_in_work():
            draw_busy(layout)
            return
        folder, continues = next_capture(scene)
        if settings.source:
            text = f"It will be called {folder.name!r}"
            if continues:
                text = f"{folder.name!r} was broken off: with the same settings it goes on"
            elif not bpy.data.filepath and not settings.folder:
                text += ", in the extension's own folder. Save the file first to have it beside the file"
            draw_text(layout, context, f"{text}.", "INFO")
        row = layout.row()
        row.scale_y = 1.5
        row.operator("emosplat.make_capture", text="Continue" if continues else "Make Capture",
                     icon="OUTLINER_OB_CAMERA")


def _draw_line(column: bpy.types.UILayout, capture: KnownCapture, chosen: bool) -> None:
    line = column.split(factor=0.55, align=True)
    line.operator("emosplat.select_capture", text=capture.name, depress=chosen).name = capture.name
    if capture.error:
        line.label(text="Damaged", icon="ERROR")
    else:
        line.label(text=f"{capture.pictures}, {capture.made}", icon="IMAGE_DATA")


def _draw_begun(column: bpy.types.UILayout, name: str) -> None:
    row = column.row(align=True)
    row.label(text=f"{name} was broken off", icon="SORTTIME")
    row.operator("emosplat.discard_capture", text="", icon="TRASH", emboss=False).name = name


def _draw_chosen(layout: bpy.types.UILayout, context: bpy.types.Context, capture: KnownCapture) -> None:
    """What the report says first, and what can be done with the capture."""
    box = layout.box().column()
    if capture.error:
        draw_text(box, context, f"{capture.error}.", "ERROR")
    elif not capture.warnings:
        draw_text(box, context, "Nothing stands in the way of a good head.", "CHECKMARK")
    for warning in capture.warnings[:WARNINGS_SHOWN]:
        draw_text(box, context, warning, "ERROR")
    if len(capture.warnings) > WARNINGS_SHOWN:
        draw_text(box, context, f"{len(capture.warnings) - WARNINGS_SHOWN} more in the report.", "BLANK1")
    row = box.row(align=True)
    row.operator("emosplat.open_capture_report", icon="URL")
    row.operator("wm.path_open", text="Open Folder", icon="FILE_FOLDER").filepath = str(capture.folder)
    row.operator("emosplat.verify_capture", icon="CHECKMARK", text="")
    if fit_in_work():
        draw_busy(box)
    elif not capture.error:
        row = box.row()
        row.scale_y = 1.5
        row.operator("emosplat.fit_head", text="Fit Head...", icon="USER")


CLASSES = (CapturePanel, FilmPanel)

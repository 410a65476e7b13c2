# SPDX-License-Identifier: GPL-3.0-or-later
"""Below Capture: a rigged character of this file, what its shape keys mean, what it says."""

import os

import bpy

from ...engine.protocol import EXPRESSION_NAMES
from .. import running
from ..capturing import folder_in_work
from ..character import capturing
from ..character.setup import lacking
from .key_list import KeyList
from .sidebar import InSidebar, draw_busy, stage_text
from .text import draw_text

LACKING_SHOWN = 6


class EMOSPLAT_UL_shapes(KeyList, bpy.types.UIList):
    """Shape keys and the ARKit shapes that they are."""

    def draw_item(self, _context, layout, _data, item, _icon, _active_data, _active_property) -> None:
        row = layout.split(factor=0.5, align=True)
        row.label(text=item.name, translate=False)
        row.prop(item, "shape", text="")


class EMOSPLAT_UL_regions(bpy.types.UIList):
    """Materials, vertex groups and objects, and the regions that they are."""

    def draw_item(self, _context, layout, _data, item, _icon, _active_data, _active_property) -> None:
        row = layout.split(factor=0.5, align=True)
        row.label(text=item.name, translate=False)
        row.prop(item, "region", text="")


class EMOSPLAT_UL_lines(bpy.types.UIList):
    """Sound files and the emotions that they are spoken with."""

    def draw_item(self, _context, layout, _data, item, _icon, _active_data, _active_property) -> None:
        row = layout.split(factor=0.65, align=True)
        row.label(text=os.path.basename(item.filepath), icon="SOUND", translate=False)
        row.prop(item, "emotion", text="", emboss=False)


class CharacterPanel(InSidebar, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_capture_character"
    bl_parent_id = "EMOSPLAT_PT_capture"
    bl_label = "From a Character"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.emosplat_character
        layout.use_property_split = True
        layout.prop(settings, "face")
        if settings.face is None:
            draw_text(layout, context, "Choose the mesh of this file whose shape keys move the face.", "INFO")
        else:
            layout.prop(settings, "collection")
            layout.prop(settings, "head")
            if settings.head is not None and settings.head.type == "ARMATURE":
                layout.prop_search(settings, "head_bone", settings.head.pose, "bones")
            layout.prop(settings, "identity", placeholder=settings.face.name)
            layout.prop(settings, "frames")
            layout.row().prop(settings, "size", expand=True)
            if context.scene.render.engine == "CYCLES":
                layout.prop(settings, "samples")
            layout.prop(settings, "seed")
        run = capturing.current()
        if run is not None and run.rendering is not None:
            _draw_rendering(layout, run)
            return
        if running.session.busy and (run is not None or folder_in_work()):
            draw_busy(layout)  # the engine performs the lines, or makes the capture of the pictures
            return
        row = layout.row()
        row.scale_y = 1.5
        _, continues = capturing.next_capture(context.scene)
        row.operator("emosplat.capture_character", text="Continue" if continues else "Capture Character",
                     icon="RENDER_ANIMATION")


class ShapesPanel(InSidebar, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_character_shapes"
    bl_parent_id = "EMOSPLAT_PT_capture_character"
    bl_label = "Shapes"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.emosplat_character.face is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.emosplat_character
        lost = lacking(settings)
        row = layout.row()
        row.label(text=f"{len(EXPRESSION_NAMES) - len(lost)} of {len(EXPRESSION_NAMES)} shapes matched",
                  icon="ERROR" if len(lost) == len(EXPRESSION_NAMES) else "INFO" if lost else "CHECKMARK")
        row.operator("emosplat.match_shapes", text="", icon="FILE_REFRESH")
        layout.template_list("EMOSPLAT_UL_shapes", "", settings, "shapes", settings, "shape_index", rows=4)
        layout.prop(settings, "only_unmatched")
        if lost:
            more = f" and {len(lost) - LACKING_SHOWN} more" if len(lost) > LACKING_SHOWN else ""
            draw_text(layout, context, f"Not there: {', '.join(lost[:LACKING_SHOWN])}{more}. The head will not learn "
                      "what is not there.", "INFO")


class LinesPanel(InSidebar, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_character_lines"
    bl_parent_id = "EMOSPLAT_PT_capture_character"
    bl_label = "Lines"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.emosplat_character.face is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.emosplat_character
        row = layout.row()
        row.template_list("EMOSPLAT_UL_lines", "", settings, "lines", settings, "line_index", rows=3)
        column = row.column(align=True)
        column.operator("emosplat.add_lines", text="", icon="ADD")
        column.operator("emosplat.remove_line", text="", icon="REMOVE")
        if settings.line_index < len(settings.lines):
            line = settings.lines[settings.line_index]
            layout.use_property_split = True
            layout.prop(line, "emotion")
            if line.emotion != "neutral":
                layout.prop(line, "intensity")
        if not settings.lines:
            draw_text(layout, context, "Without lines the head learns how it looks, not how it speaks.", "INFO")


class RegionsPanel(InSidebar, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_character_regions"
    bl_parent_id = "EMOSPLAT_PT_capture_character"
    bl_label = "Regions"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return context.scene.emosplat_character.face is not None

    def draw(self, context: bpy.types.Context) -> None:
        layout, settings = self.layout, context.scene.emosplat_character
        draw_text(layout, context, "Told from the names of materials, vertex groups and objects. The rest of the "
                  "face's mesh is face, of other meshes neck and torso.", "INFO")
        layout.template_list("EMOSPLAT_UL_regions", "", settings, "regions", settings, "region_index", rows=4)


def _draw_rendering(layout: bpy.types.UILayout, run) -> None:
    """How far the background Blender is, and Cancel."""
    rendering = run.rendering
    column = layout.box().column()
    column.label(text=run.title, icon="SORTTIME")
    row = column.row(align=True)
    row.progress(factor=rendering.done / rendering.total if rendering.total else 0.0, text=stage_text(rendering))
    row.operator("emosplat.cancel_character", text="", icon="X")


CLASSES = (
    EMOSPLAT_UL_shapes, EMOSPLAT_UL_regions, EMOSPLAT_UL_lines, CharacterPanel, ShapesPanel, LinesPanel, RegionsPanel,
)

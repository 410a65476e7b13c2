# SPDX-License-Identifier: GPL-3.0-or-later
"""The Shape Keys panel: a take on any mesh, with or without a talking head in the scene."""

import os

import bpy

from ...engine.protocol import EXPRESSION_NAMES
from .. import running
from ..character.settings import UNUSED
from ..rigs.setup import active_face, face_reason, is_stale, lacking, performer_of, row_of, used_keys
from .key_list import KeyList
from .sidebar import InSidebar, draw_busy, draw_dialogue, draw_emotion, draw_life, draw_micro, draw_span
from .text import draw_text

SHOWN = 6
JAW_OPEN = EXPRESSION_NAMES.index("jawOpen")


class EMOSPLAT_UL_keys(KeyList, bpy.types.UIList):
    """Shape keys and what they do."""

    def draw_item(self, _context, layout, _data, item, _icon, _active_data, _active_property) -> None:
        layout.use_property_split = layout.use_property_decorate = False
        row = layout.split(factor=0.45, align=True)
        row.label(text=item.name, translate=False)
        row.prop(item, "shape", text="")


class RigPanel(InSidebar, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_rig"
    bl_label = "Shape Keys"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        layout, face = self.layout, active_face(context)
        if face is None:
            draw_text(layout, context, "Select a mesh with shape keys, such as a VRM, MetaHuman, Character Creator or "
                      "MPFB face: it can speak, too, without a head in the scene.", "INFO")
            return
        settings, performer = face.emosplat_rig, performer_of(face)
        layout.label(text=face.name, icon="SHAPEKEY_DATA", translate=False)
        if reason := face_reason(face):
            draw_text(layout, context, f"{reason}.", "ERROR")
            return
        layout.use_property_split = True
        layout.row().prop(settings, "source", expand=True)
        if settings.source == "FILE":
            row = layout.row(align=True)
            row.prop(settings, "file")
            row.operator("emosplat.choose_take", text="", icon="FILEBROWSER")
            if os.path.splitext(settings.file)[1].lower() == ".csv":
                layout.prop(settings, "timecode_fps")
        else:
            layout.prop(settings, "performer", icon="USER")
            if performer == face:
                row = layout.row(align=True)
                row.prop(face.emosplat, "audio")
                row.operator("emosplat.choose_speech", text="", icon="FILEBROWSER")
            layout.prop(settings, "use_sound")
        if performer == face:
            draw_dialogue(layout, face.emosplat)
            draw_span(layout, face.emosplat)
        layout.row().prop(settings, "target", expand=True)
        layout.prop(settings, "error")
        layout.prop(settings, "use_family")
        if running.session.busy:
            draw_busy(layout)
            return
        row = layout.row()
        row.scale_y = 1.5
        row.operator("emosplat.bake_take", icon="ACTION")
        if settings.last_take:
            layout.operator("emosplat.export_take_csv", icon="EXPORT")


class RigSubPanel(InSidebar):
    """Base of the sub-panels: they show only while there is a mesh to bake on."""

    bl_parent_id = "EMOSPLAT_PT_rig"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        face = active_face(context)
        return face is not None and not face_reason(face)

    def draw(self, context: bpy.types.Context) -> None:
        self.layout.use_property_split = True
        self.draw_face(self.layout, context, active_face(context))


class KeysPanel(RigSubPanel, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_rig_keys"
    bl_label = "Mapping"
    bl_options = set()

    def draw_face(self, layout, context, face) -> None:
        settings = face.emosplat_rig
        if is_stale(face):
            layout.operator("emosplat.match_keys", icon="FILE_REFRESH")
            if not len(settings.keys):
                return
        folds, lost = lacking(settings)
        shown = len(EXPRESSION_NAMES) - len(folds) - len(lost)
        row = layout.row(align=True)
        row.label(text=f"{shown} of {len(EXPRESSION_NAMES)} shapes matched", icon="CHECKMARK" if shown else "ERROR")
        row.operator("emosplat.match_keys", text="", icon="LOOP_BACK").reset = True
        layout.template_list("EMOSPLAT_UL_keys", "", settings, "keys", settings, "key_index", rows=5)
        layout.prop(settings, "only_unmatched")
        if settings.key_index < len(settings.keys) and settings.keys[settings.key_index].shape != UNUSED:
            layout.prop(settings.keys[settings.key_index], "amount", slider=True)
        if folds:
            told = dict.fromkeys(f"{_sideless(name)} in {' and '.join(dict.fromkeys(map(_sideless, near)))}"
                                 for name, near in folds.items())
            draw_text(layout, context, f"Not there, shown by near ones: {_some(list(told))}.", "INFO")
        if lost:
            draw_text(layout, context, f"Not there: {_some(list(dict.fromkeys(map(_sideless, lost))))}.", "INFO")


class RigJawPanel(RigSubPanel, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_rig_jaw"
    bl_label = "Jaw Bone"

    def draw_header(self, context: bpy.types.Context) -> None:
        self.layout.prop(active_face(context).emosplat_rig, "use_jaw", text="")

    def draw_face(self, layout, context, face) -> None:
        settings = face.emosplat_rig
        layout.active = settings.use_jaw
        layout.prop(settings, "jaw_rig")
        if settings.jaw_rig is not None:
            layout.prop_search(settings, "jaw_bone", settings.jaw_rig.data, "bones")
        layout.row().prop(settings, "jaw_axis", expand=True)
        layout.prop(settings, "jaw_angle")
        if settings.use_jaw and any(row_of(entry.shape)[JAW_OPEN] for entry in used_keys(settings)):
            draw_text(layout, context, "Shape keys open the mouth, too. If it opens twice as far, set them to Not Used "
                      "or choose a smaller angle.", "INFO")


class SlidersPanel(RigSubPanel):
    """Base of the sliders' sub-panels: they show only while the mesh performs by itself."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        face = active_face(context)
        return face.emosplat_rig.source == "AUDIO" and performer_of(face) == face


class RigEmotionPanel(SlidersPanel, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_rig_emotion"
    bl_label = "Emotion"

    def draw_face(self, layout, context, face) -> None:
        draw_emotion(layout, face.emosplat)


class RigMicroPanel(SlidersPanel, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_rig_micro"
    bl_label = "Micro-expressions"

    def draw_face(self, layout, context, face) -> None:
        draw_micro(layout, face.emosplat)


class RigLifePanel(SlidersPanel, bpy.types.Panel):
    bl_idname = "EMOSPLAT_PT_rig_life"
    bl_label = "Life"

    def draw_face(self, layout, context, face) -> None:
        draw_life(layout, face.emosplat, ("blink", "gaze", "micro_motion"))  # a mesh's shape keys do not turn its head


def _sideless(name: str) -> str:
    """Of both sides one word is enough; the jaw and the mouth that go to one side keep it."""
    base = name.removesuffix("Left").removesuffix("Right")
    return name if base in ("jaw", "mouth") else base


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


CLASSES = (EMOSPLAT_UL_keys, RigPanel, KeysPanel, RigJawPanel, RigEmotionPanel, RigMicroPanel, RigLifePanel)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The Splat Points panel: bake a head into the scene, and how its points look."""

import bpy

from .. import running
from ..colour import colours_change
from ..compat import modifier_input
from ..heads import active_head
from ..points.importing import own_modifier, own_points
from ..points.look import solid_shows_colours, too_few_bounces
from .sidebar import HeadPanel, InSidebar
from .text import draw_text

SHOWN = ("Viewport", "Render", "Color", "Size", "Opacity Cut-off", "Preview Density")


class PointsPanel(HeadPanel):
    bl_idname = "EMOSPLAT_PT_points"
    bl_label = "Splat Points"
    bl_options = {"DEFAULT_CLOSED"}

    def draw_head(self, layout, context, head, settings) -> None:
        points = own_points(head)
        layout.prop(head.emosplat_points, "error")
        layout.prop(head.emosplat_points, "sound")
        if points is not None or not running.session.busy:
            row = layout.row(align=True)
            row.scale_y, row.use_property_split = 1.3, False
            row.operator("emosplat.bake_points", text="Bake Again" if points else "Bake Points", icon="POINTCLOUD_DATA")
            if points is not None:
                row.prop(head.emosplat_points, "auto", toggle=True, icon="FILE_REFRESH")
        layout.operator("emosplat.import_points", text="Import Clip or PLY", icon="IMPORT")
        if points is not None:
            _draw_look(layout, context, points)


class LonePointsPanel(InSidebar, bpy.types.Panel):
    """The same for points of their own, where the active object is such."""

    bl_idname = "EMOSPLAT_PT_lone_points"
    bl_label = "Splat Points"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return active_head(context) is None

    def draw(self, context: bpy.types.Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.operator("emosplat.import_points", text="Import Clip or PLY", icon="IMPORT")
        if context.object is not None and own_modifier(context.object):
            _draw_look(layout, context, context.object)


def _draw_look(layout: bpy.types.UILayout, context: bpy.types.Context, points: bpy.types.Object) -> None:
    """The inputs of the modifier, and what scene and view lack."""
    modifier = own_modifier(points)
    if modifier is None:
        draw_text(layout, context, "The points have lost their Splats modifier: delete them, and bake again.", "ERROR")
        return
    layout.operator("emosplat.select_points", icon="RESTRICT_SELECT_OFF")
    column = layout.column()
    for name in SHOWN:
        try:
            owner, path = modifier_input(modifier, name)
        except KeyError:  # the animator's own node group
            continue
        column.prop(owner, path, text=name)
    if not solid_shows_colours(context):
        layout.operator("emosplat.colour_solid", icon="COLOR")
    if too_few_bounces(context.scene):
        layout.operator("emosplat.allow_bounces", icon="ERROR")
    if why := colours_change(context.scene):
        draw_text(layout, context, why, "INFO")


CLASSES = (PointsPanel, LonePointsPanel)

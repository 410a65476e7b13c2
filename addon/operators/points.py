# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that bake splat points, bring clips and PLY files in, and prepare a scene for them."""

from math import pi
from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty
from bpy_extras.io_utils import ImportHelper

from .. import paths
from ..heads import active_head
from ..points.baking import bake, bake_ply, bring_in
from ..points.clip_file import SUFFIX, count_points, read_clip
from ..points.importing import MOST_POINTS, own_points
from ..points.look import BOUNCES, show_colours_in_solid, solid_shows_colours
from ..problem import Problem
from .explained import Explained, OnHead, busy_reason, head_reason, report_ending

UPRIGHT = {"Z": (0.0, 0.0, 0.0), "MINUS_Y": (-pi / 2, 0.0, 0.0), "Y": (pi / 2, 0.0, 0.0)}


class BakePoints(OnHead, bpy.types.Operator):
    """Bake what the head says into points with shape keys and F-curves, which play and render without the add-on.
    Points that are there are baked again in place: modifiers, materials and parents stay"""

    bl_idname = "emosplat.bake_points"
    bl_label = "Bake Points"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        head = active_head(context)
        if reason := head_reason(head):
            return reason
        return busy_reason() or ("" if head.emosplat.audio else "Choose an audio file first")

    def run(self, context: bpy.types.Context) -> None:
        bake(context, active_head(context))
        report_ending(self)


class ImportPoints(Explained, ImportHelper, bpy.types.Operator):
    """Bring in an .emoclip, or a PLY of Gaussian splats, as splat points"""

    bl_idname = "emosplat.import_points"
    bl_label = "Import Splat Points"
    bl_options = {"REGISTER", "UNDO"}

    filename_ext = SUFFIX
    filter_glob: StringProperty(default=f"*{SUFFIX};*.ply", options={"HIDDEN"})
    use_head: BoolProperty(
        name="Under the Head", default=True,
        description="A clip becomes the active head's points, in place of those it has. Off: points of their own",
    )
    most: IntProperty(
        name="At Most", default=MOST_POINTS, min=1000, max=2_000_000,
        description="Files of more points are thinned to so many, which are grown to cover as much",
    )
    upright: EnumProperty(
        name="Up", default="Z", description="Which way is up in a PLY file",
        items=(("Z", "Z", "As EmoSplat and Blender have it"), ("MINUS_Y", "-Y", "As most captures and viewers have it"),
               ("Y", "Y", "As game engines have it")),
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return busy_reason() or ("" if context.mode == "OBJECT" else "Leave Edit Mode first")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if self.filepath:  # dropped onto the view
            return self._ask(context)
        return super().invoke(context, event)

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not self.options.is_invoke or bpy.app.background or self._asked:
            return super().execute(context)
        return self._ask(context)

    _asked = False

    def _ask(self, context: bpy.types.Context) -> set[str]:
        """A clip of very many points is not brought in before the animator has seen how many."""
        try:
            count = count_points(self.filepath) if self.filepath.lower().endswith(SUFFIX) else 0
        except Problem as problem:
            self.report({"ERROR"}, str(problem))
            return {"CANCELLED"}
        self._asked = True
        if count <= MOST_POINTS:
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(
            self, width=360, title=f"This clip has {count:,} points, which make Blender slow", confirm_text="Import")

    def run(self, context: bpy.types.Context) -> None:
        path = paths.absolute(self.filepath)
        if path.lower().endswith(".ply"):
            if not Path(path).is_file():
                raise Problem(f"The file {path} does not exist.", "Choose another.")
            bake_ply(context, path, self.most, UPRIGHT[self.upright])
            return report_ending(self)
        head = active_head(context) if self.use_head else None
        if head is not None and (reason := head_reason(head)):
            raise Problem(f"{reason}.")
        start = head.emosplat.start_frame if head else context.scene.frame_start
        _, warnings = bring_in(context.scene, head, read_clip(path), start, self.most, "")
        for warning in warnings:
            self.report({"WARNING"}, warning)


class DropPoints(bpy.types.FileHandler):
    """Clips and PLY files dropped onto the 3D View become splat points"""

    bl_idname = "EMOSPLAT_FH_points"
    bl_label = "Splat Points"
    bl_import_operator = "emosplat.import_points"
    bl_file_extensions = f"{SUFFIX};.ply"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


class AllowBounces(Explained, bpy.types.Operator):
    """Let Cycles look through enough splats, one behind the other (Render properties, Light Paths, Transparent). With
    fewer, heads turn dark"""

    bl_idname = "emosplat.allow_bounces"
    bl_label = "Raise Transparent Bounces"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if context.scene.cycles.transparent_max_bounces < BOUNCES else "Cycles looks through enough splats"

    def run(self, context: bpy.types.Context) -> None:
        context.scene.cycles.transparent_max_bounces = BOUNCES


class ColourSolid(Explained, bpy.types.Operator):
    """Let this view's Solid shading show colours that meshes carry (Viewport Shading, Color, Attribute)"""

    bl_idname = "emosplat.colour_solid"
    bl_label = "Show Colours in Solid View"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "The view shows colours" if solid_shows_colours(context) else ""

    def run(self, context: bpy.types.Context) -> None:
        show_colours_in_solid(context)


class SelectPoints(OnHead, bpy.types.Operator):
    """Make the head's points the active object, to see their modifier, shape keys and curves"""

    bl_idname = "emosplat.select_points"
    bl_label = "Select Points"
    bl_options = {"UNDO", "INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = super().disabled_reason(context)
        return reason or ("" if own_points(active_head(context)) else "Bake points first")

    def run(self, context: bpy.types.Context) -> None:
        points = own_points(active_head(context))
        if points.name not in context.view_layer.objects:
            raise Problem(f"The points {points.name!r} are not in this view layer.")
        for other in context.selected_objects:
            other.select_set(False)
        points.select_set(True)
        context.view_layer.objects.active = points


CLASSES = (BakePoints, ImportPoints, DropPoints, AllowBounces, ColourSolid, SelectPoints)

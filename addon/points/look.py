# SPDX-License-Identifier: GPL-3.0-or-later
"""What scene and view need for splat points to look right, beside the points themselves."""

import bpy

BOUNCES = 128  # splats that a ray of Cycles may pass, one behind the other


def solid_shows_colours(context: bpy.types.Context) -> bool:
    """Whether the 3D View is not in Solid shading, or shows colour attributes in it."""
    shading = _shading(context)
    return shading is None or shading.type != "SOLID" or shading.color_type == "VERTEX"


def show_colours_in_solid(context: bpy.types.Context) -> None:
    """Solid view with the points' own colours, unlit: the head's light is in them already."""
    if (shading := _shading(context)) is not None:
        shading.color_type, shading.light = "VERTEX", "FLAT"


def too_few_bounces(scene: bpy.types.Scene) -> bool:
    """Whether Cycles, if it renders this scene, stops before it has passed all splats."""
    return scene.render.engine == "CYCLES" and scene.cycles.transparent_max_bounces < BOUNCES


def _shading(context: bpy.types.Context) -> bpy.types.View3DShading | None:
    space = context.space_data
    return space.shading if space is not None and space.type == "VIEW_3D" else None

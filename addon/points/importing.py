# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip into the scene as splat points under a head, in place of what the clip before it brought in."""

import bpy
import numpy as np

from ..compat import set_modifier_input
from ..problem import Problem
from .animation import fill_action
from .clip_file import PointsClip
from .material import build_material
from .mesh import fill_mesh
from .nodes import COLORS, MENUS, POINTS, SPLATS, build_nodes
from .splats import Splats, splats_of

# The custom property that points from the points to their head: it follows renaming, saving, appending and undo.
OWNER = "emosplat_points_of"
MODIFIER = "Splats"
OWN_NODES = "emosplat_splats"  # marks the node group
MOST_POINTS = 200_000


def own_points(head: bpy.types.Object) -> bpy.types.Object | None:
    """The head's points, or None."""
    return next((thing for thing in bpy.data.objects if thing.get(OWNER) == head and thing.type == "MESH"), None)


def own_modifier(thing: bpy.types.Object) -> bpy.types.NodesModifier | None:
    """The modifier that draws an object's splats, or None where it has none."""
    return next((modifier for modifier in thing.modifiers if modifier.type == "NODES" and modifier.node_group
                 and modifier.node_group.get(OWN_NODES)), None)


def is_points(thing: bpy.types.Object) -> bool:
    """Whether an object is splat points, of a head or of their own."""
    return OWNER in thing.keys() or own_modifier(thing) is not None


def import_points(
    scene: bpy.types.Scene, head: bpy.types.Object | None, clip: PointsClip, first: int, most: int = MOST_POINTS,
) -> tuple[bpy.types.Object, list[str]]:
    """Bring a clip in.

    Args:
        head: the points become its child and replace its former ones; None: points of their own, at the 3D cursor.
        first: scene frame of the clip's first frame.
        most: a clip of more points is thinned to so many.

    Returns:
        The object, and warnings.

    Raises:
        Problem: the former points cannot be changed.
    """
    warnings = []
    thing = require_free(head) if head else None
    splats = splats_of(clip, most)
    if len(splats.means) < len(clip):
        warnings.append(f"The clip's {len(clip):,} points were thinned to {len(splats.means):,}.")
    if thing is None:
        thing = _new_object(scene, head, clip.name, splats)
    elif fill_mesh(thing, splats):
        warnings.append("The number of points changed: shape keys of your own, and what animated them, are gone.")
    fill_action(thing.data, clip.weights, first)
    thing.update_tag()
    return thing, warnings


def require_free(head: bpy.types.Object) -> bpy.types.Object | None:
    """The head's points, if any. Raises Problem where they cannot be changed now."""
    thing = own_points(head)
    if thing is None:
        return None
    name = thing.name
    if not thing.is_editable or not thing.data.is_editable:
        raise Problem(f"The points {name!r} are linked from another file.", "Make them local, or delete them.",
                      "points")
    if thing.mode != "OBJECT":
        raise Problem(f"The points {name!r} are in {thing.mode.replace('_', ' ').title()} Mode.",
                      "Leave it, and bake again.", "points")
    keys = thing.data.shape_keys
    action = keys and keys.animation_data and keys.animation_data.action
    if action and not action.is_editable:
        raise Problem(f"The action {action.name!r} of the points {name!r} is linked from another file.",
                      "Make it local.", "points")
    return thing


def _new_object(
    scene: bpy.types.Scene, head: bpy.types.Object | None, name: str, splats: Splats
) -> bpy.types.Object:
    name = f"{head.name if head else name} Points"
    mesh = bpy.data.meshes.new(name)
    thing = bpy.data.objects.new(name, mesh)
    collections = head.users_collection if head else ()
    (collections[0] if collections else scene.collection).objects.link(thing)
    if head:
        thing.parent = head
        thing[OWNER] = head
    else:
        thing.location = scene.cursor.location
    fill_mesh(thing, splats)
    mean = np.average(splats.colors[:, :3], axis=0, weights=splats.opacities + 1e-6)
    material = build_material(name, tuple(map(float, mean)))
    mesh.materials.append(material)
    modifier = thing.modifiers.new(MODIFIER, "NODES")
    modifier.node_group = build_nodes(name, material)
    modifier.node_group[OWN_NODES] = True
    for menu, item in (("Viewport", POINTS), ("Render", SPLATS), ("Color", COLORS[0])):
        set_modifier_input(modifier, menu, MENUS[menu].index(item))
    return thing

# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh of points: attributes, and shape keys that hold the basis. Filled anew in place where it exists."""

import bpy
import numpy as np

from .splats import Splats

# Key blocks of ours; the animator's own have other names.
KEY_PREFIX = "Movement "
LIMIT = 10.0  # the most that a shape key's slider can go
# Name -> type, and what foreach_set calls it.
ATTRIBUTES = {
    "Color": ("FLOAT_COLOR", "color"), "tile_color": ("FLOAT_COLOR", "color"), "opacity": ("FLOAT", "value"),
    "size": ("FLOAT_VECTOR", "vector"), "rotation": ("QUATERNION", "value"), "turn": ("QUATERNION", "value"),
    "uncertainty": ("FLOAT", "value"), "region": ("INT", "value"), "neighbour_1": ("INT", "value"),
    "neighbour_2": ("INT", "value"),
}  # fmt: skip


def key_names(count: int) -> list[str]:
    return [f"{KEY_PREFIX}{number:02d}" for number in range(1, count + 1)]


def own_keys(mesh: bpy.types.Mesh) -> list[bpy.types.ShapeKey]:
    """The shape keys that a clip has made, without the rest shape."""
    if mesh.shape_keys is None:
        return []
    return [block for block in mesh.shape_keys.key_blocks[1:] if block.name.startswith(KEY_PREFIX)]


def fill_mesh(thing: bpy.types.Object, splats: Splats) -> bool:
    """Put splats into the object's mesh: points, attributes, and the basis as shape keys at their names.

    Returns:
        Whether the shape keys had to be made anew, because the number of points changed; with them go the animator's
        own keys and what animated them.
    """
    mesh = thing.data
    anew = mesh.shape_keys is not None and len(mesh.vertices) != len(splats.means)
    if anew:
        thing.shape_key_clear()
    if len(mesh.vertices) != len(splats.means):
        mesh.clear_geometry()
        mesh.vertices.add(len(splats.means))
    mesh.vertices.foreach_set("co", splats.means.ravel())
    values = {
        "Color": splats.colors, "tile_color": splats.tile_colors, "opacity": splats.opacities, "size": splats.sizes,
        "rotation": splats.quats, "turn": splats.turns, "uncertainty": splats.uncertainty,
        "region": splats.regions.astype(np.int32),
        "neighbour_1": splats.neighbours[:, 0], "neighbour_2": splats.neighbours[:, 1],
    }  # fmt: skip
    for name, (kind, field) in ATTRIBUTES.items():
        attribute = mesh.attributes.get(name) or mesh.attributes.new(name, kind, "POINT")
        attribute.data.foreach_set(field, np.ascontiguousarray(values[name]).ravel())
    mesh.attributes.active_color = mesh.attributes["Color"]
    _fill_keys(thing, splats)
    mesh.update()
    return anew


def _fill_keys(thing: bpy.types.Object, splats: Splats) -> None:
    mesh, names = thing.data, key_names(len(splats.basis))
    for block in own_keys(mesh):
        if block.name not in names:
            thing.shape_key_remove(block)
    if not names:
        return
    if mesh.shape_keys is None:
        thing.shape_key_add(name="Rest", from_mix=False)
    blocks = mesh.shape_keys.key_blocks
    blocks[0].data.foreach_set("co", splats.means.ravel())
    for name, shape in zip(names, splats.basis):
        block = blocks.get(name) or thing.shape_key_add(name=name, from_mix=False)
        block.slider_min, block.slider_max = -LIMIT, LIMIT
        block.data.foreach_set("co", (splats.means + shape).ravel())

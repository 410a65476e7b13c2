# SPDX-License-Identifier: GPL-3.0-or-later
"""Which mesh is meant, what its keys mean, what stands in the way of baking on it."""

import bpy

from ...engine.protocol import EXPRESSION_NAMES
from ..character.matching import match_keys
from ..character.settings import UNUSED, entry_of, names_of
from ..character.setup import family
from ..points.importing import is_points
from ..problem import Problem
from .folds import folds_for
from .poses import POSES, match_poses, shape_row
from .settings import RigKey, RigSettings


def has_keys(thing: bpy.types.Object | None) -> bool:
    """A mesh with more shape keys than its basis. Splat points have them, too, but are no face."""
    return (thing is not None and thing.type == "MESH" and thing.data.shape_keys is not None
            and len(thing.data.shape_keys.key_blocks) > 1 and not is_points(thing))


def active_face(context: bpy.types.Context) -> bpy.types.Object | None:
    """The active object if it has shape keys, else the scene's only mesh that has been matched."""
    active = context.view_layer.objects.active if context.view_layer else None
    if has_keys(active):
        return active
    known = [thing for thing in context.scene.objects if has_keys(thing) and len(thing.emosplat_rig.keys)]
    return known[0] if len(known) == 1 else None


def performer_of(face: bpy.types.Object) -> bpy.types.Object:
    """Whose audio, sliders and start are used."""
    settings = face.emosplat_rig
    own = settings.performer is None or settings.source == "FILE"
    return face if own else settings.performer


def face_reason(face: bpy.types.Object | None) -> str:
    """Why nothing can be baked on this mesh, or ""."""
    if face is None:
        return "Select a mesh with shape keys"
    key = face.data.shape_keys
    if not face.is_editable or not key.is_editable:
        return (f"{face.name} or its mesh is linked from another file: make it local, or a library override with its "
                "mesh")
    if face.data.is_editmode:  # also through another object that shares it
        return "Leave Edit Mode first"
    return "" if key.use_relative else "The mesh has absolute shape keys: switch on Relative in its properties"


def fill_keys(face: bpy.types.Object) -> None:
    """Match a mesh's shape keys anew; what the animator chose stays."""
    settings, key = face.emosplat_rig, face.data.shape_keys
    chosen = {entry.name: (entry.shape, entry.amount) for entry in settings.keys}
    names = [block.name for block in key.key_blocks if block != key.reference_key]
    match = match_keys(names)
    poses = match_poses(match.unknown, {name for moved in match.names.values() for name in moved})
    settings.keys.clear()
    for name in names:
        entry = settings.keys.add()
        entry.name = name
        found = poses.get(name) or entry_of(match.names.get(name, ()))
        entry.shape, entry.amount = chosen.get(name, (found, 1.0))
    settings.key_index = min(settings.key_index, max(len(names) - 1, 0))
    if settings.jaw_rig is None:
        _suggest_jaw(face)


def _suggest_jaw(face: bpy.types.Object) -> None:
    """Name the jaw's bone in the settings where the face's rig has one; whether it is used stays to be chosen."""
    rigs = [modifier.object for modifier in face.modifiers if modifier.type == "ARMATURE"] + [face.parent]
    for rig in rigs:
        bones = [bone.name for bone in rig.data.bones if "jaw" in bone.name.lower()] if _is_armature(rig) else []
        if bones:
            face.emosplat_rig.jaw_rig, face.emosplat_rig.jaw_bone = rig, min(bones, key=len)
            return


def _is_armature(thing: bpy.types.Object | None) -> bool:
    return thing is not None and thing.type == "ARMATURE"


def is_stale(face: bpy.types.Object) -> bool:
    """Whether the list names other keys than the mesh has: one was added, removed or renamed."""
    key = face.data.shape_keys
    there = {block.name for block in key.key_blocks if block != key.reference_key}
    return there != {entry.name for entry in face.emosplat_rig.keys}


def used_keys(settings: RigSettings) -> list[RigKey]:
    return [entry for entry in settings.keys if entry.shape != UNUSED]


def row_of(shape: str):
    """(52,) float32: what a key with this entry of the list does."""
    return shape_row(POSES[shape] if shape in POSES else dict.fromkeys(names_of(shape), 1.0))


def shown_by(settings: RigSettings) -> set[str]:
    """ARKit's names that a take on this mesh shows, in keys or by the jaw's bone."""
    shown = {"jawOpen"} if settings.use_jaw else set()
    for shape in {entry.shape for entry in used_keys(settings)}:
        shown |= {name for name, weight in zip(EXPRESSION_NAMES, row_of(shape)) if weight}
    return shown


def lacking(settings: RigSettings) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Missing shapes that are folded into near ones, and those that are lost."""
    shown = shown_by(settings)
    folds = folds_for(shown)
    return folds, [name for name in EXPRESSION_NAMES if name not in shown and name not in folds]


def followers(face: bpy.types.Object, scene: bpy.types.Scene, names: set[str]) -> list[bpy.types.Key]:
    """Shape keys of the face's other meshes, such as teeth and lashes, that have some of these names and can be
    keyed.
    """
    if not face.emosplat_rig.use_family:
        return []
    found, relatives = [], family(face, scene)
    for thing in scene.objects:
        if has_keys(thing) and thing in relatives and not face_reason(thing):
            key = thing.data.shape_keys
            free = {block.name for block in key.key_blocks} - driven_keys(key)
            if key != face.data.shape_keys and free & names and key not in found:
                found.append(key)
    return found


def driven_keys(key: bpy.types.Key) -> set[str]:
    """Names of the shape keys that drivers move: a curve would have no effect on them."""
    drivers = key.animation_data.drivers if key.animation_data else ()
    paths = {driver.data_path for driver in drivers}
    return {block.name for block in key.key_blocks if value_path(block.name) in paths}


def value_path(name: str) -> str:
    """The data path of a shape key's value, from its Key."""
    return f'key_blocks["{bpy.utils.escape_identifier(name)}"].value'


def require_face(face: bpy.types.Object) -> None:
    """Raises Problem unless something can be baked on this mesh."""
    if not has_keys(face):
        raise Problem(f"{face.name!r} has no shape keys.", "Choose a mesh that has.", "character")
    if reason := face_reason(face):
        raise Problem(f"{reason}.", "", "character")
    if not used_keys(face.emosplat_rig) and not face.emosplat_rig.use_jaw:
        raise Problem(f"No shape key of {face.name!r} is matched to one of ARKit's.",
                      "Give the keys their shapes in the list.", "character")

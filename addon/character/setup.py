# SPDX-License-Identifier: GPL-3.0-or-later
"""From a scene's settings to a job: who belongs to the character, what its keys mean, what its parts are."""

import os
from pathlib import Path

import bpy

from ..paths import absolute
from ..problem import Problem
from .job import CharacterJob, Shape
from .matching import match_keys, missing
from .prepare import DRAWN
from .regions import REGIONS, region_of, region_of_material
from .settings import CharacterSettings, entry_of, names_of


def members(settings: CharacterSettings, scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The character's objects: its collection's, or all that hang on the face's uppermost parent or its rig."""
    if settings.face is None:
        return []
    chosen = settings.collection
    things = set(chosen.all_objects) | {settings.face} if chosen is not None else family(settings.face, scene)
    return [thing for thing in scene.objects
            if thing in things and thing.type in DRAWN and (thing == settings.face or not thing.hide_render)]


def family(face: bpy.types.Object, scene: bpy.types.Scene) -> set[bpy.types.Object]:
    """All of a scene that hangs on a face's uppermost parent or on its rig, the face among them."""
    rigs = {modifier.object for modifier in face.modifiers if modifier.type == "ARMATURE"} - {None}
    rigs |= {thing for thing in _line(face) if thing.type == "ARMATURE"}
    tops = {_line(thing)[-1] for thing in (face, *rigs)}
    return {thing for thing in scene.objects
            if _line(thing)[-1] in tops or any(getattr(m, "object", None) in rigs for m in thing.modifiers)}


def fill_lists(settings: CharacterSettings, scene: bpy.types.Scene) -> None:
    """Match shape keys and guess regions anew; what the animator chose stays."""
    shapes = {(entry.object, entry.name): entry.shape for entry in settings.shapes}
    regions = {entry.name: entry.region for entry in settings.regions}
    settings.shapes.clear()
    settings.regions.clear()
    things = members(settings, scene)
    for thing in things:
        if thing.type == "MESH" and thing.data.shape_keys is not None:
            keys = [key.name for key in thing.data.shape_keys.key_blocks if key != thing.data.shape_keys.reference_key]
            match = match_keys(keys)
            for key in keys:
                entry = settings.shapes.add()
                entry.name, entry.object = key, thing.name
                entry.shape = shapes.get((thing.name, key), entry_of(match.names.get(key, ())))
    for name, region in _guessed(things).items():
        entry = settings.regions.add()
        entry.name, entry.region = name, regions.get(name, REGIONS[region])


def job_of(settings: CharacterSettings, scene: bpy.types.Scene, work: Path, blend: Path, fps: str) -> CharacterJob:
    """The job without its takes. Raises Problem."""
    if settings.face is None:
        raise Problem("No face is chosen.", "Choose the mesh whose shape keys move the face.", "character")
    things = {thing.name for thing in members(settings, scene)}
    shapes = [Shape(entry.object, entry.name, list(names_of(entry.shape))) for entry in settings.shapes
              if names_of(entry.shape) and entry.object in things]
    if not shapes:
        raise Problem("No shape key of the character is matched to one of ARKit's.", "Match them in the list.",
                      "character")
    head = settings.head
    return CharacterJob(
        blend=str(blend), scene=scene.name, out=str(work), objects=sorted(things), shapes=shapes,
        identity=settings.identity.strip() or settings.face.name, head_object=head.name if head else "",
        head_bone=settings.head_bone if head is not None and head.type == "ARMATURE" else "",
        regions={entry.name: entry.region for entry in settings.regions}, frames=settings.frames,
        size=int(settings.size), fps=fps, seed=settings.seed, samples=settings.samples,
    )


def lines_of(settings: CharacterSettings) -> list[tuple[str, dict[str, float]]]:
    """Each line's sound and emotions. Raises Problem for a file that is not there."""
    lines = []
    for line in settings.lines:
        path = absolute(line.filepath)
        if not path or not os.path.isfile(path):
            raise Problem(f"The audio file {line.filepath!r} does not exist.", "Choose it again, or remove the line.",
                          "audio")
        lines.append((path, {line.emotion: line.intensity} if line.emotion != "neutral" else {}))
    return lines


def lacking(settings: CharacterSettings) -> list[str]:
    """ARKit's shapes that no key of the list shows."""
    return missing({name for entry in settings.shapes for name in names_of(entry.shape)})


def _line(thing: bpy.types.Object) -> list[bpy.types.Object]:
    """An object, its parent, and so on to the uppermost."""
    line = [thing]
    while line[-1].parent is not None:
        line.append(line[-1].parent)
    return line


def _guessed(things: list[bpy.types.Object]) -> dict[str, int]:
    """Materials, vertex groups and objects whose names say where they lie."""
    guessed: dict[str, int] = {}
    for thing in things:
        for slot in thing.material_slots:
            if slot.material is not None:
                guessed[slot.material.name] = region_of_material(slot.material.name)
        guessed |= {group.name: region_of(group.name) for group in thing.vertex_groups}
        guessed[thing.name] = region_of(thing.name)
    return {name: region for name, region in guessed.items() if region}

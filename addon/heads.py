# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads: the objects of a scene, and the head files that they may name."""

from dataclasses import dataclass
from math import pi
from pathlib import Path

import bpy
from mathutils import Matrix

from ..engine.protocol import DEFAULT_HEAD
from . import paths
from .preferences import preferences
from .problem import Problem

# The puppet is about 0.24 m tall, with its origin between the ears.
DISPLAY_RADIUS = 0.12


@dataclass(frozen=True)
class KnownHead:
    """A line of the engine's list of heads; `error` says why its file cannot be used, or is ""."""

    name: str
    path: str
    title: str
    error: str


known_heads: list[KnownHead] = [KnownHead(DEFAULT_HEAD, "", DEFAULT_HEAD.title(), "")]


def search_heads(_settings, _context: bpy.types.Context, text: str) -> list[tuple[str, str]]:
    """Suggestions for the panel's head field."""
    return [(head.name, head.error and "cannot be used" or head.title) for head in known_heads
            if text.lower() in head.name.lower()]


def resolve_head(name: str) -> str:
    """What the engine is given for the name or path that stands in the panel. Raises Problem when there is no file."""
    if not name:
        raise Problem("No head is chosen.", "Choose one in the panel's Head section.")
    if not name.lower().endswith(paths.HEAD_SUFFIX):
        folder = paths.absolute(preferences().heads_folder)
        file = Path(folder) / f"{name}{paths.HEAD_SUFFIX}"
        return str(file) if folder and file.is_file() else name
    file = Path(paths.absolute(name))
    if not file.is_file():
        raise Problem(f"The head file {file} does not exist.", "Choose another head in the panel.")
    return str(file)


def is_head(thing: bpy.types.Object | None) -> bool:
    return thing is not None and thing.emosplat.enabled


def heads_in(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    return [thing for thing in scene.objects if is_head(thing)]


def active_head(context: bpy.types.Context) -> bpy.types.Object | None:
    """The active object if it is a head, else the scene's only head, so that a selected camera hides nothing."""
    active = context.view_layer.objects.active if context.view_layer else None
    for thing in (active, active and active.parent):  # splat points lie below their head
        if is_head(thing):
            return thing
    heads = heads_in(context.scene)
    return heads[0] if len(heads) == 1 else None


def add_head(context: bpy.types.Context, name: str = "Head", head: str = DEFAULT_HEAD) -> bpy.types.Object:
    """Add an Empty that is a head, at the 3D cursor, face towards -Y, and make it the active object."""
    empty = bpy.data.objects.new(name, None)
    empty.empty_display_type = "SPHERE"
    empty.empty_display_size = DISPLAY_RADIUS
    empty.show_axis = True
    empty.show_name = True
    empty.location = context.scene.cursor.location
    empty.emosplat.enabled = True
    empty.emosplat.head = head
    empty.emosplat.start_frame = context.scene.frame_start
    context.collection.objects.link(empty)
    for other in context.selected_objects:
        other.select_set(False)
    empty.select_set(True)
    context.view_layer.objects.active = empty
    return empty


def set_audio(head: bpy.types.Object, path: str) -> None:
    """Give a head its audio. Raises Problem when there is no such file, or it is empty."""
    file = Path(paths.absolute(path))
    if not file.is_file():
        raise Problem(f"The audio file {file} does not exist.", "Choose another file.", "audio")
    if file.stat().st_size == 0:
        raise Problem(f"The audio file {file} is empty.", "Choose another file.", "audio")
    sound = bpy.data.sounds.load(str(file), check_existing=True)
    sound.filepath = paths.stored(file)
    head.emosplat.audio = sound


def add_portrait_camera(context: bpy.types.Context, head: bpy.types.Object) -> bpy.types.Object:
    """Add a camera that sees head and shoulders from 1.4 m with an 85 mm lens, and make it the scene's camera."""
    data = bpy.data.cameras.new(f"{head.name} Camera")
    data.lens = 85.0
    data.sensor_fit = "VERTICAL"
    data.sensor_height = 24.0
    data.clip_start = 0.01
    camera = bpy.data.objects.new(data.name, data)
    context.collection.objects.link(camera)
    location, rotation, scale = head.matrix_world.decompose()
    size = max(scale)
    before_face = Matrix.Translation((0.0, -1.4 * size, -0.03 * size)) @ Matrix.Rotation(pi / 2, 4, "X")
    camera.matrix_world = Matrix.LocRotScale(location, rotation, None) @ before_face
    context.scene.camera = camera
    return camera

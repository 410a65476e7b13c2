# SPDX-License-Identifier: GPL-3.0-or-later
"""An opened .blend made ready to be rendered by us: our values act, nothing else moves, the rest of the scene only
lights. Changes the open file, which is a copy that nobody saves.
"""

import hashlib

import bpy
import numpy as np

from ..problem import Problem
from .job import CharacterJob, Shape

SMALLEST_MOVE = 1e-6
DRAWN = {"MESH", "CURVE", "CURVES", "SURFACE", "META", "FONT", "POINTCLOUD", "VOLUME"}


def prepare_character(job: CharacterJob, scene: bpy.types.Scene) -> list[str]:
    """Free the character's shape keys for our values and put them to rest. Drops shapes from `job` that move nothing.

    Returns:
        Sentences for the person.

    Raises:
        Problem: an object or key is not there, or no shape is left.
    """
    warnings: list[str] = []
    things = [_thing(name) for name in job.objects]
    for name in dict.fromkeys(shape.object for shape in job.shapes):
        if name not in job.objects:
            things.append(_thing(name))
    with_keys = {shape.object for shape in job.shapes}
    for thing in things:
        _make_local(thing)
        if thing.name in with_keys:
            _show(thing, scene, warnings)
            _free_keys(thing, {s.key for s in job.shapes if s.object == thing.name}, warnings)
    still = [shape for shape in job.shapes if not _moves(shape)]
    if still:
        names = ", ".join(shape.key for shape in still[:5])
        warnings.append(f"{len(still)} shape keys move nothing and are left out, such as {names}.")
        job.shapes = [shape for shape in job.shapes if shape not in still]
    if not job.shapes:
        raise Problem("The character has no shape key that moves anything by an ARKit name.",
                      "Match its shape keys in the list, or give it some.", "character")
    job.objects = [thing.name for thing in things]
    bpy.context.view_layer.update()
    return warnings


def only_light(job: CharacterJob, scene: bpy.types.Scene) -> None:
    """Things that are not the character's light the scene where the renderer can tell that apart, and are not seen."""
    for thing in scene.objects:
        if thing.type in DRAWN and thing.name not in job.objects:
            if scene.render.engine == "CYCLES":
                thing.visible_camera = False
            else:
                thing.hide_render = True


def prepare_output(job: CharacterJob, scene: bpy.types.Scene) -> None:
    """Square RGBA pictures through the scene's own engine, light and view transform; nothing that blurs or composes."""
    render = scene.render
    render.resolution_x = render.resolution_y = job.size
    render.resolution_percentage = 100
    render.pixel_aspect_x = render.pixel_aspect_y = 1.0
    render.use_border = render.use_stamp = render.use_multiview = render.use_motion_blur = False
    render.use_compositing = render.use_sequencer = render.use_freestyle = False
    render.film_transparent = True
    render.use_persistent_data = True
    render.use_overwrite, render.use_placeholder = True, False
    images = render.image_settings
    if hasattr(images, "media_type"):  # from 5.0 on
        images.media_type = "IMAGE"
    images.file_format, images.color_mode, images.color_depth, images.compression = "PNG", "RGBA", "8", 15
    images.color_management = "FOLLOW_SCENE"
    if job.samples and render.engine == "CYCLES":
        scene.cycles.samples = job.samples
        scene.cycles.denoising_prefilter = "FAST"
        if hasattr(scene.cycles, "denoising_quality"):  # half the time of a frame with few samples is its denoising
            scene.cycles.denoising_quality = "FAST"
    scene.timeline_markers.clear()  # they may switch the camera


def add_camera(scene: bpy.types.Scene, metres: float) -> bpy.types.Object:
    lens = bpy.data.cameras.new("EmoSplat Capture")
    lens.sensor_fit, lens.sensor_width = "HORIZONTAL", 36.0
    lens.clip_start, lens.clip_end = 0.02 / metres, 100.0 / metres
    camera = bpy.data.objects.new("EmoSplat Capture", lens)
    scene.collection.objects.link(camera)
    scene.camera = camera
    return camera


def fingerprint(job: CharacterJob) -> str:
    """Of the shapes themselves: pictures of a character whose face was changed since do not go into one capture."""
    digest = hashlib.sha256()
    for name in dict.fromkeys(shape.object for shape in job.shapes):
        for key in bpy.data.objects[name].data.shape_keys.key_blocks:
            digest.update(key.name.encode() + _coordinates(key).tobytes())
    return digest.hexdigest()[:16]


def _thing(name: str) -> bpy.types.Object:
    thing = bpy.data.objects.get(name)
    if thing is None:
        raise Problem(f"There is no object {name!r} in the file.", "Choose the character's objects again.", "character")
    return thing


def _make_local(thing: bpy.types.Object) -> None:
    """What is linked cannot be changed: this file is a copy, so it may become local here."""
    if thing.data is not None and (thing.data.library or thing.data.override_library):
        if thing.library:
            thing.make_local()
        thing.data = thing.data.make_local()
    elif thing.library or thing.override_library:
        thing.make_local()


def _show(thing: bpy.types.Object, scene: bpy.types.Scene, warnings: list[str]) -> None:
    """An object that the person chose is rendered, hidden or not; its collections stay as they are."""
    shown = thing.name in bpy.context.view_layer.objects and not thing.hide_render
    if shown and not any(collection.hide_render for collection in thing.users_collection):
        return
    thing.hide_render = thing.hide_viewport = False
    if thing.name not in scene.collection.objects:
        scene.collection.objects.link(thing)
    warnings.append(f"{thing.name!r} was hidden in the scene; it is rendered.")


def _free_keys(thing: bpy.types.Object, ours: set[str], warnings: list[str]) -> None:
    """Take drivers, actions and limits off the keys that we set; correctives that others drive stay driven."""
    keys = thing.data.shape_keys
    if keys is None or not keys.use_relative:
        raise Problem(f"{thing.name!r} has no relative shape keys.", "Choose the mesh that has the face's shape keys.",
                      "character")
    if unknown := sorted(name for name in ours if name not in keys.key_blocks):
        raise Problem(f"{thing.name!r} has no shape key {unknown[0]!r}.", "Match its shape keys again.", "character")
    thing.show_only_shape_key = False
    if keys.animation_data is not None:
        heads = tuple(f'key_blocks["{bpy.utils.escape_identifier(name)}"].' for name in ours)
        driven = [driver for driver in keys.animation_data.drivers if driver.data_path.startswith(heads)]
        for driver in driven:
            keys.animation_data.drivers.remove(driver)
        if driven:
            warnings.append(f"{len(driven)} drivers on {thing.name!r}'s shape keys were set aside for the capture.")
        keys.animation_data.action = None
        keys.animation_data.use_nla = False
    for name in ours:
        key = keys.key_blocks[name]
        key.mute, key.slider_min, key.slider_max, key.value = False, 0.0, 1.0, 0.0


def _moves(shape: Shape) -> bool:
    key = bpy.data.objects[shape.object].data.shape_keys.key_blocks[shape.key]
    return bool(np.abs(_coordinates(key) - _coordinates(key.relative_key)).max() > SMALLEST_MOVE)


def _coordinates(key: bpy.types.ShapeKey) -> np.ndarray:
    points = np.empty(3 * len(key.data), np.float32)
    key.data.foreach_get("co", points)
    return points

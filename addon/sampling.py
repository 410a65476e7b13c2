# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene, frame by frame: sliders, camera and the head's matrix as the engine needs them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import bpy
from mathutils import Matrix

from ..engine.protocol import EMOTION_NAMES, MICRO_EXPRESSIONS, CameraTrack, Controls, exact_fps
from .cameras import Pinhole, pinhole, render_size, rows
from .compat import strips_of
from .problem import Problem
from .properties import emotion_property, micro_property

AMOUNTS = ("intensity", "auto_emotion", "blink", "gaze", "head_motion", "micro_motion")
SMALLEST, LARGEST = 8, 16384
REACH = 0.35  # metres around a head's origin that hold the head and its shoulders
# Looks at the scene as it now stands, and at the performing object.
See = Callable[[bpy.types.Context, bpy.types.Object], "Sample"]


@dataclass
class Sample:
    """What one scene frame gives; where only the sliders are asked for, nothing else."""

    sliders: dict[str, float]
    camera_name: str = ""
    camera: Pinhole | None = None
    head: Matrix | None = None


@dataclass
class Samples:
    """A range of scene frames: sampled once where nothing can move.

    Args:
        entries: one per frame, or a single one.
        warnings: sentences for the animator.
    """

    entries: list[Sample]
    warnings: list[str] = field(default_factory=list)


def scene_fps(scene: bpy.types.Scene) -> Fraction:
    """Frames per second without rounding: fps_base is a float32 that stands for a short decimal such as 1.001.

    Raises:
        Problem: outside 1 to 240.
    """
    base = Fraction(scene.render.fps_base).limit_denominator(10_000)
    try:
        return exact_fps(Fraction(scene.render.fps) / base)
    except (ValueError, ZeroDivisionError):
        rate = scene.render.fps / scene.render.fps_base
        raise Problem(f"The scene's frame rate {rate:g} is outside 1 to 240.",
                      "Set another in the Output properties.", "input") from None


def audio_frames(path: str, render: bpy.types.RenderSettings) -> int | None:
    """How many frames of `render`'s rate a sound file lasts, as Blender counts; None where Blender has no sound."""
    scene = bpy.data.scenes.new("EmoSplat audio length")
    known = set(bpy.data.sounds)
    scene.render.fps, scene.render.fps_base = render.fps, render.fps_base
    try:
        strip = strips_of(scene.sequence_editor_create()).new_sound("length", path, 1, 1)
        return strip.frame_duration
    except RuntimeError:
        return None
    finally:
        bpy.data.scenes.remove(scene)
        for copy in set(bpy.data.sounds) - known:
            bpy.data.sounds.remove(copy)


def sample(context: bpy.types.Context, head: bpy.types.Object, first: int, last: int) -> Samples:
    """Sample the context's scene on the frames first to last, inclusive; the current frame is restored.

    Raises:
        Problem: no camera, one that is no perspective camera, a picture that is too small or large, or a head
            without size.
    """
    scene = context.scene
    width, height = render_size(scene)
    if not SMALLEST <= min(width, height) <= max(width, height) <= LARGEST:
        raise Problem(f"The picture is {width} x {height} pixels, outside {SMALLEST} to {LARGEST}.",
                      "Set resolution and percentage in the Output properties.", "input")
    samples = Samples(_entries(context, head, range(first, last + 1), _see_head))
    _warn(samples, scene)
    return samples


def sample_sliders(context: bpy.types.Context, performer: bpy.types.Object, first: int, last: int) -> Samples:
    """Sample only an object's sliders, as `sample` does.

    Where nothing but the object's own curves can move them, that happens in a scene which holds nothing else: a frame
    of the animator's may take a tenth of a second.
    """
    frames, animation = range(first, last + 1), performer.animation_data
    handlers = bpy.app.handlers
    if handlers.frame_change_pre or handlers.frame_change_post or (animation and animation.drivers):
        return Samples(_entries(context, performer, frames, _see_sliders))
    if animation is None:
        return Samples([Sample(_sliders(performer))])
    scene, render = bpy.data.scenes.new("EmoSplat sliders"), context.scene.render
    scene.render.fps, scene.render.fps_base = render.fps, render.fps_base
    scene.collection.objects.link(performer)
    layer, entries = scene.view_layers[0], []
    try:
        for frame in frames:
            scene.frame_set(frame)
            entries.append(Sample(_sliders(performer.evaluated_get(layer.depsgraph))))
    finally:
        bpy.data.scenes.remove(scene)
    return Samples(entries)


def controls_of(samples: Samples, start: int) -> Controls:
    """The sliders as tracks; one that never changes is a constant.

    Args:
        start: the take's frame of the first entry.
    """
    def track(name: str) -> list[float]:
        return _short([entry.sliders[name] for entry in samples.entries])

    emotion = {name: track(emotion_property(name)) for name in EMOTION_NAMES}
    micro = {name: track(micro_property(name)) for name in MICRO_EXPRESSIONS}
    return Controls(
        emotion={name: values for name, values in emotion.items() if values != [0.0]},
        micro={name: values for name, values in micro.items() if values != [0.0]},
        **{name: track(name) for name in AMOUNTS}, start=start,
    )


def cameras_of(samples: Samples, scene: bpy.types.Scene, start: int) -> CameraTrack:
    """The camera and the head's matrix as tracks.

    Args:
        start: the take's frame of the first entry.
    """
    entries = samples.entries
    viewmats = _short([entry.camera.viewmat for entry in entries])
    Ks = _short([entry.camera.K for entry in entries])
    heads = _short([rows(entry.head) for entry in entries])
    return CameraTrack(*render_size(scene), viewmats, Ks, heads, start)


def _short(track: list) -> list:
    """A track that never changes as a single entry: an hour of audio has ninety thousand frames."""
    return track if any(entry != track[0] for entry in track) else track[:1]


def _entries(context: bpy.types.Context, thing: bpy.types.Object, frames: range, see: See) -> list[Sample]:
    thing.update_tag()  # Blender does not notice by itself that a script has set a slider
    if _can_move(context.scene):
        return _walk(context, thing, frames, see)
    context.view_layer.update()
    return [see(context, thing)]


def _walk(context: bpy.types.Context, thing: bpy.types.Object, frames: range, see: See) -> list[Sample]:
    scene, manager = context.scene, context.window_manager
    current, subframe = scene.frame_current, scene.frame_subframe
    entries = []
    manager.progress_begin(0, len(frames))
    try:
        for done, frame in enumerate(frames):
            scene.frame_set(frame)
            entries.append(see(context, thing))
            manager.progress_update(done)
    finally:
        manager.progress_end()
        scene.frame_set(current, subframe=subframe)
    return entries


def _see_sliders(context: bpy.types.Context, performer: bpy.types.Object) -> Sample:
    return Sample(_sliders(performer.evaluated_get(context.evaluated_depsgraph_get())))


def _see_head(context: bpy.types.Context, head: bpy.types.Object) -> Sample:
    scene = context.scene
    if scene.camera is None:
        raise Problem("The scene has no camera.", "Add one, or press 'Add Portrait Camera' in the panel.", "camera")
    depsgraph = context.evaluated_depsgraph_get()
    seen = head.evaluated_get(depsgraph)
    if abs(seen.matrix_world.to_3x3().determinant()) < 1e-9:
        raise Problem(f"The head {head.name!r} has a scale of 0.", "Give it a size.", "input")
    camera = scene.camera.evaluated_get(depsgraph)
    return Sample(_sliders(seen), scene.camera.name, pinhole(camera, scene), seen.matrix_world.copy())


def _sliders(head: bpy.types.Object) -> dict[str, float]:
    """Slider values within their limits: a curve may overshoot between two keys."""
    settings = head.emosplat
    limits = {name: 0.0 for name in (*AMOUNTS, *map(emotion_property, EMOTION_NAMES))}
    limits |= {micro_property(name): -1.0 for name in MICRO_EXPRESSIONS}
    return {name: round(min(max(getattr(settings, name), low), 1.0), 6) for name, low in limits.items()}


def _can_move(scene: bpy.types.Scene) -> bool:
    """False only where nothing in the file could change with the frame."""
    handlers = bpy.app.handlers
    if bpy.data.actions or scene.rigidbody_world or handlers.frame_change_pre or handlers.frame_change_post:
        return True
    owners = [scene, *scene.objects, *(thing.data for thing in scene.objects if thing.data)]
    if any(owner.animation_data and (owner.animation_data.drivers or owner.animation_data.nla_tracks)
           for owner in owners):
        return True
    return any(marker.camera for marker in scene.timeline_markers) or any(
        thing.constraints or thing.parent_type.startswith("VERTEX") for thing in scene.objects)


def _in_picture(entry: Sample, width: int, height: int) -> bool:
    """Whether the head, as a ball of REACH around its origin, can be seen at all."""
    x, y, z, _ = Matrix(entry.camera.viewmat) @ entry.head.translation.to_4d()
    reach = REACH * max(map(abs, entry.head.to_scale()))
    if z <= 0.0:
        return z > -reach
    K = entry.camera.K
    axes = (K[0][0], x, K[0][2], width), (K[1][1], y, K[1][2], height)
    return all(abs(focal * place + (centre - side / 2) * z) <= side / 2 * z + focal * reach
               for focal, place, centre, side in axes)


def _warn(samples: Samples, scene: bpy.types.Scene) -> None:
    if not any(_in_picture(entry, *render_size(scene)) for entry in samples.entries):
        samples.warnings.append("The head is never in the camera's picture: the frames are empty.")
    if any(max(scale) - min(scale) > 1e-3 * max(scale)
           for scale in (tuple(map(abs, entry.head.to_scale())) for entry in samples.entries)):
        samples.warnings.append("The head is scaled differently along its axes; it is drawn with their mean.")
    if scene.render.pixel_aspect_x != scene.render.pixel_aspect_y:
        samples.warnings.append("The scene's pixels are not square; the frames are drawn for that pixel aspect.")

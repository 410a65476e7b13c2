# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip in the Video Sequencer: a picture strip with alpha beside its sound."""

import bpy

from .clip import Clip
from .compat import all_strips_of, show_scene_in_sequencer, strip_range, strips_of
from .paths import sound_file

# The custom property that points from a strip to its head: it follows renaming, saving, appending and undo.
OWNER = "emosplat_head"
KIND = "emosplat_kind"
HIGHEST_CHANNEL = 128


def own_strips(scene: bpy.types.Scene, head: bpy.types.Object, kind: str) -> list[bpy.types.bpy_struct]:
    """The head's strips of a kind, "picture" or "sound", in the scene's sequencer; several where one was cut."""
    if scene.sequence_editor is None:
        return []
    return [strip for strip in strips_of(scene.sequence_editor)
            if strip.get(OWNER) == head and strip.get(KIND) == kind]


def import_sound(scene: bpy.types.Scene, head: bpy.types.Object, clip: Clip) -> str:
    """Put the clip's sound on the timeline in place of the head's former one.

    Returns:
        A warning, or "".
    """
    editor = scene.sequence_editor_create()
    old = own_strips(scene, head, "sound")
    known = set(bpy.data.sounds)
    try:
        strip = strips_of(editor).new_sound("Voice", clip.audio, HIGHEST_CHANNEL, clip.audio_start)
    except RuntimeError as error:
        return f"The sound could not be put on the timeline ({str(error).strip()})."
    if head.emosplat.audio is not None and sound_file(head.emosplat.audio) == clip.audio:
        strip.sound = head.emosplat.audio
    for copy in set(bpy.data.sounds) - known - {strip.sound}:
        bpy.data.sounds.remove(copy)
    _take_place(scene, head, strip, "sound", old, ("volume", "pan", "mute", "show_waveform"))
    return ""


def import_picture(scene: bpy.types.Scene, head: bpy.types.Object, clip: Clip, folder: str) -> None:
    """Put the clip's frames on the timeline in place of the head's former ones, keeping channel and placement.

    Args:
        folder: the clip's folder as it should stand in the .blend.
    """
    editor = scene.sequence_editor_create()
    old = own_strips(scene, head, "picture")
    first, *others = clip.files()
    strip = strips_of(editor).new_image(
        "Picture", bpy.path.abspath(f"{folder}/{first}"), HIGHEST_CHANNEL, clip.scene_first, fit_method="FIT")
    for name in others:
        strip.elements.append(name)
    strip.directory = folder if folder.endswith("/") else f"{folder}/"
    strip.alpha_mode = "STRAIGHT"
    strip.blend_type = "ALPHA_OVER"
    for name in ("offset_x", "offset_y", "rotation") if old else ():
        setattr(strip.transform, name, getattr(old[0].transform, name))
    _take_place(scene, head, strip, "picture", old, ("blend_type", "blend_alpha", "mute", "color_multiply"))
    show_scene_in_sequencer(scene)


def remove_strips(scene: bpy.types.Scene, head: bpy.types.Object, kind: str) -> None:
    """Remove the head's strips of this kind."""
    for strip in own_strips(scene, head, kind):
        strips_of(scene.sequence_editor).remove(strip)


def used_folders() -> set[str]:
    """Absolute folders of every picture strip and image sequence in the file."""
    folders = set()
    for scene in bpy.data.scenes:
        if scene.sequence_editor is not None:
            folders |= {bpy.path.abspath(strip.directory) for strip in all_strips_of(scene.sequence_editor)
                        if strip.type == "IMAGE"}
    for image in bpy.data.images:
        if image.filepath:
            folders.add(bpy.path.abspath(image.filepath).replace("\\", "/").rpartition("/")[0])
    return folders


def _take_place(scene, head, strip, kind: str, old: list, kept: tuple[str, ...]) -> None:
    """Tag a new strip, let it inherit from the first of those that it replaces, and find it a free channel."""
    wanted = 1
    if old:
        wanted = old[0].channel
        for name in kept:
            setattr(strip, name, getattr(old[0], name))
        remove_strips(scene, head, kind)
    elif kind == "picture" and (sounds := own_strips(scene, head, "sound")):
        wanted = sounds[0].channel + 1
    strip.name = head.name if kind == "picture" else f"{head.name} Voice"
    strip[OWNER] = head
    strip[KIND] = kind
    strip.channel = free_channel(scene, strip, wanted)


def free_channel(scene: bpy.types.Scene, strip: bpy.types.bpy_struct, wanted: int) -> int:
    """The lowest channel from `wanted` on (then from 1) where nothing else lies in the strip's range."""
    first, end = strip_range(strip)
    taken = set()
    for other in strips_of(scene.sequence_editor):
        start, stop = strip_range(other)
        if other != strip and start < end and first < stop:
            taken.add(other.channel)
    order = [*range(wanted, HIGHEST_CHANNEL), *range(1, wanted)]
    return next((channel for channel in order if channel not in taken), HIGHEST_CHANNEL)

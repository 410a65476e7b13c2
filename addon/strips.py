# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip in the Video Sequencer: a picture strip with alpha beside its sound."""

from pathlib import Path

import bpy

from .clip import Clip
from .compat import all_strips_of, content_start, set_range, show_scene_in_sequencer, strip_range, strips_of
from .paths import sound_file

# The custom property that points from a strip to its head: it follows renaming, saving, appending and undo.
OWNER = "emosplat_head"
KIND = "emosplat_kind"
# The scale at which the frames filled the picture; what the strip is scaled beyond it is the animator's.
FIT = "emosplat_fit"
HIGHEST_CHANNEL = 128


def own_strips(scene: bpy.types.Scene, head: bpy.types.Object, kind: str) -> list[bpy.types.bpy_struct]:
    """The head's strips of a kind, "picture" or "sound", also inside meta strips; several where one was cut."""
    if scene.sequence_editor is None:
        return []
    return [strip for strip in all_strips_of(scene.sequence_editor)
            if strip.get(OWNER) == head and strip.get(KIND) == kind]


def import_sound(scene: bpy.types.Scene, head: bpy.types.Object, clip: Clip) -> str:
    """Put the clip's sound on the timeline in place of the head's former one. The same sound at the same frame stays
    as it is, with its cuts and fades.

    Returns:
        A warning, or "".
    """
    editor = scene.sequence_editor_create()
    old = own_strips(scene, head, "sound")
    sound = _sound_of(head, clip)
    if old and all(content_start(strip) == clip.audio_start for strip in old) and all(
            strip.sound == sound or sound_file(strip.sound) == clip.audio for strip in old):
        for strip in old:
            _tag(strip, head, "sound")
        return ""
    known = set(bpy.data.sounds)
    try:
        strip = strips_of(editor).new_sound("Voice", clip.audio, HIGHEST_CHANNEL, clip.audio_start)
    except RuntimeError as error:
        return f"The sound could not be put on the timeline ({str(error).strip()})."
    if sound is not None:
        strip.sound = sound
    for copy in set(bpy.data.sounds) - known - {strip.sound}:
        bpy.data.sounds.remove(copy)
    wanted = old[0].channel if old else 1
    for name in ("volume", "pan", "mute", "show_waveform") if old else ():
        setattr(strip, name, getattr(old[0], name))
    _remove(scene, old)
    _tag(strip, head, "sound")
    strip.channel = free_channel(scene, strip, wanted)
    return ""


def import_picture(scene: bpy.types.Scene, head: bpy.types.Object, clip: Clip, folder: str) -> None:
    """Put the clip's frames on the timeline. The head's former strip gets the new frames and stays otherwise: keyed
    opacity, modifiers, placement, and other strips' effects on it, which Blender would remove together with it.

    Args:
        folder: the clip's folder as it should stand in the .blend.
    """
    old = own_strips(scene, head, "picture")
    fresh = _new_picture(scene, clip, folder)
    if old:
        strip, fit = old[0], fresh.transform.scale_x
        _remove(scene, [fresh, *old[1:]])
        _show_frames(scene, strip, clip, folder)
        strip.transform.scale_x *= fit / strip[FIT]
        strip.transform.scale_y *= fit / strip[FIT]
    else:
        strip, fit = fresh, fresh.transform.scale_x
        sounds = own_strips(scene, head, "sound")
        strip.channel = free_channel(scene, strip, sounds[0].channel + 1 if sounds else 1)
    strip[FIT] = fit
    _tag(strip, head, "picture")
    show_scene_in_sequencer(scene)


def _new_picture(scene: bpy.types.Scene, clip: Clip, folder: str) -> bpy.types.bpy_struct:
    """A strip of the clip in the highest channel, fitted into the scene's picture."""
    first, *others = clip.files()
    strip = strips_of(scene.sequence_editor_create()).new_image(
        "Picture", bpy.path.abspath(f"{folder}/{first}"), HIGHEST_CHANNEL, clip.scene_first, fit_method="FIT")
    for name in others:
        strip.elements.append(name)
    strip.directory = _directory(folder)
    strip.alpha_mode = "STRAIGHT"
    strip.blend_type = "ALPHA_OVER"
    return strip


def _show_frames(scene: bpy.types.Scene, strip: bpy.types.bpy_struct, clip: Clip, folder: str) -> None:
    """Give a strip other frames and their place in time; it moves to another channel only where its own is taken."""
    wanted = strip.channel
    strip.channel = HIGHEST_CHANNEL  # growing over a neighbour would push one of the two away
    names = clip.files()
    while len(strip.elements) > len(names):
        strip.elements.pop(-1)
    for name in names[len(strip.elements):]:
        strip.elements.append(name)
    for element, name in zip(strip.elements, names):
        element.filename = name
    strip.directory = _directory(folder)
    set_range(strip, clip.scene_first, clip.scene_last + 1)
    strip.channel = free_channel(scene, strip, wanted)


def _directory(folder: str) -> str:
    return folder if folder.endswith("/") else f"{folder}/"


def remove_strips(scene: bpy.types.Scene, head: bpy.types.Object, kind: str) -> None:
    """Remove the head's strips of this kind."""
    _remove(scene, own_strips(scene, head, kind))


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


def free_channel(scene: bpy.types.Scene, strip: bpy.types.bpy_struct, wanted: int) -> int:
    """The lowest channel from `wanted` on (then from 1) where nothing else lies in the strip's range."""
    first, end = strip_range(strip)
    taken = set()
    for other in _neighbours(scene, strip):
        start, stop = strip_range(other)
        if other != strip and start < end and first < stop:
            taken.add(other.channel)
    order = [*range(wanted, HIGHEST_CHANNEL), *range(1, wanted)]
    return next((channel for channel in order if channel not in taken), HIGHEST_CHANNEL)


def _sound_of(head: bpy.types.Object, clip: Clip) -> bpy.types.Sound | None:
    """The head's sound, if the clip was made from it; packed sound was unpacked into the clip's folder."""
    sound = head.emosplat.audio
    if sound is None:
        return None
    unpacked = sound.packed_file is not None and Path(clip.audio).parent == Path(clip.folder)
    return sound if unpacked or sound_file(sound) == clip.audio else None


def _tag(strip: bpy.types.bpy_struct, head: bpy.types.Object, kind: str) -> None:
    strip.name = head.name if kind == "picture" else f"{head.name} Voice"
    strip[OWNER] = head
    strip[KIND] = kind


def _remove(scene: bpy.types.Scene, strips: list) -> None:
    for strip in strips:
        _neighbours(scene, strip).remove(strip)


def _neighbours(scene: bpy.types.Scene, strip: bpy.types.bpy_struct):
    """The collection that holds a strip: the sequencer's, or a meta strip's."""
    return strips_of(strip.parent_meta() or scene.sequence_editor)

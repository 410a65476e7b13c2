# SPDX-License-Identifier: GPL-3.0-or-later
"""The head's sound on a Speaker at its mouth, placed in time by a sound strip of the Speaker's own NLA track."""

import bpy

from ..compat import play_sound_at

# The custom property that points from a Speaker to its head.
OWNER = "emosplat_speaker_of"
MOUTH = (0.0, -0.09, -0.07)  # in the head's frame, metres


def own_speaker(head: bpy.types.Object) -> bpy.types.Object | None:
    return next((thing for thing in bpy.data.objects if thing.get(OWNER) == head and thing.type == "SPEAKER"), None)


def import_speaker(scene: bpy.types.Scene, head: bpy.types.Object, start: int) -> str:
    """Let a Speaker play the head's audio from a scene frame on. One that is there keeps its place and settings.

    Returns:
        A warning, or "".
    """
    speaker = own_speaker(head)
    if speaker is None:
        speaker = _new_speaker(scene, start)
        if speaker is None:
            return "A Speaker could not be added here: leave Edit Mode, and bake again."
        speaker.name = speaker.data.name = f"{head.name} Voice"
        speaker.parent, speaker.location = head, MOUTH
        speaker[OWNER] = head
    speaker.data.sound = head.emosplat.audio
    for track in speaker.animation_data.nla_tracks if speaker.animation_data else ():
        for strip in track.strips:
            play_sound_at(strip, start)
    return ""


def remove_speaker(head: bpy.types.Object) -> None:
    if (speaker := own_speaker(head)) is not None:
        data = speaker.data
        bpy.data.objects.remove(speaker)
        if data.users == 0:
            bpy.data.speakers.remove(data)


def _new_speaker(scene: bpy.types.Scene, start: int) -> bpy.types.Object | None:
    """A Speaker by Blender's own operator, which alone makes sound strips; selection and frame stay as they are."""
    layer = scene.view_layers[0]
    active, selected = layer.objects.active, [thing for thing in layer.objects if thing.select_get(view_layer=layer)]
    known, frame = set(bpy.data.objects), scene.frame_current
    window = next(iter(bpy.context.window_manager.windows), None)
    place = {"scene": scene, "view_layer": layer} | ({"window": window} if window and window.scene == scene else {})
    scene.frame_current = start
    try:
        with bpy.context.temp_override(**place):
            bpy.ops.object.speaker_add()
    except RuntimeError:
        return None
    finally:
        scene.frame_current = frame
    for thing in layer.objects:
        thing.select_set(thing in selected, view_layer=layer)
    layer.objects.active = active
    return next(iter(set(bpy.data.objects) - known), None)

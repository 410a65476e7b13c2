# SPDX-License-Identifier: GPL-3.0-or-later
"""`object.emosplat_rig`: how a take comes onto a mesh with shape keys. Its audio and sliders are `object.emosplat`."""

from math import pi, radians

import bpy
from bpy.props import (
    BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty,
)

from ..character.settings import SHAPES
from ..heads import is_head
from .poses import POSES

OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}
AXES = ("X", "Y", "Z")
_MEANINGS = (*SHAPES, *((pose, pose, "A whole sound or mood: mixed in where the other shapes do not say it")
                        for pose in POSES))


def _performs(_settings, thing: bpy.types.Object) -> bool:
    return is_head(thing)


def _is_armature(_settings, thing: bpy.types.Object) -> bool:
    return thing.type == "ARMATURE"


class RigKey(bpy.types.PropertyGroup):
    """A shape key of the mesh; `name` is the key's."""

    shape: EnumProperty(name="Shape", items=_MEANINGS, options=set(), override=OVERRIDABLE,
                        description="What this shape key does")
    amount: FloatProperty(name="Strength", default=1.0, min=0.0, max=2.0, subtype="FACTOR", options=set(),
                          override=OVERRIDABLE, description="Multiplies the key's curve")


class RigSettings(bpy.types.PropertyGroup):
    """A mesh that takes are baked on."""

    source: EnumProperty(
        name="Take", options=set(), override=OVERRIDABLE, description="Where the performance comes from",
        items=(("AUDIO", "Audio", "The engine performs an audio file with the emotion sliders"),
               ("FILE", "File", "A take from the disk, or a facial-capture tool's CSV")),
    )
    performer: PointerProperty(
        name="Performer", type=bpy.types.Object, poll=_performs, override=OVERRIDABLE,
        description="The talking head whose audio and sliders are used. Empty: this mesh has its own",
    )
    file: StringProperty(
        name="File", options=set(), override=OVERRIDABLE,
        description="take.json, an .emotake, or a CSV in the layout of Live Link Face",
    )
    timecode_fps: FloatProperty(
        name="Timecode", min=0.0, max=240.0, default=0.0, precision=3, options=set(), override=OVERRIDABLE,
        description="Frames that the CSV's timecode counts in a second. 0: found from the file",
    )
    keys: CollectionProperty(type=RigKey, override={"LIBRARY_OVERRIDABLE", "USE_INSERTION"})
    key_index: IntProperty(options={"HIDDEN"})
    only_unmatched: BoolProperty(name="Only Not Used", options=set(),
                                 description="Show only the shape keys that are not used")
    target: EnumProperty(
        name="Bake to", options=set(), override=OVERRIDABLE, description="Where the F-curves go",
        items=(("ACTION", "Action", "A new action that the shape keys play"),
               ("NLA", "NLA Strip", "A strip in a new track, above what is there")),
    )
    error: FloatProperty(
        name="Error", default=0.005, min=0.0, max=0.2, precision=4, step=0.1, options=set(), override=OVERRIDABLE,
        description="How far a curve may be from the take, of 0 to 1. More leaves fewer keys. 0 keeps every bend",
    )
    use_family: BoolProperty(
        name="Other Meshes", default=True, options=set(), override=OVERRIDABLE,
        description="Let teeth, tongue, lashes and other meshes of the same rig or parent play the same action, where "
                    "they have shape keys of the same names",
    )
    use_sound: BoolProperty(name="Sound Strip", default=True, options=set(), override=OVERRIDABLE,
                            description="Put the audio on the timeline, too")
    use_jaw: BoolProperty(name="Jaw Bone", options=set(), override=OVERRIDABLE,
                          description="Turn a bone with the jaw, in an NLA strip of its rig")
    jaw_rig: PointerProperty(name="Rig", type=bpy.types.Object, poll=_is_armature, override=OVERRIDABLE,
                             description="The armature that the bone belongs to")
    jaw_bone: StringProperty(name="Bone", options=set(), override=OVERRIDABLE,
                             description="The bone that opens the jaw")
    jaw_axis: EnumProperty(name="Axis", items=[(axis, axis, f"The bone's own {axis} axis") for axis in AXES],
                           options=set(), override=OVERRIDABLE, description="What the bone turns about")
    jaw_angle: FloatProperty(
        name="Angle", default=radians(20.0), min=-pi / 2, max=pi / 2, subtype="ANGLE", options=set(),
        override=OVERRIDABLE, description="How far it turns when jawOpen is 1",
    )
    last_take: StringProperty(name="Last Take", options={"HIDDEN"}, override=OVERRIDABLE,
                              description="The take.json that was baked last")


CLASSES = (RigKey, RigSettings)


def register() -> None:
    bpy.types.Object.emosplat_rig = PointerProperty(name="EmoSplat Rig", type=RigSettings, override=OVERRIDABLE)


def unregister() -> None:
    del bpy.types.Object.emosplat_rig

# SPDX-License-Identifier: GPL-3.0-or-later
"""`scene.emosplat_character`: which character is captured, what its shape keys mean, what it says."""

import bpy
from bpy.props import (
    BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, PointerProperty, StringProperty,
)

from ...engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES
from .regions import REGIONS

UNUSED = "NONE"
_BASES = [name.removesuffix("Left") for name in EXPRESSION_NAMES
          if name.endswith("Left") and name not in ("jawLeft", "mouthLeft")]
SHAPES = (
    (UNUSED, "Not Used", "This shape key is left as it is"),
    *((name, name, "One of ARKit's 52 shapes") for name in EXPRESSION_NAMES),
    *((base, f"{base}, both sides", f"{base}Left and {base}Right at once") for base in _BASES),
)


def names_of(shape: str) -> tuple[str, ...]:
    """The ARKit names that one entry of the list stands for."""
    if shape == UNUSED:
        return ()
    return (shape,) if shape in EXPRESSION_NAMES else (f"{shape}Left", f"{shape}Right")


def entry_of(names: tuple[str, ...]) -> str:
    """The entry of the list that stands for these ARKit names."""
    return names[0].removesuffix("Left") if len(names) == 2 else (*names, UNUSED)[0]


def _is_face(_settings, thing: bpy.types.Object) -> bool:
    return thing.type == "MESH" and thing.data.shape_keys is not None


def _choose_face(settings, context: bpy.types.Context) -> None:
    from .setup import fill_lists

    fill_lists(settings, context.scene)


class CharacterShape(bpy.types.PropertyGroup):
    """A shape key of one of the character's meshes; `name` is the key's."""

    object: StringProperty(name="Object", options=set())
    shape: EnumProperty(name="Shape", items=SHAPES, options=set(), description="What this shape key does")


class CharacterRegion(bpy.types.PropertyGroup):
    """A material, vertex group or object of the character and where on it it lies; `name` is its own."""

    region: EnumProperty(
        name="Region", options=set(), description="Which part of the character this is",
        items=[(name, name.replace("_", " ").title(), "") for name in REGIONS[1:]],
    )


class CharacterLine(bpy.types.PropertyGroup):
    """Something that the character says."""

    filepath: StringProperty(name="Audio", options=set(), description="A sound file of speech")
    emotion: EnumProperty(
        name="Emotion", options=set(), description="What the character shows while it says this",
        items=[(name, name.capitalize(), "") for name in EMOTION_NAMES],
    )
    intensity: FloatProperty(name="Intensity", default=0.8, min=0.0, max=1.0, subtype="FACTOR", options=set(),
                             description="How strongly it shows it")


class CharacterSettings(bpy.types.PropertyGroup):
    """A character to capture."""

    face: PointerProperty(
        name="Face", type=bpy.types.Object, poll=_is_face, update=_choose_face,
        description="The mesh whose shape keys move the face",
    )
    collection: PointerProperty(
        name="Character", type=bpy.types.Collection, update=_choose_face,
        description="All that belongs to the character. Empty: the face's rig, parents and children. Everything else "
                    "lights the pictures but is not seen in them",
    )
    head: PointerProperty(
        name="Head", type=bpy.types.Object,
        description="Where the head is: its origin between the ears, its -Y where the face looks, its Z up; of a rig, "
                    "a bone. Empty: found from the face",
    )
    head_bone: StringProperty(name="Bone", options=set(), description="The head's bone: its root gives the origin")
    identity: StringProperty(name="Name", options=set(), description="The character's name. Empty: the face's own")
    shapes: CollectionProperty(type=CharacterShape)
    shape_index: IntProperty(options={"HIDDEN"})
    only_unmatched: BoolProperty(name="Only Not Used", options=set(),
                                 description="Show only the shape keys that are not used yet")
    regions: CollectionProperty(type=CharacterRegion)
    region_index: IntProperty(options={"HIDDEN"})
    lines: CollectionProperty(type=CharacterLine)
    line_index: IntProperty(options={"HIDDEN"})
    frames: IntProperty(name="Pictures", default=1500, min=50, max=100_000, soft_max=10_000, options=set(),
                        description="How many pictures are rendered: three in five while it speaks")
    size: EnumProperty(
        name="Size", default="512", options=set(), description="Side of the square pictures in pixels",
        items=(("256", "256", "For a quick try"), ("512", "512", "Right for most heads"), ("1024", "1024", "Slow")),
    )
    samples: IntProperty(name="Samples", default=0, min=0, soft_max=256, options=set(),
                         description="Of each pixel in Cycles, denoised quickly. 0: the scene's own settings")
    seed: IntProperty(name="Seed", min=0, options=set(), description="Chooses expressions and cameras")


CLASSES = (CharacterShape, CharacterRegion, CharacterLine, CharacterSettings)


def register() -> None:
    bpy.types.Scene.emosplat_character = PointerProperty(name="EmoSplat Character", type=CharacterSettings)


def unregister() -> None:
    del bpy.types.Scene.emosplat_character

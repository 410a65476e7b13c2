# SPDX-License-Identifier: GPL-3.0-or-later
"""`object.emosplat_points`: how a head's splat points are baked. How they look is set on their modifier."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, PointerProperty, StringProperty

from .auto import switched

OVERRIDABLE = {"LIBRARY_OVERRIDABLE"}


def _auto_switched(settings: "PointsSettings", _context: bpy.types.Context) -> None:
    switched(settings.id_data)


class PointsSettings(bpy.types.PropertyGroup):
    """One head's splat points."""

    error: FloatProperty(
        name="Error", default=0.2, min=0.01, max=5.0, precision=2, options=set(), override=OVERRIDABLE,
        description="Millimetres that 95 of 100 points stay within, and all within twice as much. Smaller: more shape "
        "keys",
    )
    sound: EnumProperty(
        name="Sound", options=set(), override=OVERRIDABLE,
        items=(
            ("STRIP", "Video Sequencer", "A sound strip, heard while the scene plays and in rendered films"),
            ("SPEAKER", "Speaker", "A Speaker object at the mouth, heard from where it is"),
            ("NONE", "None", "Leave the scene's sound alone"),
        ),
        description="Where the sound goes",
    )
    auto: BoolProperty(
        name="Auto", options=set(), override=OVERRIDABLE, update=_auto_switched,
        description="Bake the points again by itself, half a second after a slider, its keys or the seed were changed. "
        "It waits while the scene plays or renders. What you edited in the points' curves is lost, as with Bake Again",
    )
    clip: StringProperty(name="Clip", options={"HIDDEN"}, override=OVERRIDABLE,
                         description="The .emoclip that was imported last")


CLASSES = (PointsSettings,)


def register() -> None:
    bpy.types.Object.emosplat_points = PointerProperty(name="EmoSplat Points", type=PointsSettings,
                                                       override=OVERRIDABLE)


def unregister() -> None:
    del bpy.types.Object.emosplat_points

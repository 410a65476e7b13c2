# SPDX-License-Identifier: GPL-3.0-or-later
"""EmoSplat inside Blender. Imports bpy and engine/protocol, never torch; the engine is a process of its own."""

import bpy

from . import preferences, properties, provenance, running
from .character import capturing as character_capturing
from .character import settings as character_settings
from .operators import capture, character, engine, fit, generate, head, points, rig
from .panels import capture as capture_panel
from .panels import character as character_panel
from .panels import points as points_panel
from .panels import rig as rig_panel
from .panels import sidebar
from .points import auto as points_auto
from .points import settings as points_settings
from .rigs import settings as rig_settings

CLASSES = (
    *preferences.CLASSES, *properties.CLASSES, *character_settings.CLASSES, *rig_settings.CLASSES,
    *points_settings.CLASSES, *head.CLASSES, *generate.CLASSES, *engine.CLASSES, *capture.CLASSES, *fit.CLASSES,
    *character.CLASSES, *rig.CLASSES, *points.CLASSES,
    *sidebar.CLASSES, *points_panel.CLASSES, *rig_panel.CLASSES, *capture_panel.CLASSES, *character_panel.CLASSES,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    properties.register()
    character_settings.register()
    rig_settings.register()
    points_settings.register()
    running.register()
    character_capturing.register()
    provenance.register()
    points_auto.register()


def unregister() -> None:
    points_auto.unregister()
    provenance.unregister()
    character_capturing.unregister()
    running.unregister()
    points_settings.unregister()
    rig_settings.unregister()
    character_settings.unregister()
    properties.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)

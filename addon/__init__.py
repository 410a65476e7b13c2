# SPDX-License-Identifier: GPL-3.0-or-later
"""EmoSplat inside Blender. Imports bpy and engine/protocol.py, never torch; the engine is a process of its own."""

import bpy

from . import preferences, properties, running
from .operators import capture, engine, generate, head
from .panels import capture as capture_panel
from .panels import sidebar

CLASSES = (
    *preferences.CLASSES, *properties.CLASSES, *head.CLASSES, *generate.CLASSES, *engine.CLASSES, *capture.CLASSES,
    *sidebar.CLASSES, *capture_panel.CLASSES,
)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    properties.register()
    running.register()


def unregister() -> None:
    running.unregister()
    properties.unregister()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)

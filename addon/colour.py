# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's view transform, which comes between a head's frames and the film."""

import bpy

FAITHFUL = "Standard"


def colours_change(scene: bpy.types.Scene) -> str:
    """Why the head's frames will look different in the render, or ""."""
    settings = scene.view_settings
    if settings.view_transform not in (FAITHFUL, "Raw"):
        return f"The view transform {settings.view_transform} washes the head's colours out."
    if settings.look != "None":
        return f"The look {settings.look} changes the head's colours."
    return ""


def make_colours_faithful(scene: bpy.types.Scene) -> None:
    """Show frames as they were made: they hold sRGB colours, which 'Standard' alone passes on unchanged."""
    scene.view_settings.view_transform = FAITHFUL
    scene.view_settings.look = "None"

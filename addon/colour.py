# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene's view transform, which comes between a head's frames and the film."""

import bpy

FAITHFUL = "Standard"


def colours_change(scene: bpy.types.Scene) -> str:
    """Why the head's frames will look different in the render, or ""."""
    settings = scene.view_settings
    if settings.view_transform == "Raw":
        return "The view transform Raw shows a camera plane too dark."
    if settings.view_transform != FAITHFUL:
        return f"The view transform {settings.view_transform} washes the head's colours out."
    if settings.look != "None":
        return f"The look {settings.look} changes the head's colours."
    adjusted = [name for name, on in (
        ("exposure", settings.exposure != 0.0), ("gamma", settings.gamma != 1.0),
        ("curves", settings.use_curve_mapping), ("white balance", getattr(settings, "use_white_balance", False))) if on]
    return f"Color Management's {' and '.join(adjusted)} changes the head's colours." if adjusted else ""


def make_colours_faithful(scene: bpy.types.Scene) -> None:
    """Show frames as they were made: they hold sRGB colours, which 'Standard' alone passes on unchanged."""
    settings = scene.view_settings
    settings.view_transform = FAITHFUL
    settings.look = "None"
    settings.exposure, settings.gamma, settings.use_curve_mapping = 0.0, 1.0, False
    if hasattr(settings, "use_white_balance"):  # from 4.3 on
        settings.use_white_balance = False

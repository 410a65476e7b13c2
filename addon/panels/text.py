# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences in a narrow sidebar: Blender's labels do not wrap by themselves."""

import textwrap

import bpy

PIXELS_PER_LETTER = 6.6
MARGIN = 75


def wrapped(text: str, columns: int) -> list[str]:
    return textwrap.wrap(text, max(columns, 12), break_on_hyphens=False)


def draw_text(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str, beside: int = 0) -> None:
    """Draw a sentence over as many lines as the region needs.

    Args:
        beside: pixels that other things take in the same row.
    """
    width = context.region.width / context.preferences.system.ui_scale if context.region else 300
    column = layout.column(align=True)
    column.scale_y = 0.8
    for number, line in enumerate(wrapped(text, int((width - MARGIN - beside) / PIXELS_PER_LETTER))):
        column.label(text=line, icon="BLANK1" if number else icon)

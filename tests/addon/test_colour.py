# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between a head's frames and the film is named, and one button takes it away."""

import bpy
import pytest

from tests.addon.extension import module


@pytest.mark.parametrize(("name", "value", "words"), [
    ("view_transform", "AgX", "AgX washes"), ("view_transform", "Raw", "Raw shows a camera plane too dark"),
    ("exposure", 1.0, "exposure"), ("gamma", 2.0, "gamma"), ("use_curve_mapping", True, "curves"),
])
def test_each_setting_that_changes_colours_is_named_and_mended(blender, name, value, words):
    scene = bpy.context.scene
    scene.view_settings.view_transform = "Standard"
    setattr(scene.view_settings, name, value)
    assert words in module("colour").colours_change(scene)
    bpy.ops.emosplat.fix_colours()
    assert module("colour").colours_change(scene) == ""
    with pytest.raises(RuntimeError, match="leaves colours as they are"):
        bpy.ops.emosplat.fix_colours()

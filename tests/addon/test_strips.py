# SPDX-License-Identifier: GPL-3.0-or-later
"""What an animator did to a head's strips, and with them, outlives the next run."""

import bpy
import pytest

from tests.addon.extension import strips


def strip_of(kind):
    strip, = [strip for strip in bpy.context.scene.sequence_editor.strips_all if strip.get("emosplat_kind") == kind]
    return strip


@pytest.fixture
def picture(head):
    bpy.ops.emosplat.generate()
    return strip_of("picture")


def test_effects_keys_and_modifiers_on_the_picture_stay(picture):
    scene = bpy.context.scene
    effect = scene.sequence_editor.strips.new_effect("Glow", "GLOW", 8, 1, frame_end=31, input1=picture)
    picture.keyframe_insert("blend_alpha", frame=1)
    picture.modifiers.new("Grade", "COLOR_BALANCE")
    picture.crop.min_x = 3
    folder = picture.directory
    bpy.ops.emosplat.generate()
    picture = strip_of("picture")
    assert picture.directory != folder and effect.name in scene.sequence_editor.strips and effect.input_1 == picture
    assert [curve.data_path for curve in scene.animation_data.action.fcurves] == [
        'sequence_editor.strips_all["Head"].blend_alpha']
    assert len(picture.modifiers) == 1 and picture.crop.min_x == 3


def test_its_size_in_the_picture_stays_at_another_percentage(picture):
    picture.transform.scale_x = picture.transform.scale_y = 0.5
    bpy.context.scene.render.resolution_percentage = 50
    bpy.ops.emosplat.generate()
    assert strip_of("picture").transform.scale_x == pytest.approx(1.0), "frames of half the size, shown twice as large"


def test_another_range_moves_and_resizes_it(picture, head):
    for first, last in ((6, 12), (1, 30)):
        head.emosplat.use_range, head.emosplat.first, head.emosplat.last = True, first, last
        bpy.ops.emosplat.generate()
        picture = strip_of("picture")
        assert (picture.frame_final_start, picture.frame_final_end) == (first, last + 1)
        assert [element.filename for element in picture.elements] == [
            f"frame_{number:05d}.png" for number in range(first, last + 1)]


def test_growing_over_a_neighbour_moves_the_picture_and_not_the_neighbour(head):
    head.emosplat.use_range, head.emosplat.first, head.emosplat.last = True, 1, 5
    bpy.ops.emosplat.generate()
    channel = strip_of("picture").channel
    other = bpy.context.scene.sequence_editor.strips.new_effect("Mine", "COLOR", channel, 8, frame_end=50)
    head.emosplat.use_range = False
    bpy.ops.emosplat.generate()
    picture = strip_of("picture")
    assert (other.channel, other.frame_final_start, other.frame_final_end) == (channel, 8, 50)
    assert (picture.frame_final_start, picture.frame_final_end) == (1, 31) and picture.channel != channel


def test_inside_a_meta_strip_it_gets_its_new_frames_there(picture):
    meta = bpy.context.scene.sequence_editor.strips.new_meta("Shot", 4, 1)
    picture.move_to_meta(meta)
    folder = picture.directory
    bpy.ops.emosplat.generate()
    picture = strip_of("picture")
    assert picture.parent_meta() == meta and picture.directory != folder and len(strips(bpy.context.scene)) == 2


def test_the_same_sound_keeps_its_cut_and_fade_and_another_start_moves_it(picture, head):
    sound = strip_of("sound")
    sound.keyframe_insert("volume", frame=1)
    sound.frame_final_end = 20
    head.name = "Anna"
    bpy.ops.emosplat.generate()
    assert strip_of("sound").frame_final_end == 20 and strip_of("sound").name == "Anna Voice"
    assert bpy.context.scene.animation_data.action.fcurves
    head.emosplat.start_frame = 11
    bpy.ops.emosplat.generate()
    assert strip_of("sound").frame_start == 11 and strip_of("picture").frame_final_start == 11

# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips and scenes that are wrong: one sentence, and nothing changed."""

import struct
from pathlib import Path

import bpy
import pytest

from tests.addon.extension import module
from tests.addon.fake_clip import write_clip
from tests.addon.points.test_points import points_of
from tests.engine.damage import damaged_headers

WEIGHTS = [[0.0, 0.0], [1.0, 0.5], [0.5, 0.0]]


@pytest.fixture
def clip(blender, tmp_path):
    path = tmp_path / "a.emoclip"
    write_clip(path, 24, WEIGHTS, "30000/1001", 4)
    return path


def refused(path, words):
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.emosplat.import_points(filepath=str(path))
    assert not bpy.data.meshes and not bpy.data.node_groups


def test_a_clip_is_read_as_it_was_written(clip):
    read = module("points.clip_file").read_clip(str(clip))
    assert (len(read), read.frames, read.start, str(read.fps)) == (24, 3, 4, "30000/1001")
    assert read.region_names == ["torso", "head"] and read.weights[1].tolist() == [1.0, 0.5]
    assert read.neighbours.max() < 24 and read.basis.shape == (2, 24, 3)


@pytest.mark.parametrize("kept", [0, 5, 60, 2000, -1])
def test_truncated(clip, kept):
    clip.write_bytes(clip.read_bytes()[:kept])
    refused(clip, "cut off")


def test_another_version_another_kind_and_nothing(clip, tmp_path):
    write_clip(clip, 24, WEIGHTS, "25", version="2")
    refused(clip, "version 2 .*reads 1")
    clip.write_bytes(clip.read_bytes().replace(b'"format": "emoclip"', b'"format": "emohead"'))
    refused(clip, "not an .emoclip")
    refused(tmp_path / "none.emoclip", "could not be read")
    refused(tmp_path / "none.ply", "does not exist")


@pytest.mark.parametrize(("change", "words"), [
    ({"means": ("F32", [24, 3], struct.pack("<f", float("nan")) * 72)}, "means holds values"),
    ({"neighbours": ("I32", [24, 2], struct.pack("<i", 24) * 48)}, "neighbour"),
    ({"regions": ("U8", [24], bytes([2]) * 24)}, "region"),
    ({"weights": ("F32", [3, 1], bytes(12))}, "does not fit"),
    ({"opacities": ("F32", [2**62], b"")}, "of what may be|does not fit"),
    ({"basis": ("F32", [2, 24, 3], bytes(576))}, "described wrongly"),
])
def test_contents_that_cannot_be(clip, change, words):
    write_clip(clip, 24, WEIGHTS, "25", **change)
    refused(clip, words)


def test_random_damage_is_a_problem_or_harmless(clip):
    reader, problem, found = module("points.clip_file").read_clip, module("problem").Problem, 0
    for damaged in damaged_headers(clip.read_bytes(), seed=3, count=300):
        clip.write_bytes(damaged)
        try:
            reader(str(clip))
        except problem:
            found += 1
    assert found > 150


def test_very_many_points_are_thinned_and_grown(clip):
    count = 30_000
    write_clip(clip, count, WEIGHTS, "25")
    bpy.ops.emosplat.import_points(filepath=str(clip), most=5000)
    thing, = bpy.context.scene.objects
    assert len(thing.data.vertices) == 5000
    assert thing.data.attributes["size"].data[0].vector[0] == pytest.approx(0.004 * 6**0.5)
    own = [n for n in range(5000) if thing.data.attributes["neighbour_1"].data[n].value == n]
    assert not own, "every point has found neighbours among those that stayed"


def test_a_torn_result_leaves_the_scene_alone(head):
    head.emosplat.head = "torn"
    with pytest.raises(RuntimeError, match="cut off"):
        bpy.ops.emosplat.bake_points()
    assert points_of(head) is None and not bpy.data.meshes


@pytest.mark.parametrize(("fps", "base", "words"), [
    (1, 1.0, ""), (240, 1.0, ""), (24, 1.001, ""), (1, 4.0, "rate 0.25"),
])
def test_frame_rates(head, fps, base, words):
    render = bpy.context.scene.render
    render.fps, render.fps_base = fps, base
    if words:
        with pytest.raises(RuntimeError, match=words):
            bpy.ops.emosplat.bake_points()
        assert points_of(head) is None
        return
    bpy.ops.emosplat.bake_points()
    assert not [m for m in module("running").messages() if "another rate" in m.what]
    clip = module("points.clip_file").read_clip(bpy.path.abspath(head.emosplat_points.clip))
    assert clip.fps == module("sampling").scene_fps(bpy.context.scene)


def test_a_take_longer_than_the_scene_is_told(head):
    bpy.context.scene.frame_end = 10
    bpy.ops.emosplat.bake_points()
    assert any("goes on to frame 30" in m.what for m in module("running").messages())
    assert bpy.context.scene.frame_end == 10


def test_a_range_that_is_empty(head):
    head.emosplat.use_range, head.emosplat.first, head.emosplat.last = True, -9, -20
    with pytest.raises(RuntimeError, match="holds no frame"):
        bpy.ops.emosplat.bake_points()


def test_points_in_edit_mode_are_left_alone(head):
    bpy.ops.emosplat.bake_points()
    thing = points_of(head)
    bpy.context.view_layer.objects.active = thing
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Edit Mode"):
        bpy.ops.emosplat.bake_points()
    bpy.ops.object.mode_set(mode="OBJECT")


def test_the_head_may_be_deleted_meanwhile(head):
    baking, problem = module("points.baking"), module("problem").Problem
    target = baking.Target(head.session_uid, bpy.context.scene.session_uid, "Head", Path("x"), "", 1)
    assert target.find()[1] == head
    bpy.data.objects.remove(head)
    with pytest.raises(problem, match="deleted"):
        target.find()


def test_a_clip_of_another_rate_is_told(clip):
    bpy.ops.emosplat.add_head()
    _, warnings = module("points.baking").bring_in(
        bpy.context.scene, bpy.context.object, module("points.clip_file").read_clip(str(clip)), 1, 1000, "")
    assert "another rate" in warnings[0]

# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera plane: fills the picture, stays there, and is replaced alone."""

import bpy
import pytest
from bpy_extras.object_utils import world_to_camera_view

from tests.addon.extension import module, strips


def plane_of(head):
    plane, = module("plane").own_planes(head)
    return plane


def corners_in_picture():
    scene = bpy.context.scene
    bpy.context.view_layer.update()
    plane = plane_of(bpy.data.objects["Head"])
    return [world_to_camera_view(scene, scene.camera, plane.matrix_world @ vertex.co)
            for vertex in plane.data.vertices], plane


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_it_fills_the_picture_at_the_heads_distance(head, scale):
    scene, camera = bpy.context.scene, bpy.context.scene.camera
    scene.render.resolution_x, scene.render.resolution_y = 64, 40
    camera.data.shift_x, camera.data.shift_y, camera.scale = 0.2, -0.1, [scale] * 3
    camera.rotation_euler.z += 0.05
    head.emosplat.output = "PLANE"
    bpy.ops.emosplat.generate()
    corners, plane = corners_in_picture()
    for corner, (x, y) in zip(corners, ((0, 0), (1, 0), (1, 1), (0, 1))):
        assert (corner.x, corner.y) == pytest.approx((x, y), abs=1e-4)
    depth = world_to_camera_view(scene, camera, head.matrix_world.translation).z
    assert corners[0].z == pytest.approx(depth, rel=1e-4)
    assert [strip["emosplat_kind"] for strip in strips(scene)] == ["sound"]


def test_it_follows_a_zoom(head):
    scene, camera = bpy.context.scene, bpy.context.scene.camera
    head.emosplat.output = "PLANE"
    camera.data.keyframe_insert("lens", frame=1)
    camera.data.lens = 35
    camera.data.keyframe_insert("lens", frame=30)
    bpy.ops.emosplat.generate()
    for frame in (1, 13, 30):
        scene.frame_set(frame)
        corners, _ = corners_in_picture()
        assert (corners[2].x, corners[2].y) == pytest.approx((1, 1), abs=1e-3)


def test_each_scene_frame_shows_its_own_file(head):
    head.emosplat.output, head.emosplat.start_frame = "PLANE", 11
    head.emosplat.use_range, head.emosplat.first, head.emosplat.last = True, 14, 20
    bpy.ops.emosplat.generate()
    node = next(node for node in plane_of(head).data.materials[0].node_tree.nodes if node.type == "TEX_IMAGE")
    user = node.image_user
    number_at_17 = 17 - user.frame_start + 1 + user.frame_offset
    assert (number_at_17, user.frame_duration, node.image.source) == (7, 7, "SEQUENCE")


def test_again_replaces_it_and_a_strip_replaces_it(head):
    scene = bpy.context.scene
    head.emosplat.output = "PLANE"
    bpy.ops.emosplat.generate()
    bpy.ops.emosplat.import_again()
    assert len(module("plane").own_planes(head)) == 1
    assert [len(c) for c in (bpy.data.meshes, bpy.data.materials, bpy.data.images)] == [1, 1, 1]
    head.emosplat.output = "STRIP"
    bpy.ops.emosplat.import_again()
    assert not module("plane").own_planes(head) and len(strips(scene)) == 2
    assert [len(c) for c in (bpy.data.meshes, bpy.data.materials, bpy.data.images)] == [0, 0, 0]


def test_it_renders_the_frames_colours_with_the_standard_view_transform(head, tmp_path):
    scene, render = bpy.context.scene, bpy.context.scene.render
    head.emosplat.output = "PLANE"
    bpy.ops.emosplat.generate()
    bpy.ops.emosplat.fix_colours()
    render.engine, render.film_transparent, render.filepath = "CYCLES", True, str(tmp_path / "plane.png")
    scene.cycles.samples = 1
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(render.filepath)
    middle = [round(255 * value) for value in image.pixels[4 * (16 * 32 + 16):][:4]]
    assert middle == pytest.approx([200, 100, 50, 255], abs=1)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's camera as K and viewmat, against Blender's own projection."""

import random

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Euler, Matrix, Vector

from tests.addon.extension import module


def random_camera(rng, fit):
    data = bpy.data.cameras.new("Random")
    data.lens, data.sensor_fit = rng.uniform(15, 150), fit
    data.sensor_width, data.sensor_height = rng.uniform(10, 60), rng.uniform(10, 60)
    data.shift_x, data.shift_y = rng.uniform(-0.7, 0.7), rng.uniform(-0.7, 0.7)
    camera = bpy.data.objects.new("Random", data)
    scene = bpy.context.scene
    scene.collection.objects.link(camera)
    location, rotation = ([rng.uniform(-3, 3) for _ in range(3)] for _ in range(2))
    camera.matrix_world = Matrix.LocRotScale(location, Euler(rotation), [rng.uniform(0.3, 3)] * 3)
    scene.camera = camera
    bpy.context.view_layer.update()
    return camera


def project(camera, scene, point):
    found = module("cameras").pinhole(camera, scene)
    seen = np.array(found.viewmat) @ [*point, 1.0]
    x, y, z = np.array(found.K) @ seen[:3]
    assert z > 0
    return x / z, y / z


@pytest.mark.parametrize("fit", ["AUTO", "HORIZONTAL", "VERTICAL"])
@pytest.mark.parametrize("seed", range(12))
def test_projection_agrees_with_blender(blender, fit, seed):
    rng = random.Random(f"{fit} {seed}")
    scene, render = bpy.context.scene, bpy.context.scene.render
    render.resolution_x, render.resolution_y = rng.randrange(100, 3000), rng.randrange(100, 3000)
    if seed % 3 == 0:
        render.pixel_aspect_x, render.pixel_aspect_y = rng.choice([(1, 2), (1.5, 1), (1.0, 1.0667)])
    camera = random_camera(rng, fit)
    for _ in range(10):
        local = Vector((rng.uniform(-0.3, 0.3), rng.uniform(-0.3, 0.3), -1)) * rng.uniform(0.5, 8)
        point = camera.matrix_world.normalized() @ local
        expected = world_to_camera_view(scene, camera, point)
        x, y = project(camera, scene, point)
        assert x == pytest.approx(expected.x * render.resolution_x, abs=0.01)
        assert y == pytest.approx((1 - expected.y) * render.resolution_y, abs=0.01)


@pytest.mark.parametrize(("x", "y", "percentage"), [(1920, 1080, 33), (1001, 777, 50), (640, 480, 99)])
def test_a_percentage_gives_the_picture_of_that_size(blender, x, y, percentage):
    """Blender cuts the size off to whole pixels: the same camera at that size and 100 % gives the same matrix."""
    scene, render = bpy.context.scene, bpy.context.scene.render
    camera = random_camera(random.Random(1), "AUTO")
    render.resolution_x, render.resolution_y, render.resolution_percentage = x, y, percentage
    size = module("cameras").render_size(scene)
    found = module("cameras").pinhole(camera, scene)
    render.resolution_x, render.resolution_y, render.resolution_percentage = *size, 100
    assert size == (x * percentage // 100, y * percentage // 100)
    assert module("cameras").pinhole(camera, scene) == found


def test_a_rendered_dot_lies_where_k_says(blender, tmp_path):
    """The pixel grid itself, with a shifted lens: the centre of mass of a small lit ball."""
    scene, render = bpy.context.scene, bpy.context.scene.render
    render.resolution_x, render.resolution_y, render.resolution_percentage = 320, 200, 50
    render.engine, render.film_transparent, render.filepath = "CYCLES", True, str(tmp_path / "dot.png")
    scene.cycles.samples, scene.cycles.use_denoising = 256, False
    camera = random_camera(random.Random(3), "AUTO")
    camera.data.shift_x, camera.data.shift_y, camera.data.lens, camera.data.sensor_width = 0.2, -0.15, 35, 36
    bpy.ops.mesh.primitive_uv_sphere_add(radius=0.05)
    ball = bpy.context.object
    ball.location = camera.matrix_world.normalized() @ Vector((0.3, -0.2, -3.0))
    bpy.context.view_layer.update()
    bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(render.filepath)
    alpha = np.array(image.pixels).reshape(100, 160, 4)[::-1, :, 3]
    rows, columns = np.mgrid[:100, :160] + 0.5
    x, y = project(camera, scene, ball.location)
    assert (alpha * columns).sum() / alpha.sum() == pytest.approx(x, abs=0.05)
    assert (alpha * rows).sum() / alpha.sum() == pytest.approx(y, abs=0.05)


def test_a_moving_camera_is_followed_and_a_still_one_sampled_once(head):
    sampling = module("sampling")
    scene, camera = bpy.context.scene, bpy.context.scene.camera
    assert len(sampling.sample(bpy.context, head, 1, 20).entries) == 1
    camera.data.keyframe_insert("lens", frame=1)
    camera.data.lens = 35
    camera.data.keyframe_insert("lens", frame=20)
    head.keyframe_insert("location", frame=1)
    head.location.x = 1.0
    head.keyframe_insert("location", frame=20)
    samples = sampling.sample(bpy.context, head, 1, 20)
    track = sampling.cameras_of(samples, scene, 0)
    assert len(track.viewmats) == 1 and len(track.Ks) == 20 and track.Ks[0][0][0] > 2 * track.Ks[-1][0][0]
    assert track.head_matrices[0][0][3] == 0 and track.head_matrices[-1][0][3] == pytest.approx(1)


def test_a_camera_bound_to_a_marker_takes_over(head):
    scene, first = bpy.context.scene, bpy.context.scene.camera
    bpy.ops.emosplat.add_camera()
    second = scene.camera
    second.location.x += 1
    scene.timeline_markers.new("a", frame=1).camera = first
    scene.timeline_markers.new("b", frame=6).camera = second
    entries = module("sampling").sample(bpy.context, head, 1, 10).entries
    assert [entry.camera_name for entry in entries] == [first.name] * 5 + [second.name] * 5


def test_a_driver_moves_a_slider(head):
    curve = head.emosplat.driver_add("emotion_fear")
    curve.driver.expression = "frame / 10"
    entries = module("sampling").sample(bpy.context, head, 1, 20).entries
    values = [entry.sliders["emotion_fear"] for entry in entries]
    assert values[4] == pytest.approx(0.5) and values[-1] == 1.0


def test_the_portrait_camera_sees_the_head_from_the_front(head):
    head.rotation_euler.z = 0.7
    head.scale = (2, 2, 2)
    bpy.context.view_layer.update()
    bpy.ops.emosplat.add_camera()
    bpy.context.view_layer.update()
    camera = bpy.context.scene.camera
    nose = head.matrix_world @ Vector((0, -0.1, 0))
    assert (camera.matrix_world.translation - nose).length == pytest.approx(2 * 1.3, abs=0.02)
    x, y = project(camera, bpy.context.scene, nose)
    assert x == pytest.approx(16, abs=0.1) and 10 < y < 18


@pytest.mark.parametrize(("fps", "base", "exact"), [
    (25, 1.0, "25"), (24, 1.001, "24000/1001"), (30, 1.001, "30000/1001"), (60, 1.001, "60000/1001"), (30, 2.5, "12")])
def test_frame_rates_are_exact(blender, fps, base, exact):
    render = bpy.context.scene.render
    render.fps, render.fps_base = fps, base
    assert str(module("sampling").scene_fps(bpy.context.scene)) == exact


@pytest.mark.parametrize(("location", "seen"), [
    ((0, 0, 0), True), ((0.4, 0, 0), True), ((3, 0, 0), False), ((0, 0, -3), False), ((0, -5, 0), False)])
def test_a_head_that_is_never_in_the_picture_is_told(head, location, seen):
    head.location = location
    warnings = module("sampling").sample(bpy.context, head, 1, 2).warnings
    assert any("never in the camera's picture" in warning for warning in warnings) != seen

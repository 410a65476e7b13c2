# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's camera as a pinhole: view matrix with OpenCV axes, and K in pixels."""

from dataclasses import dataclass
from math import isfinite

import bpy
from mathutils import Matrix

from .problem import Problem

# Blender's camera looks along -z with y up; OpenCV's along z with y down.
OPENCV_FROM_BLENDER = Matrix.Diagonal((1.0, -1.0, -1.0, 1.0))


@dataclass(frozen=True)
class Pinhole:
    """One frame's camera.

    Args:
        viewmat: 4x4 rows, world to camera, OpenCV axes (x right, y down, z forward).
        K: 3x3 rows, pixels, pixel centres at +0.5; fx and fy differ where pixels are not square.
    """

    viewmat: list[list[float]]
    K: list[list[float]]


def render_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Width and height of the rendered picture in pixels, cut off as Blender does."""
    render = scene.render
    percentage = render.resolution_percentage
    return render.resolution_x * percentage // 100, render.resolution_y * percentage // 100


def rows(matrix: Matrix) -> list[list[float]]:
    return [list(row) for row in matrix]


def pinhole(camera: bpy.types.Object, scene: bpy.types.Scene) -> Pinhole:
    """The camera as it renders the scene now.

    Args:
        camera: an evaluated camera object.

    Raises:
        Problem: it is no perspective camera, or it is sheared.
    """
    if camera.type != "CAMERA":
        raise Problem(f"The scene's camera {camera.name!r} is a {camera.type.lower()}, not a camera.",
                      "Make a camera the scene's active camera.", "camera")
    if camera.data.type != "PERSP":
        raise Problem(f"The camera {camera.name!r} is {_KINDS.get(camera.data.type, 'of another kind')}.",
                      "Set its lens type to Perspective: splats are drawn in perspective only.", "camera")
    return Pinhole(rows(OPENCV_FROM_BLENDER @ _rigid(camera).inverted()), intrinsics(camera.data, scene))


def intrinsics(lens: bpy.types.Camera, scene: bpy.types.Scene) -> list[list[float]]:
    """K of a lens: sensor fit, shift and pixel aspect as in Blender's BKE_camera_params_compute_viewplane."""
    width, height = render_size(scene)
    aspect = scene.render.pixel_aspect_y / scene.render.pixel_aspect_x
    fit = lens.sensor_fit
    if fit == "AUTO":
        fit = "HORIZONTAL" if width >= height * aspect else "VERTICAL"
    sensor = lens.sensor_height if lens.sensor_fit == "VERTICAL" else lens.sensor_width
    side = width if fit == "HORIZONTAL" else height * aspect
    focal = lens.lens / sensor * side
    return [
        [focal, 0.0, width / 2 - lens.shift_x * side],
        [0.0, focal / aspect, height / 2 + lens.shift_y * side / aspect],
        [0.0, 0.0, 1.0],
    ]


def _rigid(camera: bpy.types.Object) -> Matrix:
    """The camera's matrix without scale, as Blender renders it."""
    matrix = camera.matrix_world.normalized()
    axes = matrix.to_3x3()
    error = max(abs(x) for row in axes.transposed() @ axes - Matrix.Identity(3) for x in row)
    if not isfinite(error) or error > 1e-3:
        raise Problem(f"The camera {camera.name!r} is sheared or has no size.",
                      "Clear the non-uniform scale of its parents.", "camera")
    return matrix


_KINDS = {"ORTHO": "orthographic", "PANO": "panoramic"}

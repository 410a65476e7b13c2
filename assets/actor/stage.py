# SPDX-License-Identifier: GPL-3.0-or-later
"""Studio light, camera and render settings."""

import math

import bpy
from mathutils import Vector

CAMERA_DISTANCE = 0.90
TARGET = Vector((0.0, -0.04, -0.004))

# Area lights: place, watts, edge in metres, colour. Each costs a frame noise: no more than the face needs.
LIGHTS = {
    "Key": ((0.58, -1.05, 0.46), 22.0, 0.60, (1.0, 0.95, 0.89)),
    "Fill": ((-0.95, -0.85, 0.0), 4.2, 0.80, (0.92, 0.95, 1.0)),
    "Rim Left": ((0.75, 0.80, 0.45), 4.5, 0.40, (1.0, 0.97, 0.93)),
    "Rim Right": ((-0.75, 0.80, 0.50), 6.0, 0.40, (0.92, 0.96, 1.0)),
}
AMBIENT = ((0.84, 0.83, 0.85), 0.22)


def set_up(scene: bpy.types.Scene) -> None:
    """Lights, world, a portrait camera that the scene renders through, and Cycles settings for a quick clean frame."""
    for name, (place, watts, edge, colour) in LIGHTS.items():
        light = bpy.data.lights.new(name, "AREA")
        light.energy, light.size, light.color = watts, edge, colour
        _stand(scene, bpy.data.objects.new(name, light), Vector(place), TARGET)
    scene.world = _world()
    lens = bpy.data.cameras.new("Portrait")
    lens.lens, lens.sensor_width, lens.clip_start = 105.0, 36.0, 0.05
    camera = bpy.data.objects.new("Portrait", lens)
    scene.camera = camera
    _stand(scene, camera, orbit(0.0, 0.0, CAMERA_DISTANCE), TARGET)
    scene.render.engine = "CYCLES"
    _quick(scene.cycles)
    scene.render.film_transparent = True
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.resolution_x = scene.render.resolution_y = 512
    scene.render.use_persistent_data = True
    scene.render.fps = 25
    scene.view_settings.view_transform = "Filmic"
    scene.view_settings.look = "Medium High Contrast"


def _quick(cycles: bpy.types.PropertyGroup) -> None:
    """A frame of 512 x 512 in a few seconds of processor time: light bounces once, the denoiser does the rest."""
    cycles.samples = 6
    cycles.sampling_pattern, cycles.use_animated_seed = "BLUE_NOISE", True
    cycles.use_light_tree = False
    cycles.use_adaptive_sampling = False  # it stops early where hair thins out, and alpha is not denoised
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces = 2, 1, 1
    cycles.transmission_bounces, cycles.volume_bounces, cycles.transparent_max_bounces = 0, 0, 4
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_direct, cycles.sample_clamp_indirect = 6.0, 2.0
    cycles.use_denoising = True
    cycles.denoiser, cycles.denoising_prefilter, cycles.denoising_quality = "OPENIMAGEDENOISE", "FAST", "HIGH"


def orbit(yaw: float, pitch: float, distance: float) -> Vector:
    """A place around TARGET: degrees to the subject's left, and up; (0, 0) is in front of the face."""
    yaw, pitch = math.radians(yaw), math.radians(pitch)
    return TARGET + distance * Vector((math.sin(yaw) * math.cos(pitch), -math.cos(yaw) * math.cos(pitch),
                                       math.sin(pitch)))


def aim(camera: bpy.types.Object, yaw: float = 0.0, pitch: float = 0.0, distance: float = CAMERA_DISTANCE) -> None:
    """Put the camera on its orbit, looking at TARGET."""
    camera.location = orbit(yaw, pitch, distance)
    camera.rotation_euler = (TARGET - camera.location).to_track_quat("-Z", "Y").to_euler()


def _stand(scene: bpy.types.Scene, thing: bpy.types.Object, place: Vector, target: Vector) -> None:
    thing.location = place
    thing.rotation_euler = (target - place).to_track_quat("-Z", "Y").to_euler()
    scene.collection.objects.link(thing)


def _world() -> bpy.types.World:
    """A soft surrounding light; the film is transparent, so that it is no backdrop."""
    world = bpy.data.worlds.new("Studio")
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs[0].default_value, background.inputs[1].default_value = (*AMBIENT[0], 1.0), AMBIENT[1]
    world.cycles.sampling_method = "NONE"
    return world

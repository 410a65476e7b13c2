# SPDX-License-Identifier: GPL-3.0-or-later
"""Studio light, backdrop, camera and render settings."""

import math

import bpy
from mathutils import Vector

CAMERA_DISTANCE = 0.82
TARGET = Vector((0.0, -0.04, -0.012))

# Area lights: place, watts, edge in metres, colour.
LIGHTS = {
    "Key": ((0.80, -0.90, 0.60), 21.0, 0.45, (1.0, 0.95, 0.89)),
    "Fill": ((-0.95, -0.75, 0.10), 3.6, 0.80, (0.90, 0.95, 1.0)),
    "Rim Left": ((0.75, 0.80, 0.45), 6.0, 0.35, (1.0, 0.97, 0.93)),
    "Rim Right": ((-0.75, 0.80, 0.50), 7.0, 0.35, (0.92, 0.96, 1.0)),
    "Front": ((0.10, -1.25, 0.18), 1.5, 0.16, (1.0, 0.98, 0.96)),
    "Under": ((0.0, -0.75, -0.60), 2.0, 0.60, (1.0, 0.96, 0.93)),
}
AMBIENT = ((0.78, 0.82, 0.90), 0.16)
BACKDROP = (0.085, 0.090, 0.098)


def set_up(scene: bpy.types.Scene) -> None:
    """Lights, world, a portrait camera that the scene renders through, and Cycles settings for a quick clean frame."""
    for name, (place, watts, edge, colour) in LIGHTS.items():
        light = bpy.data.lights.new(name, "AREA")
        light.energy, light.size, light.color = watts, edge, colour
        _stand(scene, bpy.data.objects.new(name, light), Vector(place), TARGET)
    scene.world = _world()
    lens = bpy.data.cameras.new("Portrait")
    lens.lens, lens.sensor_width, lens.clip_start = 85.0, 36.0, 0.05
    camera = bpy.data.objects.new("Portrait", lens)
    scene.camera = camera
    _stand(scene, camera, orbit(0.0, 0.0, CAMERA_DISTANCE), TARGET)
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 16
    scene.cycles.use_denoising = True
    scene.cycles.max_bounces = 4
    scene.cycles.transparent_max_bounces = 8
    scene.cycles.sample_clamp_indirect = 2.0
    scene.render.resolution_x = scene.render.resolution_y = 512
    scene.render.use_persistent_data = True
    scene.render.fps = 25
    scene.view_settings.view_transform = "Filmic"
    scene.view_settings.look = "Medium High Contrast"


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
    """A soft surrounding light, and a plain backdrop for the camera alone."""
    world = bpy.data.worlds.new("Studio")
    world.use_nodes = True
    tree = world.node_tree
    tree.nodes.clear()
    ambient, backdrop = tree.nodes.new("ShaderNodeBackground"), tree.nodes.new("ShaderNodeBackground")
    ambient.inputs[0].default_value, ambient.inputs[1].default_value = (*AMBIENT[0], 1.0), AMBIENT[1]
    backdrop.inputs[0].default_value = (*BACKDROP, 1.0)
    ray, mix = tree.nodes.new("ShaderNodeLightPath"), tree.nodes.new("ShaderNodeMixShader")
    output = tree.nodes.new("ShaderNodeOutputWorld")
    tree.links.new(ray.outputs["Is Camera Ray"], mix.inputs[0])
    tree.links.new(ambient.outputs[0], mix.inputs[1])
    tree.links.new(backdrop.outputs[0], mix.inputs[2])
    tree.links.new(mix.outputs[0], output.inputs[0])
    return world

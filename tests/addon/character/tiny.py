# SPDX-License-Identifier: GPL-3.0-or-later
"""A character of a few hundred vertices: an egg that faces -y, with lids, jaw, smile, hair, neck and a mouth."""

import math
from pathlib import Path

import bpy
import numpy as np

EYES = {"Left": (0.032, -0.09, 0.02), "Right": (-0.032, -0.09, 0.02)}
MOUTH, BROW = (0.0, -0.1, -0.05), (0.0, -0.09, 0.05)
JAW_DROP = 0.02
RADII = np.array([0.075, 0.1, 0.115])


def build(names: dict[str, str] | None = None) -> bpy.types.Object:
    """Put the character into the open scene.

    Args:
        names: ARKit's name -> the key's own name, where it has another.
    """
    points, faces = egg()
    mesh = bpy.data.meshes.new("Face")
    mesh.from_pydata(points.tolist(), [], faces)
    for name, colour in (("Skin", (0.8, 0.5, 0.4, 1.0)), ("Inner Mouth", (0.6, 0.0, 0.0, 1.0))):
        mesh.materials.append(shiny(name, colour))
    middles = np.array([points[list(face)].mean(0) for face in faces])
    inner = np.linalg.norm(middles - MOUTH, axis=1) < 0.03
    mesh.polygons.foreach_set("material_index", inner.astype(np.int32))
    face = bpy.data.objects.new("Face", mesh)
    bpy.context.scene.collection.objects.link(face)
    face.shape_key_add(name="Basis")
    for arkit, move in moves(points).items():
        key = face.shape_key_add(name=(names or {}).get(arkit, arkit))
        key.data.foreach_set("co", (points + move).astype(np.float32).ravel())
    for name, chosen in (("hair", points[:, 2] > 0.07), ("neck", points[:, 2] < -0.09)):
        face.vertex_groups.new(name=name).add(np.flatnonzero(chosen).tolist(), 1.0, "REPLACE")
    light = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "SUN"))
    light.rotation_euler = (math.radians(60.0), 0.0, 0.0)
    bpy.context.scene.collection.objects.link(light)
    cycles = bpy.context.scene.cycles
    bpy.context.scene.render.engine = "CYCLES"
    cycles.samples, cycles.use_denoising, cycles.max_bounces = 1, False, 0
    return face


def egg(rings: int = 16, sides: int = 24) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """(V, 3) points of an ellipsoid about the origin, and its faces."""
    polar, turn = np.linspace(0, np.pi, rings + 1)[1:-1], np.arange(sides) * 2 * np.pi / sides
    up, around = np.meshgrid(polar, turn, indexing="ij")
    body = np.stack([np.sin(up) * np.cos(around), np.sin(up) * np.sin(around), np.cos(up)], -1).reshape(-1, 3)
    points = np.concatenate([body, [[0, 0, 1], [0, 0, -1]]]) * RADII
    row = np.arange(sides)
    after = (row + 1) % sides
    quads = [np.stack([r + row, r + sides + row, r + sides + after, r + after], 1)
             for r in range(0, len(body) - sides, sides)]
    faces = [tuple(map(int, quad)) for quad in np.concatenate(quads)]
    last = (rings - 2) * sides
    faces += [(int(k), (int(k) + 1) % sides, len(body)) for k in row]
    faces += [(last + (int(k) + 1) % sides, last + int(k), len(body) + 1) for k in row]
    return points, faces


def moves(points: np.ndarray) -> dict[str, np.ndarray]:
    """(V, 3) of each shape."""
    made = {}
    for side, eye in EYES.items():
        near = around(points, eye, 0.015)
        made[f"eyeBlink{side}"] = near * [0.0, 0.0, -0.004]
        made[f"eyeLookOut{side}"] = near * [0.002 if side == "Left" else -0.002, 0.0, 0.0]
        made[f"mouthSmile{side}"] = around(points, MOUTH, 0.025) * [0.006 if side == "Left" else -0.006, 0.0, 0.004]
    made["jawOpen"] = (points[:, 2:] < -0.04) * np.array([0.0, 0.0, -JAW_DROP])
    made["mouthPucker"] = around(points, MOUTH, 0.025) * [0.0, -0.006, 0.0]
    made["browInnerUp"] = around(points, BROW, 0.02) * [0.0, 0.0, 0.006]
    return made


def around(points: np.ndarray, middle: tuple, reach: float) -> np.ndarray:
    """(V, 1) from 1 in the middle to 0."""
    return np.exp(-(np.linalg.norm(points - middle, axis=1) / reach) ** 2)[:, None]


def shiny(name: str, colour: tuple) -> bpy.types.Material:
    """A material that shows its colour without light."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    emission, output = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeOutputMaterial")
    emission.inputs["Color"].default_value = colour
    tree.links.new(emission.outputs[0], output.inputs["Surface"])
    return material


def clear() -> bpy.types.Material:
    material = bpy.data.materials.new("Clear")
    material.use_nodes = True
    tree = material.node_tree
    tree.nodes.clear()
    shader, output = tree.nodes.new("ShaderNodeBsdfTransparent"), tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(shader.outputs[0], output.inputs["Surface"])
    return material


def marker(place: tuple, colour: tuple, parent: bpy.types.Object) -> bpy.types.Object:
    """A small shining ball that is fixed to the character."""
    mesh = bpy.data.meshes.new("Marker")
    points, faces = egg(12, 16)
    mesh.from_pydata((points / RADII * 0.006).tolist(), [], faces)
    mesh.materials.append(shiny("Marker", colour))
    ball = bpy.data.objects.new("Marker", mesh)
    ball.location, ball.parent = place, parent
    bpy.context.scene.collection.objects.link(ball)
    return ball


def save(folder: Path) -> str:
    path = folder / "tiny.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), copy=True)
    return str(path)

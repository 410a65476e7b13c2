# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip in the 3D scene: a plane with alpha that fills the camera's picture at the head's distance."""

from pathlib import Path

import bpy
from mathutils import Matrix

from ..engine.protocol import CameraTrack
from .clip import Clip
from .compat import prepare_nodes
from .problem import Problem
from .strips import OWNER

CORNERS = ((-0.5, -0.5, 0.0), (0.5, -0.5, 0.0), (0.5, 0.5, 0.0), (-0.5, 0.5, 0.0))
TOLERANCE = 1e-6
# Frames are emitted light: they cast no shadow and show in no mirror, as a composited picture would.
HIDDEN_FROM = ("visible_diffuse", "visible_glossy", "visible_transmission", "visible_volume_scatter", "visible_shadow")


def own_planes(head: bpy.types.Object) -> list[bpy.types.Object]:
    return [thing for thing in bpy.data.objects if thing.get(OWNER) == head and thing.type == "MESH"]


def import_plane(
    scene: bpy.types.Scene, head: bpy.types.Object, clip: Clip, folder: str, camera: bpy.types.Object,
    cameras: CameraTrack,
) -> bpy.types.Object:
    """Hang the clip before the camera in place of the head's former plane.

    Args:
        folder: the clip's folder as it should stand in the .blend.
        camera: the camera that the frames were drawn through.
        cameras: what the engine drew them with.

    Raises:
        Problem: the head is behind the camera.
    """
    places = _places(cameras, clip)
    collections = [collection for old in own_planes(head) for collection in old.users_collection]
    remove_planes(head)
    mesh = bpy.data.meshes.new(f"{head.name} Picture")
    mesh.from_pydata(CORNERS, [], [(0, 1, 2, 3)])
    layer = mesh.uv_layers.new(name="UVMap")
    for corner, (x, y, _) in zip(layer.data, CORNERS):
        corner.uv = (x + 0.5, y + 0.5)
    mesh.materials.append(_material(head.name, clip, folder))
    plane = bpy.data.objects.new(mesh.name, mesh)
    plane[OWNER] = head
    for name in HIDDEN_FROM:
        setattr(plane, name, False)
    (collections[0] if collections else scene.collection).objects.link(plane)
    plane.parent = camera
    plane.matrix_parent_inverse = Matrix.LocRotScale(None, None, camera.matrix_world.to_scale()).inverted()
    plane.location, plane.scale = places[0]
    if not all(_close(place, places[0]) for place in places):
        _key(plane, places, clip.scene_first)
    return plane


def remove_planes(head: bpy.types.Object) -> None:
    """Remove the head's planes with their mesh, material and image where nobody else uses them."""
    for plane in own_planes(head):
        mesh, materials, images = plane.data, list(plane.data.materials), images_of(plane)
        action = plane.animation_data and plane.animation_data.action
        bpy.data.objects.remove(plane)
        _drop(bpy.data.meshes, mesh)
        for collection, things in ((bpy.data.materials, materials), (bpy.data.images, images),
                                   (bpy.data.actions, [action])):
            for thing in things:
                _drop(collection, thing)


def images_of(plane: bpy.types.Object) -> list[bpy.types.Image]:
    """The images that a plane shows."""
    return [node.image for material in plane.data.materials if material for node in material.node_tree.nodes
            if node.type == "TEX_IMAGE" and node.image]


def placement(K: list[list[float]], width: int, height: int, depth: float) -> tuple[tuple, tuple]:
    """Where a unit square fills the picture.

    Args:
        K: 3x3 rows, pixels.
        depth: metres before the camera.

    Returns:
        Location and scale in the camera's own axes (x right, y up, looking along -z).
    """
    focal_x, focal_y, centre_x, centre_y = K[0][0], K[1][1], K[0][2], K[1][2]
    location = ((width / 2 - centre_x) / focal_x * depth, (centre_y - height / 2) / focal_y * depth, -depth)
    return location, (width / focal_x * depth, height / focal_y * depth, 1.0)


def _places(cameras: CameraTrack, clip: Clip) -> list[tuple[tuple, tuple]]:
    """Location and scale on each frame of the clip. Raises Problem where the head is behind the camera."""
    def at(track: list, frame: int):
        return track[min(max(frame - cameras.start, 0), len(track) - 1)]

    places = []
    for frame in range(clip.first - 1, clip.first - 1 + clip.frames):
        centre = Matrix(at(cameras.viewmats, frame)) @ Matrix(at(cameras.head_matrices, frame)).translation
        if centre.z <= 0:
            raise Problem("The head is behind the camera, where no plane can show it.",
                          "Move the head or the camera, or choose the video strip.", "camera")
        places.append(placement(at(cameras.Ks, frame), cameras.width, cameras.height, centre.z))
    return places


def _key(plane: bpy.types.Object, places: list[tuple[tuple, tuple]], first: int) -> None:
    for frame, (location, scale) in enumerate(places, first):
        plane.location, plane.scale = location, scale
        plane.keyframe_insert("location", frame=frame)
        plane.keyframe_insert("scale", frame=frame)


def _close(one: tuple[tuple, tuple], other: tuple[tuple, tuple]) -> bool:
    return all(abs(a - b) < TOLERANCE for x, y in zip(one, other) for a, b in zip(x, y))


def _material(name: str, clip: Clip, folder: str) -> bpy.types.Material:
    """Emission with the frames as they are, mixed with transparency by their alpha."""
    image = bpy.data.images.load(str(Path(clip.folder) / clip.files()[0]))
    image.name = f"{name} Picture"
    image.source = "SEQUENCE"
    image.filepath = f"{folder.rstrip('/')}/{clip.files()[0]}"
    image.alpha_mode = "STRAIGHT"
    material = bpy.data.materials.new(image.name)
    material.surface_render_method = "BLENDED"
    tree = prepare_nodes(material)
    texture, emission, clear, mix, output = (tree.nodes.new(kind) for kind in (
        "ShaderNodeTexImage", "ShaderNodeEmission", "ShaderNodeBsdfTransparent", "ShaderNodeMixShader",
        "ShaderNodeOutputMaterial"))
    for column, node in enumerate((texture, emission, clear, mix, output)):
        node.location = (column * 220 - 660, 0 if node is not clear else 140)
    texture.image = image
    texture.extension = "CLIP"
    texture.interpolation = "Linear"
    user = texture.image_user
    user.frame_duration, user.frame_start, user.frame_offset = clip.frames, clip.scene_first, clip.first - 1
    user.use_auto_refresh = True
    for source, target in (
        (texture.outputs["Color"], emission.inputs["Color"]), (texture.outputs["Alpha"], mix.inputs[0]),
        (clear.outputs[0], mix.inputs[1]), (emission.outputs[0], mix.inputs[2]), (mix.outputs[0], output.inputs[0]),
    ):
        tree.links.new(source, target)
    return material


def _drop(collection, thing) -> None:
    if thing is not None and thing.users == 0:
        collection.remove(thing)

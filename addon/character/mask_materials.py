# SPDX-License-Identifier: GPL-3.0-or-later
"""The character painted by region: each region shines in a colour of its own, and what is transparent stays so.

A mask is rendered by Cycles whatever the scene's engine is: a few samples of plain light, without bounces, need a
twentieth of a picture's time, and their shares say which region a pixel holds most of. (Index passes cannot tell parts
of one material apart, and EEVEE and Workbench have none.)
"""

import addon_utils
import bpy
import numpy as np

from .job import CharacterJob
from .regions import FACE, HAIR, MOUTH, REGIONS, TORSO, region_of, region_of_material

ATTRIBUTE, KNOWN = "emosplat_region", "emosplat_region_known"
SAMPLES = 4
# Red, green and blue; what shines in none of them is face.
_COLOURS = {HAIR: (1.0, 0.0, 0.0), MOUTH: (0.0, 1.0, 0.0), TORSO: (0.0, 0.0, 1.0), FACE: (0.0, 0.0, 0.0)}


def paint_regions(job: CharacterJob, scene: bpy.types.Scene) -> None:
    """Make the scene draw regions instead of pictures. There is no way back but to open the file again."""
    with_keys = {shape.object for shape in job.shapes}
    hair: list[bpy.types.Material] = []
    for thing in list(scene.objects):
        if thing.name not in job.objects:
            thing.hide_render = True
            continue
        whole = _object_region(thing, job, thing.name in with_keys)
        thing.color = (*_COLOURS[whole], 1.0)
        if thing.type == "MESH":
            _paint_mesh(thing, job, whole)
            hair += _part_hair(thing)
        for slot in thing.material_slots:
            slot.material = slot.material or bpy.data.materials.new("EmoSplat Region")
    for material in bpy.data.materials:  # those that geometry nodes give, too
        if not material.is_grease_pencil:
            _shine(material, _COLOURS[HAIR] if material in hair else None)
    _plain_light(scene)


def shares_to_mask(picture: np.ndarray) -> np.ndarray:
    """(H, W) uint8 region that each pixel holds most of, from a rendered (H, W, 4) picture of regions."""
    alpha = picture[..., 3]
    hair, mouth, torso = (picture[..., k] * alpha for k in range(3))
    shares = np.stack([1.0 - alpha, hair, alpha - hair - mouth - torso, mouth, torso])
    return shares.argmax(axis=0).astype(np.uint8)


def _object_region(thing: bpy.types.Object, job: CharacterJob, has_keys: bool) -> int:
    if region := _said(thing.name, job) or region_of(thing.name):
        return region
    if thing.type == "CURVES":
        return HAIR
    return FACE if has_keys else TORSO


def _said(name: str, job: CharacterJob) -> int:
    return REGIONS.index(job.regions[name]) if name in job.regions else 0


def _paint_mesh(thing: bpy.types.Object, job: CharacterJob, whole: int) -> None:
    """Write each face's colour as an attribute, which modifiers carry along."""
    mesh = thing.data
    count = len(mesh.polygons)
    regions = np.full(count, whole)
    index = np.empty(count, np.int32)
    mesh.polygons.foreach_get("material_index", index)
    for number, slot in enumerate(thing.material_slots):
        name = slot.material.name if slot.material is not None else ""
        if region := _said(name, job) or region_of_material(name):
            regions[index == number] = region
    _by_groups(thing, job, regions)
    colours = np.array([_COLOURS.get(region, (0.0, 0.0, 0.0)) for region in range(len(REGIONS))], np.float32)
    for name, kind, values in ((ATTRIBUTE, "FLOAT_VECTOR", colours[regions]), (KNOWN, "FLOAT", np.ones(count))):
        if old := mesh.attributes.get(name):  # a mesh that several objects share is painted by each
            mesh.attributes.remove(old)
        made = mesh.attributes.new(name, kind, "FACE")
        made.data.foreach_set("vector" if kind == "FLOAT_VECTOR" else "value", values.astype(np.float32).ravel())


def _by_groups(thing: bpy.types.Object, job: CharacterJob, regions: np.ndarray) -> None:
    """Vertex groups overrule materials: a face takes the region that most of its corners weigh by half or more."""
    meant = {group.index: _said(group.name, job) or region_of(group.name) for group in thing.vertex_groups}
    meant = {index: region for index, region in meant.items() if region}
    if not meant:
        return
    mesh = thing.data
    at_vertex = np.zeros((len(mesh.vertices), len(REGIONS)), np.float32)
    for vertex in mesh.vertices:
        for group in vertex.groups:
            if group.group in meant:
                at_vertex[vertex.index, meant[group.group]] += group.weight
    loops = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", loops)
    starts, totals = np.empty((2, len(mesh.polygons)), np.int32)
    mesh.polygons.foreach_get("loop_start", starts)
    mesh.polygons.foreach_get("loop_total", totals)
    if not len(starts):
        return
    votes = np.add.reduceat((at_vertex >= 0.5)[loops].astype(np.float32), starts, axis=0)
    strongest = votes.argmax(axis=1)
    clear = votes.max(axis=1) > 0.5 * totals
    regions[clear] = strongest[clear]


def _part_hair(thing: bpy.types.Object) -> list[bpy.types.Material]:
    """Particle hair often grows with its skin's own material: it gets one for itself. Every mesh gets at least one."""
    materials = thing.data.materials
    if not materials:
        materials.append(None)
    parted = []
    for system in thing.particle_systems:
        skin = thing.material_slots[max(0, min(system.settings.material, len(thing.material_slots)) - 1)].material
        parted.append(skin.copy() if skin is not None else bpy.data.materials.new("EmoSplat Hair"))
        materials.append(parted[-1])
        system.settings.material = len(materials)
    return parted


def _shine(material: bpy.types.Material, colour: tuple | None) -> None:
    """Let a material's surface shine in its region's colour, and be transparent where less than half of it is there.

    Args:
        colour: None: each face's own, or its object's where faces have none (hair, and what modifiers make anew).
    """
    if material.node_tree is None:
        material.use_nodes = True
    tree = material.node_tree
    output = tree.get_output_node("CYCLES") or tree.nodes.new("ShaderNodeOutputMaterial")
    surface = output.inputs["Surface"]
    opacity = _opacity(tree, surface.links[0].from_node) if surface.links else 1.0
    for socket in output.inputs:
        for link in list(socket.links):
            tree.links.remove(link)
    emission, clear = tree.nodes.new("ShaderNodeEmission"), tree.nodes.new("ShaderNodeBsdfTransparent")
    there, mix = tree.nodes.new("ShaderNodeMath"), tree.nodes.new("ShaderNodeMixShader")
    there.operation, there.inputs[1].default_value = "GREATER_THAN", 0.5
    if colour is None:
        tree.links.new(_region_colour(tree), emission.inputs["Color"])
    else:
        emission.inputs["Color"].default_value = (*colour, 1.0)
    _feed(tree, opacity, there.inputs[0])
    for socket, source in zip(mix.inputs, (there, clear, emission)):
        tree.links.new(source.outputs[0], socket)
    tree.links.new(mix.outputs[0], surface)


def _region_colour(tree: bpy.types.NodeTree) -> bpy.types.NodeSocket:
    """The attribute where there is one, which another tells; the object's colour elsewhere."""
    attribute, known = (tree.nodes.new("ShaderNodeAttribute") for _ in range(2))
    attribute.attribute_name, known.attribute_name = ATTRIBUTE, KNOWN
    thing = tree.nodes.new("ShaderNodeObjectInfo")
    either = tree.nodes.new("ShaderNodeMix")
    either.data_type = "VECTOR"
    sockets = {socket.identifier: socket for socket in (*either.inputs, *either.outputs)}
    tree.links.new(known.outputs["Fac"], sockets["Factor_Float"])
    tree.links.new(thing.outputs["Color"], sockets["A_Vector"])
    tree.links.new(attribute.outputs["Vector"], sockets["B_Vector"])
    return sockets["Result_Vector"]


def _opacity(tree: bpy.types.NodeTree, node: bpy.types.Node) -> "bpy.types.NodeSocket | float":
    """How opaque a shader is, as a socket or a number: Principled's alpha, and mixtures with Transparent."""
    if node.type == "BSDF_TRANSPARENT":
        return 0.0
    if node.type == "BSDF_PRINCIPLED":
        alpha = node.inputs["Alpha"]
        return alpha.links[0].from_socket if alpha.links else alpha.default_value
    if node.type != "MIX_SHADER":
        return 1.0
    sides = [_opacity(tree, socket.links[0].from_node) if socket.links else 0.0 for socket in node.inputs[1:3]]
    if sides[0] == sides[1]:
        return sides[0]
    factor = node.inputs[0]
    mix = tree.nodes.new("ShaderNodeMapRange")
    mix.clamp = False
    _feed(tree, factor.links[0].from_socket if factor.links else factor.default_value, mix.inputs["Value"])
    _feed(tree, sides[0], mix.inputs["To Min"])
    _feed(tree, sides[1], mix.inputs["To Max"])
    return mix.outputs[0]


def _feed(tree: bpy.types.NodeTree, source: "bpy.types.NodeSocket | float", socket: bpy.types.NodeSocket) -> None:
    if isinstance(source, float):
        socket.default_value = source
    else:
        tree.links.new(source, socket)


def _plain_light(scene: bpy.types.Scene) -> None:
    addon_utils.enable("cycles")
    scene.render.engine = "CYCLES"
    cycles = scene.cycles
    cycles.device = "CPU"
    cycles.samples, cycles.use_denoising, cycles.use_adaptive_sampling = SAMPLES, False, False
    cycles.max_bounces, cycles.transparent_max_bounces = 0, 64
    cycles.pixel_filter_type, cycles.filter_width = "BOX", 1.0
    cycles.seed = 0
    scene.view_settings.view_transform, scene.view_settings.look = "Raw", "None"
    scene.view_settings.exposure, scene.view_settings.gamma = 0.0, 1.0
    scene.view_settings.use_curve_mapping = False
    scene.render.dither_intensity = 0.0
    scene.world = None
    for layer in scene.view_layers:
        layer.material_override = None

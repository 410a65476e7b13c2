# SPDX-License-Identifier: GPL-3.0-or-later
"""The splats' material: emitted colour that fades as the Gaussian does along the ray, in Cycles and EEVEE alike.

A ray meets a corner mesh at o (in standard deviations) and goes on along d there; its least squared distance from the
centre is |o|^2 - (o.d)^2 / |d|^2, where the Gaussian is exp(-half of it) (as 3D Gaussian Ray Tracing evaluates it,
Moenne-Loccoz et al. 2024, section 4.2). A tile has no o and no rows: it is
opaque.
"""

import math

import bpy

from ..compat import prepare_nodes
from .graph import Graph


def build_material(name: str, color: tuple[float, float, float]) -> bpy.types.Material:
    """A material of its own for a head's points.

    Args:
        color: linear, what Solid view shows.
    """
    material = bpy.data.materials.new(name)
    material.diffuse_color = (*color, 1.0)
    material.surface_render_method = "DITHERED"
    graph = Graph(prepare_nodes(material))

    def attribute(name: str, output: str):
        return graph.node("ShaderNodeAttribute", attribute_name=name).outputs[output]

    unit = attribute("splat_unit", "Vector")
    towards = graph("ShaderNodeVectorTransform", {0: graph.node("ShaderNodeNewGeometry").outputs["Incoming"]},
                    vector_type="VECTOR", convert_from="WORLD", convert_to="OBJECT")
    rows = [graph.node("ShaderNodeVectorMath", {0: attribute(f"splat_{axis}", "Vector"), 1: towards},
                       operation="DOT_PRODUCT").outputs["Value"] for axis in "xyz"]
    ray = graph("ShaderNodeCombineXYZ", dict(enumerate(rows)))

    def dot(one, other):
        return graph.node("ShaderNodeVectorMath", {0: one, 1: other}, operation="DOT_PRODUCT").outputs["Value"]

    along = dot(unit, ray)
    share = graph.math("DIVIDE", graph.math("MULTIPLY", along, along), graph.math("MAXIMUM", dot(ray, ray), 1e-12))
    distance = graph.math("SUBTRACT", dot(unit, unit), share)
    fall = graph.math("POWER", math.e, graph.math("MULTIPLY", distance, -0.5))
    # An octahedron is entered and left on the same line: only its near side counts.
    depth = graph.math("ABSOLUTE", graph.node("ShaderNodeSeparateXYZ", {0: unit}).outputs["Z"])
    far_side = graph.math("MULTIPLY", graph.node("ShaderNodeNewGeometry").outputs["Backfacing"],
                          graph.math("GREATER_THAN", depth, 1e-5))
    seen = graph.math("MULTIPLY", attribute("splat_opacity", "Fac"), graph.math("SUBTRACT", 1.0, far_side))
    emission = graph("ShaderNodeEmission", {"Color": attribute("Color", "Color")})
    clear = graph("ShaderNodeBsdfTransparent")
    mixed = graph("ShaderNodeMixShader", {0: graph.math("MULTIPLY", seen, fall), 1: clear, 2: emission})
    graph.node("ShaderNodeOutputMaterial", {0: mixed})
    return material

# SPDX-License-Identifier: GPL-3.0-or-later
"""The Geometry Nodes that draw splats from a mesh of points. Blender's own nodes, so they work where the add-on is not.

Every splat is drawn by a small mesh that follows it: in *Points* an opaque tile, in *Splats* a quad, or an octahedron
for splats that are not flat, whose material fades with the Gaussian. Each corner carries `splat_unit`, its place in
standard deviations, and the rows of the matrix that brings a direction there, where it is needed.
"""

import math
from collections.abc import Iterable

import bpy

from .graph import Graph, Socket
from .mesh import ATTRIBUTES
from .splats import LEAST_NORMAL

POINTS, SPLATS = "Points", "Splats"
COLORS = ("Appearance", "Region", "Uncertainty")
MENUS = {"Viewport": (POINTS, SPLATS), "Render": (POINTS, SPLATS), "Color": COLORS}
TILE = 1.3  # half the side of a tile, in standard deviations
FAINTEST = 0.01  # a splat ends where its opacity falls below
FLAT = 0.3  # the third axis of a flat splat is at most this share of its second
GOLDEN = 0.618034
MILLIMETRE = 0.001  # the unit of the rows: their lengths do not matter, but huge ones lose digits


def build_nodes(name: str, material: bpy.types.Material) -> bpy.types.NodeTree:
    """A node group of its own for a head's points."""
    tree = bpy.data.node_groups.new(name, "GeometryNodeTree")
    tree.is_modifier = True
    graph = Graph(tree)
    entry, leave = graph.node("NodeGroupInput"), graph.node("NodeGroupOutput")
    _add_sockets(tree)
    viewport, render, color = (entry.outputs[name] for name in ("Viewport", "Render", "Color"))
    in_viewport = graph("GeometryNodeIsViewport")
    points = entry.outputs["Geometry"]
    points = _thin(graph, points, entry, in_viewport)
    # One switch for both: a menu that two switches share has no items.
    colors = _colors(graph, color)
    tiles = _store(graph, points, "Color", "FLOAT_COLOR", _named(graph, "tile_color", "FLOAT_COLOR"))
    tiles, splats = (_store(graph, own, "Color", "FLOAT_COLOR", colors) for own in (tiles, points))
    modes = []
    for shown in (viewport, render):
        modes.append((_menu(graph, "GEOMETRY", (POINTS, SPLATS)), shown))
    marker = _colour_marker(graph, entry.outputs["Geometry"])
    drawn = {POINTS: _tiles(graph, tiles, marker), SPLATS: _splats(graph, splats, marker)}
    for switch, shown in modes:
        for item in (POINTS, SPLATS):
            tree.links.new(drawn[item], switch.inputs[item])
        tree.links.new(shown, switch.inputs["Menu"])
    chosen = graph("GeometryNodeSwitch", {"Switch": in_viewport, "False": modes[1][0].outputs[0],
                                          "True": modes[0][0].outputs[0]}, input_type="GEOMETRY")
    shaded = graph("GeometryNodeSetMaterial", {"Geometry": chosen, "Material": entry.outputs["Material"]})
    tree.links.new(shaded, leave.inputs[0])
    for socket in tree.interface.items_tree:
        if socket.name == "Material":
            socket.default_value = material
    return tree


def _add_sockets(tree: bpy.types.NodeTree) -> None:
    def add(name: str, kind: str, text: str = "", default=None, low: float = 0.0, high: float = 1.0):
        socket = tree.interface.new_socket(name, in_out="INPUT", socket_type=kind)
        socket.description = text
        if default is not None:
            socket.min_value, socket.max_value, socket.default_value = low, high, default
            socket.subtype = "FACTOR" if high == 1.0 else "NONE"

    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    add("Geometry", "NodeSocketGeometry")
    add("Viewport", "NodeSocketMenu", "What the viewport shows: points are fast, splats as they are")
    add("Render", "NodeSocketMenu", "What renders show")
    add("Color", "NodeSocketMenu", "The head's own colours, its regions, or how unsure it is")
    add("Size", "NodeSocketFloat", "Multiplies the size of every splat", 1.0, 0.0, 10.0)
    add("Opacity Cut-off", "NodeSocketFloat", "Splats that are fainter are not drawn", 0.02)
    add("Preview Density", "NodeSocketFloat", "Share of the splats that the viewport shows, grown to cover as much. "
        "Renders show all", 1.0, 0.01)
    add("Material", "NodeSocketMaterial")


def _menu(graph: Graph, kind: str, names: tuple[str, ...]) -> bpy.types.Node:
    """A Menu Switch whose items have the values 0, 1, ...: those that a new one has are renamed."""
    switch = graph.node("GeometryNodeMenuSwitch", data_type=kind)
    for name, item in zip(names, switch.enum_items):
        item.name = name
    for name in names[len(switch.enum_items):]:
        switch.enum_items.new(name)
    return switch


def _named(graph: Graph, name: str, kind: str = "FLOAT") -> Socket:
    return graph("GeometryNodeInputNamedAttribute", {"Name": name}, data_type=kind)


def _store(graph: Graph, geometry: Socket, name: str, kind: str, value, domain: str = "POINT") -> Socket:
    return graph("GeometryNodeStoreNamedAttribute", {"Geometry": geometry, "Name": name, "Value": value},
                 data_type=kind, domain=domain)


def _turned(graph: Graph) -> Socket:
    """Each splat's rotation now: the frame of its neighbours' edges, times its own within it."""
    place = graph("GeometryNodeInputPosition")

    def edge(name: str) -> Socket:
        there = graph("GeometryNodeFieldAtIndex", {"Value": place, "Index": _named(graph, name, "INT")},
                      data_type="FLOAT_VECTOR", domain="POINT")
        return graph.vector("SUBTRACT", there, place)

    first, second = edge("neighbour_1"), edge("neighbour_2")
    normal = graph.vector("CROSS_PRODUCT", first, second)
    plane = graph.math("GREATER_THAN", graph("ShaderNodeVectorMath", {0: normal}, operation="LENGTH"), LEAST_NORMAL)
    # Where the edges span no plane, any fixed axes will do.
    z = graph("GeometryNodeSwitch", {"Switch": plane, "False": (0.0, 0.0, 1.0), "True": normal}, input_type="VECTOR")
    x = graph("GeometryNodeSwitch", {"Switch": plane, "False": (1.0, 0.0, 0.0), "True": first}, input_type="VECTOR")
    frame = graph("FunctionNodeAxesToRotation", {0: z, 1: x}, primary_axis="Z", secondary_axis="X")
    return graph("FunctionNodeRotateRotation", {0: frame, 1: _named(graph, "turn", "QUATERNION")},
                 rotation_space="LOCAL")


def _thin(graph: Graph, points: Socket, entry: bpy.types.Node, in_viewport: Socket) -> Socket:
    """Without faint splats, and in the viewport as dense as asked; what stays grows."""
    density = graph("GeometryNodeSwitch", {"Switch": in_viewport, "False": 1.0,
                                           "True": entry.outputs["Preview Density"]}, input_type="FLOAT")
    chance = graph("FunctionNodeRandomValue", {"Min": 0.0, "Max": 1.0, "Seed": 0}, data_type="FLOAT")
    dropped = graph.math("GREATER_THAN", chance, density)
    faint = graph.math("LESS_THAN", _named(graph, "opacity"), entry.outputs["Opacity Cut-off"])
    gone = graph.math("MAXIMUM", dropped, faint)
    # Turns come first, as they need the neighbours, but only of what stays: this is most of the work.
    turned = {"Geometry": points, "Name": "splat_turned", "Value": _turned(graph),
              "Selection": graph.math("LESS_THAN", gone, 0.5)}
    points = graph("GeometryNodeStoreNamedAttribute", turned, data_type="QUATERNION", domain="POINT")
    points = graph("GeometryNodeDeleteGeometry", {"Geometry": points, "Selection": gone}, domain="POINT", mode="ALL")
    grown = graph.math("DIVIDE", entry.outputs["Size"], graph.math("SQRT", density))
    size = _scaled(graph, _named(graph, "size", "FLOAT_VECTOR"), grown)
    return _store(graph, points, "splat_size", "FLOAT_VECTOR", size)


def _colors(graph: Graph, chosen: Socket) -> Socket:
    """The colour that was chosen, in linear light; the head's own are in `Color`."""
    region = graph("FunctionNodeCombineColor", {
        0: graph.math("FRACT", graph.math("MULTIPLY", _named(graph, "region", "INT"), GOLDEN)), 1: 0.7, 2: 0.8,
    }, mode="HSV")
    ramp = graph.node("ShaderNodeValToRGB", {0: _named(graph, "uncertainty")})
    low, high = ramp.color_ramp.elements
    low.color, high.color = (0.02, 0.08, 0.5, 1), (1, 0.1, 0.02, 1)
    ramp.color_ramp.elements.new(0.5).color = (0.9, 0.8, 0.1, 1)
    switch = _menu(graph, "RGBA", COLORS)
    for item, value in zip(COLORS, (_named(graph, "Color", "FLOAT_COLOR"), region, ramp.outputs[0])):
        graph.tree.links.new(value, switch.inputs[item])
    graph.tree.links.new(chosen, switch.inputs["Menu"])
    return switch.outputs[0]


def _colour_marker(graph: Graph, mesh: Socket) -> Socket:
    """A single vertex of the mesh of points, which is drawn nowhere. Solid view finds colours by the name that the mesh
    calls its active ones, and this vertex brings that name along.
    """
    rest = {"Geometry": mesh, "Selection": graph("GeometryNodeInputIndex")}
    return _without(graph, graph("GeometryNodeDeleteGeometry", rest, domain="POINT", mode="ALL"), ATTRIBUTES)


def _without(graph: Graph, geometry: Socket, names: Iterable[str]) -> Socket:
    """Geometry without these attributes but for its colours: every one costs time at four corners of each splat."""
    for name in names:
        if name != "Color":
            geometry = graph("GeometryNodeRemoveAttribute", {"Geometry": geometry, "Name": name})
    return geometry


def _grid(graph: Graph) -> Socket:
    return graph("GeometryNodeMeshGrid", {"Size X": 2.0, "Size Y": 2.0, "Vertices X": 2, "Vertices Y": 2})


def _tiles(graph: Graph, points: Socket, marker: Socket) -> Socket:
    """Opaque tiles: `splat_unit` is nowhere, so they do not fade."""
    points = _store(graph, points, "splat_opacity", "FLOAT", 1.0)
    size = _scaled(graph, _named(graph, "splat_size", "FLOAT_VECTOR"), TILE)
    return _placed(graph, points, _grid(graph), size, marker)


def _splats(graph: Graph, points: Socket, marker: Socket) -> Socket:
    """Quads and octahedra that reach as far as the splat can be seen."""
    opacity, size = _named(graph, "opacity"), _named(graph, "splat_size", "FLOAT_VECTOR")
    fading = graph.math("LOGARITHM", graph.math("DIVIDE", graph.math("MAXIMUM", opacity, FAINTEST * 1.01), FAINTEST),
                        math.e)
    points = _store(graph, points, "splat_reach", "FLOAT", graph.math("SQRT", graph.math("MULTIPLY", fading, 2.0)))
    points = _store(graph, points, "splat_opacity", "FLOAT", opacity)
    sides = graph.node("ShaderNodeSeparateXYZ", {0: size})
    fat = graph.math("GREATER_THAN", sides.outputs["Z"], graph.math("MULTIPLY", sides.outputs["Y"], FLAT))
    rowed, turn = points, _named(graph, "splat_turned", "QUATERNION")
    for axis, name in enumerate("XYZ"):
        unit = [float(axis == k) for k in range(3)]
        direction = graph("FunctionNodeRotateVector", {"Vector": unit, "Rotation": turn})
        row = _scaled(graph, direction, graph.math("DIVIDE", MILLIMETRE, sides.outputs[name]))
        rowed = _store(graph, rowed, f"splat_{name.lower()}", "FLOAT_VECTOR", row)
    any_fat = graph.node("GeometryNodeAttributeStatistic", {"Geometry": points, "Attribute": fat}).outputs["Max"]
    points = graph("GeometryNodeSwitch", {"Switch": any_fat, "False": points, "True": rowed}, input_type="GEOMETRY")
    solid = graph("GeometryNodeMeshUVSphere", {"Segments": 4, "Rings": 2, "Radius": math.sqrt(3)})
    choice = graph.node("GeometryNodeJoinGeometry")
    for mesh in (solid, _grid(graph)):  # links to one input count from the last made
        corners = _store(graph, mesh, "splat_unit", "FLOAT_VECTOR", graph("GeometryNodeInputPosition"))
        graph.tree.links.new(graph("GeometryNodeGeometryToInstance", {"Geometry": corners}), choice.inputs[0])
    reach = _named(graph, "splat_reach")
    corners = _placed(graph, points, choice.outputs[0], _scaled(graph, size, reach), marker, fat)
    return _store(graph, corners, "splat_unit", "FLOAT_VECTOR",
                  _scaled(graph, _named(graph, "splat_unit", "FLOAT_VECTOR"), reach))


def _scaled(graph: Graph, vector: Socket, factor) -> Socket:
    return graph("ShaderNodeVectorMath", {0: vector, "Scale": factor}, operation="SCALE")


def _placed(
    graph: Graph, points: Socket, mesh: Socket, scale: Socket, marker: Socket, pick: Socket | None = None
) -> Socket:
    """A copy of a mesh, or of the picked one of several, at every point; it keeps what its material needs.

    Args:
        marker: comes first, as it is, so that it names the colours.
    """
    inputs = {"Points": points, "Instance": mesh, "Rotation": _named(graph, "splat_turned", "QUATERNION"),
              "Scale": scale}
    if pick is not None:
        inputs |= {"Pick Instance": True, "Instance Index": pick}
    placed = graph("GeometryNodeInstanceOnPoints", inputs)
    placed = _without(graph, placed, (*ATTRIBUTES, "splat_turned", "splat_size"))
    joined = graph.node("GeometryNodeJoinGeometry")
    for geometry in (placed, marker):  # links to one input count from the last made
        graph.tree.links.new(geometry, joined.inputs[0])
    return graph("GeometryNodeRealizeInstances", {"Geometry": joined.outputs[0]})

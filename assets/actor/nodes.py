# SPDX-License-Identifier: GPL-3.0-or-later
"""Shader graphs written as expressions: `graph.mix(a, b, factor)` adds a node and gives its output."""

from typing import Any

import bpy


class Graph:
    """One material's nodes. Arguments are numbers, tuples (colours, vectors) or sockets of other nodes."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()
        self.output = self.tree.nodes.new("ShaderNodeOutputMaterial")

    def node(self, kind: str, settings: dict[str, Any] | None = None, **inputs: Any) -> bpy.types.Node:
        """A node of type "ShaderNode" + kind; inputs by their name with spaces as underscores, or by number: _0."""
        made = self.tree.nodes.new("ShaderNode" + kind)
        for key, value in (settings or {}).items():
            setattr(made, key, value)
        for key, value in inputs.items():
            place = int(key[1:]) if key.startswith("_") else key.replace("_", " ")
            self._set(made.inputs[place], value)
        return made

    def _set(self, socket: bpy.types.NodeSocket, value: Any) -> None:
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        elif isinstance(value, tuple) and socket.type == "RGBA" and len(value) == 3:
            socket.default_value = (*value, 1.0)
        else:
            socket.default_value = value

    def math(self, operation: str, *values: Any, clamp: bool = False) -> bpy.types.NodeSocket:
        inputs = {f"_{i}": value for i, value in enumerate(values)}
        return self.node("Math", {"operation": operation, "use_clamp": clamp}, **inputs).outputs[0]

    def mix(self, a: Any, b: Any, factor: Any, blend: str = "MIX") -> bpy.types.NodeSocket:
        settings = {"data_type": "RGBA", "blend_type": blend, "clamp_factor": True}
        return self.node("Mix", settings, _0=factor, _6=a, _7=b).outputs[2]

    def ramp(self, value: Any, low: float, high: float, to_low: float = 0.0, to_high: float = 1.0):
        """`value` from low..high to to_low..to_high, smooth and clamped."""
        settings = {"interpolation_type": "SMOOTHSTEP"}
        return self.node("MapRange", settings, _0=value, _1=low, _2=high, _3=to_low, _4=to_high).outputs[0]

    def attribute(self, name: str) -> bpy.types.Node:
        return self.node("Attribute", {"attribute_name": name})

    def value(self, name: str) -> bpy.types.NodeSocket:
        """A scalar vertex attribute."""
        return self.attribute(name).outputs["Fac"]

    def noise(self, place: Any, scale: float, detail: float = 2.0) -> bpy.types.NodeSocket:
        """Fractal noise, 0 to 1; `scale` in features per metre."""
        return self.node("TexNoise", Vector=place, Scale=scale, Detail=detail).outputs[0]

    def bump(self, height: Any, depth: float, strength: float = 1.0, normal: Any = None):
        inputs = {"Height": height, "Distance": depth, "Strength": strength}
        if normal is not None:
            inputs["Normal"] = normal
        return self.node("Bump", **inputs).outputs[0]

    def surface(self, socket: bpy.types.NodeSocket) -> bpy.types.Material:
        self.tree.links.new(socket, self.output.inputs["Surface"])
        return self.material

    def principled(self, **inputs: Any) -> bpy.types.Material:
        """Burley's subsurface looks as a random walk does from a portrait's distance, for a third of the time."""
        return self.surface(self.node("BsdfPrincipled", {"subsurface_method": "BURLEY"}, **inputs).outputs[0])

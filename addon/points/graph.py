# SPDX-License-Identifier: GPL-3.0-or-later
"""Node trees written as expressions: a call makes a node, a socket handed to it a link."""

import bpy

Socket = bpy.types.NodeSocket


class Graph:
    """Adds nodes to a tree, column by column."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree, self._count = tree, 0

    def node(self, kind: str, inputs: dict | None = None, **properties) -> bpy.types.Node:
        """A node with its properties set and its inputs linked or set.

        Args:
            kind: bl_idname.
            inputs: name or index of an input -> a socket to link, or a value. Of inputs of one name the first that is
                in use counts.
        """
        node = self.tree.nodes.new(kind)
        node.location = (200 * (self._count // 6), -170 * (self._count % 6))
        self._count += 1
        for name, value in properties.items():
            setattr(node, name, value)
        for name, value in (inputs or {}).items():
            target = node.inputs[name] if isinstance(name, int) else self._input(node, name)
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, target)
            else:
                target.default_value = value
        return node

    def __call__(self, kind: str, inputs: dict | None = None, **properties) -> Socket:
        """The first output in use of a new node."""
        return next(output for output in self.node(kind, inputs, **properties).outputs if output.enabled)

    def math(self, operation: str, *values) -> Socket:
        return self("ShaderNodeMath", dict(enumerate(values)), operation=operation)

    def vector(self, operation: str, *values) -> Socket:
        return self("ShaderNodeVectorMath", dict(enumerate(values)), operation=operation)

    @staticmethod
    def _input(node: bpy.types.Node, name: str) -> Socket:
        return next(socket for socket in node.inputs if socket.name == name and socket.enabled)

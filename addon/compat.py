# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences between Blender 4.2 and 5.2, by what is there and not by version number."""

import bpy


def strips_of(editor: bpy.types.bpy_struct):
    """The top-level strips of a sequence editor or a meta strip: `strips` from 4.4 on, `sequences` before."""
    return editor.strips if hasattr(editor, "strips") else editor.sequences


def all_strips_of(editor: bpy.types.SequenceEditor):
    """Every strip, also those inside meta strips."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def strip_range(strip: bpy.types.bpy_struct) -> tuple[int, int]:
    """First frame and the frame after the last: `frame_final_*` gave way to handles in 5.2."""
    if hasattr(strip, "left_handle"):
        return int(strip.left_handle), int(strip.right_handle)
    return strip.frame_final_start, strip.frame_final_end


def content_start(strip: bpy.types.bpy_struct) -> float:
    """The scene frame where a strip's uncut content begins: `frame_start` gave way to `content_start` in 5.2."""
    return strip.content_start if hasattr(strip, "content_start") else strip.frame_start


def set_range(strip: bpy.types.bpy_struct, first: int, end: int) -> None:
    """Let a strip play its whole content from `first` on, where `end` is the frame after the last."""
    start, left, right = (("content_start", "left_handle", "right_handle") if hasattr(strip, "content_start")
                          else ("frame_start", "frame_final_start", "frame_final_end"))
    setattr(strip, start, first)
    setattr(strip, right, end)
    setattr(strip, left, first)


def show_scene_in_sequencer(scene: bpy.types.Scene) -> None:
    """From 5.0 on a workspace's sequencer shows a scene of its own choice: give it ours where it has none."""
    for workspace in bpy.data.workspaces:
        if getattr(workspace, "sequencer_scene", scene) is None:
            workspace.sequencer_scene = scene


def prepare_nodes(material: bpy.types.Material) -> bpy.types.NodeTree:
    """The material's empty node tree; from 5.0 on every material has one and `use_nodes` is going away."""
    if material.node_tree is None:
        material.use_nodes = True
    material.node_tree.nodes.clear()
    return material.node_tree

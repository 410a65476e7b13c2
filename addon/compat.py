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


def curves_of(action: bpy.types.Action, owner: bpy.types.ID):
    """The F-curves with which an action moves a kind of datablock such as `owner`'s, to add to; from 4.4 on they lie in
    a slot, which is made where missing.
    """
    if not hasattr(action, "slots"):
        return action.fcurves
    slot = slot_for(action, owner) or action.slots.new(owner.id_type, owner.name)
    layer = action.layers[0] if action.layers else action.layers.new("Layer")
    strip = layer.strips[0] if layer.strips else layer.strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True).fcurves


def existing_curves(action: bpy.types.Action, owner: bpy.types.ID):
    """The F-curves with which an action moves a kind of datablock such as `owner`'s; nothing is made."""
    return () if hasattr(action, "slots") and slot_for(action, owner) is None else curves_of(action, owner)


def slot_for(action: bpy.types.Action, owner: bpy.types.ID):
    """The action's slot for datablocks of `owner`'s kind, or None; there are none before 4.4."""
    return next((slot for slot in getattr(action, "slots", ()) if slot.target_id_type == owner.id_type), None)


def use_action(user: bpy.types.bpy_struct, action: bpy.types.Action, owner: bpy.types.ID) -> None:
    """Give an action to `owner`'s animation data or to one of its NLA strips, with the slot where there are slots."""
    user.action = action
    if hasattr(user, "action_slot"):
        user.action_slot = slot_for(action, owner)


def set_keys(curve: bpy.types.FCurve, keys) -> None:
    """Put (K, 2) frames and values on an empty curve, straight in between."""
    points = curve.keyframe_points
    points.add(len(keys))
    points.foreach_set("co", [number for key in keys for number in key])
    linear = bpy.types.Keyframe.bl_rna.properties["interpolation"].enum_items["LINEAR"].value
    points.foreach_set("interpolation", [linear] * len(keys))
    curve.update()


def play_sound_at(strip: bpy.types.NlaStrip, frame: int) -> None:
    """Let a Speaker's sound strip begin at a scene frame."""
    end = frame + strip.frame_end - strip.frame_start
    if frame > strip.frame_start:  # an end never comes before its start
        strip.frame_end = end
    strip.frame_start, strip.frame_end = frame, end


def modifier_input(modifier: bpy.types.NodesModifier, name: str) -> tuple[bpy.types.bpy_struct, str]:
    """Whose property, of which name, holds an input of a Geometry Nodes modifier: custom properties of the modifier
    itself until 5.1, properties of their own from 5.2 on. Raises KeyError.
    """
    socket = next((item for item in modifier.node_group.interface.items_tree
                   if item.name == name and getattr(item, "in_out", "") == "INPUT"), None)
    if socket is None:
        raise KeyError(name)
    if hasattr(modifier, "properties"):
        return getattr(modifier.properties.inputs, socket.identifier), "value"
    return modifier, f'["{socket.identifier}"]'


def set_modifier_input(modifier: bpy.types.NodesModifier, name: str, value) -> None:
    """Set an input of a Geometry Nodes modifier; a menu's by the number of its item."""
    owner, path = modifier_input(modifier, name)
    if path != "value":
        owner[path[2:-2]] = value
    elif isinstance(owner.value, str):
        owner.value = owner.bl_rna.properties["value"].enum_items[value].identifier
    else:
        owner.value = value

# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights of a clip as F-curves on the shape keys: linear, one key a frame, in one action."""

import bpy
import numpy as np

from ..compat import curves_of, set_keys, use_action
from .mesh import KEY_PREFIX, own_keys

PATH = 'key_blocks["{}"].value'
OWNER = "emosplat_points_action"


def fill_action(mesh: bpy.types.Mesh, weights: np.ndarray, first: int) -> bpy.types.Action | None:
    """Key the mesh's own shape keys, in the action that keys them already: the one in use, or one of an NLA strip.
    Other curves of it stay.

    Args:
        weights: (T, K).
        first: scene frame of the first row.
    """
    keys = mesh.shape_keys
    if keys is None:
        return None
    action = own_action(keys)
    if action is None:
        action = bpy.data.actions.new(f"{mesh.name} Movement")
        action[OWNER] = True
    curves = curves_of(action, keys)
    for curve in [curve for curve in curves if curve.data_path.startswith(f'key_blocks["{KEY_PREFIX}')]:
        curves.remove(curve)
    frames = np.arange(first, first + len(weights), dtype=np.float64)
    for block, row in zip(own_keys(mesh), weights.T):
        set_keys(curves.new(PATH.format(block.name)), np.stack([frames, row], axis=1))
    data = keys.animation_data_create()
    if data.action is None and not _strips(keys):
        use_action(data, action, keys)
    return action


def own_action(keys: bpy.types.Key) -> bpy.types.Action | None:
    """The action that keys a clip's shapes, in use or in an NLA strip, or None."""
    data = keys.animation_data
    if data is None:
        return None
    actions = [data.action, *(strip.action for strip in _strips(keys))]
    return next((action for action in actions if action is not None and action.get(OWNER)), data.action)


def _strips(keys: bpy.types.Key) -> list[bpy.types.NlaStrip]:
    data = keys.animation_data
    return [strip for track in data.nla_tracks for strip in track.strips] if data else []

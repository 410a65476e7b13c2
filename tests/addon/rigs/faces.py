# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes with shape keys by anybody's names, and takes to bake on them."""

from fractions import Fraction

import bpy
import numpy as np

from engine.protocol import EXPRESSION_NAMES
from tests.addon.extension import module

VROID = [f"Fcl_{name}" for name in (
    "ALL_Neutral", "ALL_Angry", "ALL_Fun", "ALL_Joy", "ALL_Sorrow", "ALL_Surprised", "BRW_Angry", "BRW_Fun", "BRW_Joy",
    "BRW_Sorrow", "BRW_Surprised", "EYE_Close", "EYE_Close_R", "EYE_Close_L", "EYE_Joy", "EYE_Spread", "MTH_Close",
    "MTH_Up", "MTH_Down", "MTH_Large", "MTH_A", "MTH_I", "MTH_U", "MTH_E", "MTH_O", "HA_Fung1")]
VRM_0 = ["A", "I", "U", "E", "O", "Blink", "Blink_L", "Blink_R", "Joy", "Angry", "Sorrow", "Fun", "LookUp", "LookDown",
         "LookLeft", "LookRight"]
VRM_1 = ["aa", "ih", "ou", "ee", "oh", "blink", "blinkLeft", "blinkRight", "happy", "angry", "sad", "relaxed",
         "surprised", "lookUp", "lookDown", "lookLeft", "lookRight", "neutral"]
OCULUS = [f"viseme_{name}" for name in (
    "sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")]


def make_face(keys, name="Face"):
    """A triangle with these shape keys, the active object."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    for number, key in enumerate(("Basis", *keys)):
        thing.shape_key_add(name=key).data[0].co.z = float(number > 0)
    bpy.context.view_layer.objects.active = thing
    return thing


def make_take(frames=60, fps=25, **curves):
    """A Performance; each curve is a list or function of 0 to 1, by ARKit's name or its base for both sides."""
    expression = np.zeros((frames, 52), np.float32)
    for name, curve in curves.items():
        values = curve(np.linspace(0.0, 1.0, frames)) if callable(curve) else curve
        for side in ("",) if name in EXPRESSION_NAMES else ("Left", "Right"):
            expression[:, EXPRESSION_NAMES.index(name + side)] = values
    return module("takes").Performance(Fraction(fps), expression, np.zeros((frames, 8), np.float32))


def wave(x):
    return 0.4 + 0.35 * np.sin(9.0 * x) + 0.05 * np.sin(70.0 * x)


def bake(face, take, existing="ASK", start=1, first=None, last=None):
    """Match if need be, and write a take as the add-on does when the engine is done; what it told."""
    setup = module("rigs.setup")
    if setup.is_stale(face):
        setup.fill_keys(face)
    span = (start, start if first is None else first, last)
    return module("rigs.baking").write_take(bpy.context.scene, face, take, existing, span)


def key_of(face):
    return face.data.shape_keys


def animate(face, key, values, name="Mine"):
    """The animator's own keys: (frame, value) pairs in an action of theirs."""
    block = key_of(face).key_blocks[key]
    for frame, value in values:
        block.value = value
        block.keyframe_insert("value", frame=frame)
    action = key_of(face).animation_data.action
    action.name = name
    return action


def curves(action, face):
    """Data path -> (frame, value) pairs of an action's curves."""
    return {curve.data_path: [tuple(point.co) for point in curve.keyframe_points]
            for curve in module("compat").curves_of(action, key_of(face))}


def played(face, frame):
    """Shape key -> its value on a scene frame."""
    bpy.context.scene.frame_set(int(frame), subframe=frame - int(frame))
    return {key.name: key.value for key in face.data.shape_keys.key_blocks}


def said(face):
    """Shape key -> its entry of the list, of those that are used."""
    return {entry.name: entry.shape for entry in face.emosplat_rig.keys if entry.shape != "NONE"}

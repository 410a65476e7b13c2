# SPDX-License-Identifier: GPL-3.0-or-later
"""F-curves made by the add-on move what they are for, assigned or in an NLA strip."""

import bpy
import pytest

from tests.addon.extension import module


@pytest.fixture
def key(blender):
    mesh = bpy.data.meshes.new("Face")
    mesh.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [(0, 1, 2)])
    thing = bpy.data.objects.new("Face", mesh)
    bpy.context.scene.collection.objects.link(thing)
    for name in ("Basis", "jawOpen"):
        thing.shape_key_add(name=name)
    return mesh.shape_keys


@pytest.mark.parametrize("nla", [False, True])
def test_linear_keys_move_a_shape_key_at_negative_frames_and_between(key, nla):
    compat = module("compat")
    action = bpy.data.actions.new("Take")
    curve = compat.curves_of(action, key).new('key_blocks["jawOpen"].value', index=0)
    compat.set_keys(curve, [(-20, 0.0), (0, 1.0), (10.5, 0.5)])
    animation = key.animation_data_create()
    user = animation.nla_tracks.new().strips.new("Take", -20, action) if nla else animation
    compat.use_action(user, action, key)
    for frame, value in ((-20, 0.0), (-15, 0.25), (0, 1.0), (10, 0.5238), (12, 0.5)):
        bpy.context.scene.frame_set(frame)
        assert key.key_blocks["jawOpen"].value == pytest.approx(value, abs=1e-4)
    assert len(list(compat.curves_of(action, key))) == 1


def test_one_action_serves_two_kinds_of_things(key):
    compat = module("compat")
    action, thing = bpy.data.actions.new("Take"), bpy.data.objects["Face"]
    if not hasattr(action, "slots"):
        pytest.skip("before 4.4 an action serves one kind")
    compat.set_keys(compat.curves_of(action, key).new('key_blocks["jawOpen"].value', index=0), [(1, 0.25)])
    compat.set_keys(compat.curves_of(action, thing).new("location", index=2), [(1, 3.0)])
    for owner in (key, thing):
        compat.use_action(owner.animation_data_create(), action, owner)
    bpy.context.scene.frame_set(1)
    assert key.key_blocks["jawOpen"].value == 0.25 and thing.location.z == 3.0

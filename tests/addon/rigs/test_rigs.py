# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigs as people have them: drivers, locks, several meshes, a jaw's bone, linked and overridden, and odd states."""

import bpy
import numpy as np
import pytest

from tests.addon.extension import module
from tests.addon.rigs.faces import animate, bake, curves, key_of, make_face, make_take, played, said, wave


@pytest.fixture
def face(blender):
    return make_face(["jawOpen", "eyeBlink_L", "eyeBlink_R", "mouthSmile", "Ears"])


def test_driven_keys_are_left_to_their_drivers(face):
    face["control"] = 0.3
    driver = key_of(face).key_blocks["jawOpen"].driver_add("value").driver
    driver.expression = "0.3"
    told = bake(face, make_take(jawOpen=[0.9] * 60, eyeBlink=[0.4] * 60))
    assert "jawOpen" in " ".join(told[1:]) and len(curves(key_of(face).animation_data.action, face)) == 3
    values = played(face, 9)
    assert values["jawOpen"] == pytest.approx(0.3) and values["eyeBlink_L"] == pytest.approx(0.4, abs=0.01)


def test_when_all_is_driven_that_is_said(face):
    for name in ("jawOpen", "eyeBlink_L", "eyeBlink_R", "mouthSmile"):
        key_of(face).key_blocks[name].driver_add("value")
    with pytest.raises(module("problem").Problem, match="drivers"):
        bake(face, make_take(jawOpen=wave))
    assert not bpy.data.actions


def test_values_stay_within_a_keys_slider(face):
    key_of(face).key_blocks["jawOpen"].slider_max = 0.5
    bake(face, make_take(jawOpen=[0.9] * 60))
    assert played(face, 9)["jawOpen"] == pytest.approx(0.5)


def test_muted_shared_and_soloed_are_told(face):
    key_of(face).key_blocks["jawOpen"].mute = True
    face.show_only_shape_key = True
    bpy.data.objects.new("Twin", face.data)
    told = " ".join(bake(face, make_take(jawOpen=wave)))
    assert "muted" in told and "Solo" in told and "2 objects" in told


def test_locked_keys_are_baked_as_the_lock_is_for_sculpting(face):
    block = key_of(face).key_blocks["jawOpen"]
    block.lock_shape = True
    bake(face, make_take(jawOpen=[0.5] * 60))
    assert block.lock_shape and played(face, 9)["jawOpen"] == pytest.approx(0.5)


def test_teeth_and_lashes_of_the_same_rig_play_along(face):
    teeth, stranger, busy = (make_face(["jawOpen"], name) for name in ("Teeth", "Stranger", "Busy"))
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    bpy.context.scene.collection.objects.link(rig)
    for thing in (face, teeth, busy):
        thing.parent = rig
    animate(busy, "jawOpen", [(1, 0.9)], "Chewing")
    told = bake(face, make_take(jawOpen=[0.4] * 60))
    assert "of 3 meshes" in told[0] and "'Chewing'" in " ".join(told)
    assert played(teeth, 9)["jawOpen"] == pytest.approx(0.4) and key_of(stranger).animation_data is None
    assert played(busy, 9)["jawOpen"] == pytest.approx(0.9)
    bake(face, make_take(jawOpen=[0.2] * 60))
    assert played(teeth, 9)["jawOpen"] == pytest.approx(0.2)
    assert {action.name for action in bpy.data.actions} == {"Face Take", "Chewing"}


@pytest.mark.parametrize("mode", ["XYZ", "ZXY", "QUATERNION", "AXIS_ANGLE"])
def test_a_jaw_bone_turns_with_the_jaw(face, mode):
    bpy.ops.object.armature_add()
    rig = bpy.context.object
    bone = rig.pose.bones[0]
    bone.rotation_mode = mode
    settings = face.emosplat_rig
    settings.use_jaw, settings.jaw_rig, settings.jaw_bone, settings.jaw_axis = True, rig, bone.name, "X"
    settings.jaw_angle = -0.5
    told = bake(face, make_take(jawOpen=lambda x: x), start=1)
    assert "jaw's bone" in told[0]
    for frame in (1, 20, 31, 60):
        bpy.context.scene.frame_set(frame)
        turn = bone.matrix_basis.to_euler()
        assert turn.x == pytest.approx(-0.5 * (frame - 1) / 59, abs=0.004) and abs(turn.y) + abs(turn.z) < 1e-6
    bake(face, make_take(jawOpen=lambda x: 0.0 * x))
    assert len(bpy.data.actions) == 2 and len(rig.animation_data.nla_tracks) == 1


def test_a_jaw_bone_alone_is_enough_and_its_rigs_action_stays(blender):
    face = make_face(["Ears"])
    bpy.ops.object.armature_add()
    rig = bpy.context.object
    rig.pose.bones[0].rotation_mode = "XYZ"
    rig.pose.bones[0].keyframe_insert("location", frame=1)
    walk = rig.animation_data.action
    settings = face.emosplat_rig
    settings.use_jaw, settings.jaw_rig, settings.jaw_bone = True, rig, rig.pose.bones[0].name
    bake(face, make_take(jawOpen=[1.0] * 60))
    bpy.context.scene.frame_set(9)
    assert rig.animation_data.action == walk and rig.pose.bones[0].rotation_euler.x == pytest.approx(np.radians(20))
    assert key_of(face).animation_data is None


def test_a_rigs_jaw_bone_is_suggested(face):
    bpy.ops.object.armature_add()
    rig = bpy.context.object
    rig.data.bones[0].name = "CC_Base_JawRoot"
    face.modifiers.new("Rig", "ARMATURE").object = rig
    module("rigs.setup").fill_keys(face)
    settings = face.emosplat_rig
    assert (settings.jaw_rig, settings.jaw_bone, settings.use_jaw) == (rig, "CC_Base_JawRoot", False)
    settings.jaw_bone = "chin"
    module("rigs.setup").fill_keys(face)
    assert settings.jaw_bone == "chin"


@pytest.mark.parametrize("change", ["no rig", "no bone", "driver"])
def test_a_jaw_bone_that_cannot_turn_is_said(face, change):
    bpy.ops.object.armature_add()
    rig = bpy.context.object
    settings = face.emosplat_rig
    settings.use_jaw, settings.jaw_rig, settings.jaw_bone = True, rig, rig.pose.bones[0].name
    if change == "no rig":
        settings.jaw_rig = None
    elif change == "no bone":
        settings.jaw_bone = "chin"
    else:
        rig.pose.bones[0].driver_add("rotation_euler", 0)
    with pytest.raises(module("problem").Problem, match="bone"):
        bake(face, make_take(jawOpen=wave))
    assert not bpy.data.actions


def test_a_range_and_negative_frames(face):
    take = make_take(jawOpen=lambda x: x)
    bake(face, take, start=-30, first=-10, last=0)
    action = key_of(face).animation_data.action
    assert tuple(action.frame_range) == (-10.0, 0.0)
    assert played(face, -10)["jawOpen"] == pytest.approx(20 / 59, abs=1e-4)
    with pytest.raises(module("problem").Problem, match="outside the range"):
        bake(face, take, start=-30, first=100)
    assert tuple(action.frame_range) == (-10.0, 0.0)


@pytest.mark.parametrize("state", ["none", "plain mesh", "edit mode", "absolute", "linked", "no match"])
def test_why_a_mesh_cannot_speak(blender, tmp_path, state):
    setup = module("rigs.setup")
    face = None if state == "none" else make_face(["jawOpen"] if state != "no match" else ["Ears"])
    if state == "plain mesh":
        face.shape_key_clear()
    elif state == "edit mode":
        bpy.ops.object.mode_set(mode="EDIT")
    elif state == "absolute":
        key_of(face).use_relative = False
    elif state == "linked":
        bpy.data.libraries.write(str(tmp_path / "lib.blend"), {face})
        bpy.data.objects.remove(face)
        with bpy.data.libraries.load(str(tmp_path / "lib.blend"), link=True) as (_, to):
            to.objects = ["Face"]
        face = to.objects[0]
        bpy.context.scene.collection.objects.link(face)
        bpy.context.view_layer.objects.active = face
    if state == "no match":
        setup.fill_keys(face)
        reason = module("operators.rig").BakeTake.disabled_reason(bpy.context)
        assert "audio" in reason
        face.emosplat_rig.source, face.emosplat_rig.file = "FILE", "a.csv"
        reason = module("operators.rig").BakeTake.disabled_reason(bpy.context)
    else:
        reason = setup.face_reason(setup.active_face(bpy.context))
    words = {"none": "Select a mesh", "plain mesh": "Select a mesh", "edit mode": "Edit Mode", "absolute": "absolute",
             "linked": "linked", "no match": "No shape key"}
    assert words[state] in reason
    if face is not None:
        with pytest.raises(module("problem").Problem):
            setup.require_face(face)


def test_a_library_override_with_its_mesh_speaks(blender, tmp_path):
    face = make_face(["jawOpen"])
    bpy.data.libraries.write(str(tmp_path / "lib.blend"), {face})
    bpy.data.objects.remove(face)
    bpy.data.meshes.remove(bpy.data.meshes["Face"])
    with bpy.data.libraries.load(str(tmp_path / "lib.blend"), link=True) as (_, to):
        to.objects = ["Face"]
    face = to.objects[0].override_create(remap_local_usages=True)
    bpy.context.scene.collection.objects.link(face)
    assert "override with its mesh" in module("rigs.setup").face_reason(face)
    face.data.override_create(remap_local_usages=True)
    if module("rigs.setup").face_reason(face):
        pytest.skip("this Blender does not override shape keys with their mesh")
    for value in (0.5, 0.7):
        bake(face, make_take(jawOpen=[value] * 60))
        assert played(face, 9)["jawOpen"] == pytest.approx(value)
    bpy.context.view_layer.objects.active = face
    bpy.ops.emosplat.match_keys(reset=True)
    assert said(face) == {"jawOpen": "jawOpen"}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes on real shape keys: what plays, what is never touched, what a second bake does, and what cannot be baked on."""

import bpy
import numpy as np
import pytest

from engine.protocol import EXPRESSION_NAMES
from tests.addon.extension import module
from tests.addon.rigs.faces import VRM_0, bake, make_face, make_take, played, said, wave

COLUMN = {name: k for k, name in enumerate(EXPRESSION_NAMES)}


@pytest.fixture
def face(blender):
    return make_face(["jawOpen", "eyeBlink_L", "eyeBlink_R", "mouthSmile", "Ears"])


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
    return {curve.data_path: [tuple(point.co) for point in curve.keyframe_points]
            for curve in module("compat").curves_of(action, key_of(face))}


def strips(face):
    animation = key_of(face).animation_data
    return [(strip.name, strip.frame_start, strip.frame_end) for track in animation.nla_tracks for strip in track.strips]


def test_every_frame_is_within_the_error_and_between_frames_too(face):
    take = make_take(jawOpen=wave, eyeBlinkLeft=lambda x: x, mouthSmileLeft=wave, mouthSmileRight=lambda x: 0.0 * x)
    done, *_ = bake(face, take)
    error = face.emosplat_rig.error
    for k in range(len(take)):
        values = played(face, 1 + k)
        assert values["jawOpen"] == pytest.approx(take.expression[k, COLUMN["jawOpen"]], abs=error + 1e-5)
        assert values["eyeBlink_L"] == pytest.approx(take.expression[k, COLUMN["eyeBlinkLeft"]], abs=error + 1e-5)
        assert values["mouthSmile"] == pytest.approx(take.expression[k, COLUMN["mouthSmileLeft"]] / 2, abs=error + 1e-5)
        assert values["Ears"] == 0.0
    between = [played(face, frame)["jawOpen"] for frame in (20, 20.5, 21)]
    assert min(between[::2]) - 1e-6 <= between[1] <= max(between[::2]) + 1e-6
    stated = float(done.split("at most ")[1].split()[0])
    assert 0.0 < stated <= error and "on 60 frames" in done


def test_more_error_leaves_fewer_keys(face):
    counts = []
    for error in (0.0, 0.005, 0.05):
        face.emosplat_rig.error = error
        bake(face, make_take(jawOpen=wave))
        counts.append(len(curves(key_of(face).animation_data.action, face)['key_blocks["jawOpen"].value']))
    assert counts[0] > counts[1] > counts[2] > 2


def test_vrm_speaks_closes_and_blinks(blender):
    """The foreign rig: nothing of ARKit's names but blinks."""
    face = make_face(VRM_0)
    bake(face, make_take(jawOpen=np.where(np.arange(60) < 30, 0.6, 0.5), mouthClose=np.where(np.arange(60) < 30, 0, 0.5),
                         mouthPucker=lambda x: 0.0 * x, eyeBlink=lambda x: x, browDown=[0.0] * 60))
    assert said(face)["A"] == "A (aa)" and said(face)["Joy"] == "Happy"
    early, late = played(face, 10), played(face, 50)
    assert early["A"] > 0.6 and late["A"] < 0.01, "a sealed mouth over an open jaw is a shut mouth"
    assert late["Blink_L"] == pytest.approx(49 / 59, abs=0.006) and late["Blink"] == 0.0
    bake(face, make_take(mouthFunnel=[0.25] * 60, mouthPucker=[0.6] * 60, jawOpen=[0.15] * 60))
    assert played(face, 30)["U"] > 0.9


def test_the_list_decides(face):
    module("rigs.setup").fill_keys(face)
    settings = face.emosplat_rig
    settings.keys["Ears"].shape, settings.keys["Ears"].amount = "mouthPucker", 0.5
    settings.keys["jawOpen"].shape = "NONE"
    bake(face, make_take(jawOpen=[0.8] * 60, mouthPucker=[0.6] * 60))
    values = played(face, 9)
    assert values["Ears"] == pytest.approx(0.3, abs=1e-5) and values["jawOpen"] == 0.0
    bpy.ops.emosplat.match_keys()
    assert settings.keys["Ears"].shape == "mouthPucker", "what was chosen stays"
    bpy.ops.emosplat.match_keys(reset=True)
    assert settings.keys["Ears"].shape == "NONE" and settings.keys["jawOpen"].shape == "jawOpen"


def test_a_renamed_key_is_matched_anew(face):
    bake(face, make_take(jawOpen=wave))
    key_of(face).key_blocks["Ears"].name = "mouthPucker"
    bake(face, make_take(mouthPucker=[0.5] * 60))
    assert played(face, 9)["mouthPucker"] == pytest.approx(0.5, abs=0.01)


def test_names_with_quotes(blender):
    face = make_face(['say "aa"\\', "jawOpen"])
    module("rigs.setup").fill_keys(face)
    face.emosplat_rig.keys[0].shape = "mouthPucker"
    bake(face, make_take(mouthPucker=[0.5] * 60))
    assert played(face, 9)['say "aa"\\'] == pytest.approx(0.5, abs=0.01)


def test_existing_keys_are_asked_for_and_kept(face):
    mine = animate(face, "Ears", [(1, 0.25), (40, 0.75)])
    animate(face, "jawOpen", [(1, 0.9)])
    before = curves(mine, face)
    with pytest.raises(module("problem").Problem, match="Mine"):
        bake(face, make_take(jawOpen=wave))
    assert key_of(face).animation_data.action == mine and curves(mine, face) == before
    assert len(bpy.data.actions) == 1 and not strips(face)


def test_existing_keys_go_on_below(face):
    mine = animate(face, "Ears", [(1, 0.25), (41, 0.75)])
    take = make_take(jawOpen=wave)
    told = bake(face, take, "BELOW")
    assert "'Mine' goes on" in " ".join(told) and len(curves(mine, face)) == 1
    values = played(face, 21)
    assert values["Ears"] == pytest.approx(0.5, abs=0.05)
    assert values["jawOpen"] == pytest.approx(take.expression[20, COLUMN["jawOpen"]], abs=0.006)


def test_existing_keys_are_put_aside(face):
    mine = animate(face, "Ears", [(1, 0.25), (41, 0.75)])
    bake(face, make_take(jawOpen=wave), "REPLACE")
    assert mine.use_fake_user and len(curves(mine, face)) == 1 and key_of(face).animation_data.action != mine


def test_a_second_bake_takes_the_place_of_the_first(face):
    bake(face, make_take(jawOpen=wave))
    first = key_of(face).animation_data.action
    bake(face, make_take(frames=30, jawOpen=[0.5] * 30))
    assert key_of(face).animation_data.action == first and len(bpy.data.actions) == 1
    assert played(face, 40)["jawOpen"] == 0.5


def test_an_edited_bake_is_the_animators(face):
    bake(face, make_take(jawOpen=wave))
    action = key_of(face).animation_data.action
    curve = next(iter(module("compat").curves_of(action, key_of(face))))
    curve.keyframe_points[1].co[1] += 0.1
    with pytest.raises(module("problem").Problem, match="already plays"):
        bake(face, make_take(jawOpen=[0.5] * 60))
    assert module("rigs.baking").asks(face) == action.name


def test_a_strip_lies_above_what_is_there(face):
    face.emosplat_rig.target = "NLA"
    mine = animate(face, "Ears", [(1, 0.5), (40, 0.5)])
    told = bake(face, make_take(jawOpen=[0.4] * 60), start=10)
    assert key_of(face).animation_data.action == mine and strips(face) == [("Face Take", 10.0, 69.0)] or strips(face)
    assert played(face, 30)["jawOpen"] == pytest.approx(0.4) and played(face, 30)["Ears"] == 0.5
    assert "keys some of the same" not in " ".join(told)
    animate(face, "jawOpen", [(1, 0.9)])
    assert "'Mine'" in " ".join(bake(face, make_take(jawOpen=wave), start=10)), "what covers the strip is told"


def test_a_strip_is_filled_anew_where_it_was_moved_to(face):
    face.emosplat_rig.target = "NLA"
    bake(face, make_take(jawOpen=wave), start=-20)
    strip = key_of(face).animation_data.nla_tracks[0].strips[0]
    assert (strip.frame_start, strip.frame_end) == (-20, 39)
    strip.frame_start, strip.frame_end = 80, 139
    bake(face, make_take(frames=40, jawOpen=wave), start=-20)
    assert strips(face) == [(strip.name, 80.0, 119.0)] and len(bpy.data.actions) == 1
    take = make_take(frames=40, jawOpen=wave)
    assert played(face, 90)["jawOpen"] == pytest.approx(take.expression[10, COLUMN["jawOpen"]], abs=0.006)


def test_a_locked_track_is_left_and_another_made(face):
    face.emosplat_rig.target = "NLA"
    bake(face, make_take(jawOpen=[0.2] * 60))
    key_of(face).animation_data.nla_tracks[0].lock = True
    bake(face, make_take(jawOpen=[0.6] * 60))
    assert len(strips(face)) == 2 and played(face, 9)["jawOpen"] == pytest.approx(0.6)


def test_from_strip_to_action_and_back(face):
    for target in ("NLA", "ACTION", "NLA"):
        face.emosplat_rig.target = target
        bake(face, make_take(jawOpen=wave))
        animation = key_of(face).animation_data
        assert (animation.action is None) == (target == "NLA") and bool(strips(face)) == (target == "NLA")
    assert played(face, 20)["jawOpen"] > 0.0


def test_a_strip_that_is_being_tweaked_changes_nothing(face):
    face.emosplat_rig.target = "NLA"
    bake(face, make_take(jawOpen=[0.2] * 60))
    animation = key_of(face).animation_data
    track = animation.nla_tracks[0]
    track.select = track.strips[0].select = True
    animation.nla_tracks.active = track
    animation.use_tweak_mode = True
    if not animation.use_tweak_mode:
        pytest.skip("this Blender enters tweak mode only from an editor")
    with pytest.raises(module("problem").Problem, match="tweaked"):
        bake(face, make_take(jawOpen=[0.6] * 60))


def test_a_bake_that_is_used_elsewhere_is_not_changed_there(face):
    bake(face, make_take(jawOpen=[0.2] * 60))
    other = make_face(["jawOpen"], "Other")
    module("compat").use_action(key_of(other).animation_data_create(), key_of(face).animation_data.action, key_of(other))
    bake(face, make_take(jawOpen=[0.6] * 60))
    assert played(face, 9)["jawOpen"] == pytest.approx(0.6) and played(other, 9)["jawOpen"] == pytest.approx(0.2)


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
    if face is not None and state != "plain mesh":
        with pytest.raises(module("problem").Problem):
            bake_unmatched(face)


def bake_unmatched(face):
    module("rigs.setup").require_face(face)


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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes on real shape keys: what plays, what is never touched, and what a second bake does."""

import bpy
import numpy as np
import pytest

from engine.protocol import EXPRESSION_NAMES
from tests.addon.extension import module
from tests.addon.rigs.faces import VRM_0, animate, bake, curves, key_of, make_face, make_take, played, said, wave

COLUMN = {name: k for k, name in enumerate(EXPRESSION_NAMES)}


@pytest.fixture
def face(blender):
    return make_face(["jawOpen", "eyeBlink_L", "eyeBlink_R", "mouthSmile", "Ears"])


def strips(face):
    return [(strip.name, strip.frame_start, strip.frame_end)
            for track in key_of(face).animation_data.nla_tracks for strip in track.strips]


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
    shut = np.arange(60) >= 30
    bake(face, make_take(jawOpen=np.where(shut, 0.5, 0.6), mouthClose=np.where(shut, 0.5, 0.0), eyeBlink=lambda x: x))
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
    bake(face, take, "BELOW")
    assert [track.name for track in key_of(face).animation_data.nla_tracks] == ["Mine"] and len(curves(mine, face)) == 1
    values = played(face, 21)
    assert values["Ears"] == pytest.approx(0.5, abs=0.05)
    assert values["jawOpen"] == pytest.approx(take.expression[20, COLUMN["jawOpen"]], abs=0.006)


def test_existing_keys_are_put_aside(face):
    mine = animate(face, "Ears", [(1, 0.25), (41, 0.75)])
    bake(face, make_take(jawOpen=wave), "REPLACE")
    assert mine.use_fake_user and len(curves(mine, face)) == 1 and key_of(face).animation_data.action != mine


def test_a_linked_action_is_put_aside_too(face, tmp_path):
    mine = animate(face, "Ears", [(1, 0.25), (41, 0.75)])
    bpy.data.libraries.write(str(tmp_path / "lib.blend"), {mine})
    bpy.data.actions.remove(mine)
    with bpy.data.libraries.load(str(tmp_path / "lib.blend"), link=True) as (_, to):
        to.actions = ["Mine"]
    module("compat").use_action(key_of(face).animation_data_create(), to.actions[0], key_of(face))
    bake(face, make_take(jawOpen=[0.5] * 60), "REPLACE")
    assert played(face, 9)["jawOpen"] == pytest.approx(0.5)


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
    assert key_of(face).animation_data.action == mine
    assert strips(face) == [("Face Take", 10.0, 11.0)], "a curve that stands still needs one key"
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
    shared = key_of(face).animation_data.action
    module("compat").use_action(key_of(other).animation_data_create(), shared, key_of(other))
    bake(face, make_take(jawOpen=[0.6] * 60))
    assert played(face, 9)["jawOpen"] == pytest.approx(0.6) and played(other, 9)["jawOpen"] == pytest.approx(0.2)

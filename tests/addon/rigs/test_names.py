# SPDX-License-Identifier: GPL-3.0-or-later
"""Which shape keys of which makers are known, and what is done about those that are not there."""

import numpy as np
import pytest

from engine.protocol import EXPRESSION_NAMES
from tests.addon.extension import module
from tests.addon.rigs.faces import OCULUS, VRM_0, VRM_1, VROID

SIDED = sorted({name.removesuffix("Left") for name in EXPRESSION_NAMES if name.endswith("Left")} - {"jaw", "mouth"})


def matched(keys):
    return module("character.matching").match_keys(list(keys))


def posed(keys):
    match = matched(keys)
    moved = {name for names in match.names.values() for name in names}
    return match.names, module("rigs.poses").match_poses(match.unknown, moved)


@pytest.mark.parametrize(("key", "name"), [
    # Character Creator 3 (ExPlus) and 4 (Extended)
    ("A01_Brow_Inner_Up", "browInnerUp"), ("A25_Jaw_Open", "jawOpen"), ("A08_Eye_Look_Down_Left", "eyeLookDownLeft"),
    ("A44_Mouth_Upper_Up_Left", "mouthUpperUpLeft"), ("T10_Tongue_Out", "tongueOut"), ("Jaw_Open", "jawOpen"),
    ("Eye_Blink_L", "eyeBlinkLeft"), ("Mouth_Smile_R", "mouthSmileRight"), ("Brow_Drop_L", "browDownLeft"),
    ("Brow_Raise_Outer_R", "browOuterUpRight"), ("Brow_Raise_Inner_L", "browInnerUp"), ("Mouth_L", "mouthLeft"),
    ("Mouth_Down_Lower_L", "mouthLowerDownLeft"), ("Mouth_Up_Upper_R", "mouthUpperUpRight"), ("Jaw_R", "jawRight"),
    ("Mouth_Roll_In_Lower_L", "mouthRollLower"), ("Mouth_Funnel_Up_L", "mouthFunnel"),
    ("Mouth_Pucker_Down_R", "mouthPucker"), ("Eye_L_Look_L", "eyeLookOutLeft"), ("Eye_R_Look_L", "eyeLookInRight"),
    ("Eye_L_Look_Up", "eyeLookUpLeft"), ("Cheek_Raise_L", "cheekSquintLeft"), ("Nose_Sneer_L", "noseSneerLeft"),
    # MetaHuman
    ("CTRL_expressions_jawOpen", "jawOpen"), ("CTRL_expressions_browRaiseOuterL", "browOuterUpLeft"),
    ("CTRL_expressions_mouthCornerPullR", "mouthSmileRight"), ("CTRL_expressions_eyeWidenL", "eyeWideLeft"),
    ("CTRL_expressions_mouthFunnelUL", "mouthFunnel"), ("ctrl_expressions_mouthlipspursedr", "mouthPucker"),
    ("CTRL_expressions_mouthPressUR", "mouthPressRight"), ("CTRL_expressions_eyeLookLeftR", "eyeLookInRight"),
    ("CTRL_expressions_noseWrinkleL", "noseSneerLeft"), ("CTRL_expressions_jawFwd", "jawForward"),
    ("CTRL_expressions_mouthLowerLipDepressL", "mouthLowerDownLeft"), ("head_lod0_mesh__jaw_open", "jawOpen"),
    ("head_lod0_mesh__mouth_cornerPull_L", "mouthSmileLeft"), ("CTRL_expressions_jawChinRaiseDL", "mouthShrugLower"),
    # MPFB, Faceit (ARKit's and Audio2Face's names), VRM's blinks, Perfect Sync
    ("!ex-browDownLeft", "browDownLeft"), ("!ex-mouthRollUpper", "mouthRollUpper"), ("innerBrowRaiseL", "browInnerUp"),
    ("lipCornerPullerL", "mouthSmileLeft"), ("jawDrop", "jawOpen"), ("eyesCloseR", "eyeBlinkRight"),
    ("Fcl_EYE_Close_L", "eyeBlinkLeft"), ("Face.M_F00_000_00_Fcl_EYE_Close_R", "eyeBlinkRight"),
    ("blinkLeft", "eyeBlinkLeft"), ("BrowInnerUp", "browInnerUp"),
])
def test_other_makers_names(blender, key, name):
    assert matched([key]).names == {key: (name,)}


@pytest.mark.parametrize("pattern", ["{}", "!ex-{}", "ARKit.{}", "Face_{}", "head_lod0_mesh__{}"])
def test_all_52_with_each_makers_prefix(blender, pattern):
    keys = [pattern.format(name) for name in EXPRESSION_NAMES]
    assert list(matched(keys).names.values()) == [(name,) for name in EXPRESSION_NAMES]


def test_parts_of_a_shape_move_together_and_give_way_to_the_whole(blender):
    parts = [f"Mouth_Funnel_{part}_{side}" for part in ("Up", "Down") for side in "LR"]
    assert set(matched(parts).names.values()) == {("mouthFunnel",)} and len(matched(parts).names) == 4
    match = matched(["mouthFunnel", *parts])
    assert list(match.names) == ["mouthFunnel"] and sorted(match.ambiguous) == sorted(parts)


def test_vroid(blender):
    exact, poses = posed(VROID)
    assert exact == {"Fcl_EYE_Close_L": ("eyeBlinkLeft",), "Fcl_EYE_Close_R": ("eyeBlinkRight",)}
    assert {poses[f"Fcl_MTH_{vowel}"] for vowel in "AIUEO"} == {"A (aa)", "I (ih)", "U (ou)", "E", "O (oh)"}
    assert poses["Fcl_MTH_Up"] == "Smile" and poses["Fcl_BRW_Sorrow"] == "Brows Worried"
    assert "Fcl_ALL_Joy" not in poses, "it closes the eyes, and what smiles is there"


@pytest.mark.parametrize(("keys", "vowels", "happy"), [
    (VRM_0, {"A": "A (aa)", "I": "I (ih)", "U": "U (ou)", "E": "E", "O": "O (oh)"}, "Joy"),
    (VRM_1, {"aa": "A (aa)", "ih": "I (ih)", "ou": "U (ou)", "ee": "E", "oh": "O (oh)"}, "happy"),
])
def test_vrm(blender, keys, vowels, happy):
    exact, poses = posed(keys)
    assert len(exact) == 4 and vowels.items() <= poses.items() and poses[happy] == "Happy"
    assert "Fun" not in poses and "relaxed" not in poses and "neutral" not in poses


def test_letters_are_vowels_only_together(blender):
    assert not posed(["A", "B", "C", "E"])[1]


def test_oculus(blender):
    exact, poses = posed(OCULUS)
    assert not exact and set(poses.values()) == {
        "A (aa)", "E", "I (ih)", "O (oh)", "U (ou)", "P, B, M (PP)", "F, V (FF)"}
    vrchat = [f"vrc.v_{name}" for name in ("sil", "pp", "ff", "th", "dd", "kk", "ch", "ss", "nn", "rr", "aa", "e", "ih",
                                           "oh", "ou")]
    assert set(posed(vrchat)[1].values()) == set(poses.values())


def test_where_all_of_arkit_is_there_vowels_and_moods_rest(blender):
    exact, poses = posed([*EXPRESSION_NAMES, *VRM_0, *VROID])
    assert len(exact) == 52 and not poses


def test_every_pose_has_names_and_moves_something(blender):
    poses = module("rigs.poses")
    assert set(poses.NAMES) == set(poses.POSES)
    assert all(poses.shape_row(weights).max() > 0 for weights in poses.POSES.values())


def test_what_is_missing_is_folded_into_what_is_near(blender):
    folds = module("rigs.folds")
    there = set(EXPRESSION_NAMES) - {"mouthClose", "mouthPucker", "noseSneerLeft", "noseSneerRight", "tongueOut"}
    found = folds.folds_for(there)
    assert found == {"mouthClose": {"jawOpen": -1.0}, "mouthPucker": {"mouthFunnel": 0.8},
                     "noseSneerLeft": {"mouthUpperUpLeft": 0.5}, "noseSneerRight": {"mouthUpperUpRight": 0.5}}
    row = np.zeros((1, 52), np.float32)
    row[0, [EXPRESSION_NAMES.index(name) for name in ("jawOpen", "mouthClose", "mouthPucker")]] = 0.6, 0.6, 0.5
    folded = dict(zip(EXPRESSION_NAMES, folds.fold(row, found)[0]))
    assert folded["jawOpen"] == 0.0 and folded["mouthFunnel"] == pytest.approx(0.4)


@pytest.mark.parametrize("lost", EXPRESSION_NAMES)
def test_folds_lead_only_to_what_is_there(blender, lost):
    for there in (set(EXPRESSION_NAMES) - {lost}, {"jawOpen"}, {"mouthSmileLeft", "mouthSmileRight"}):
        found = module("rigs.folds").folds_for(there)
        assert all(set(near) <= there and name not in there for name, near in found.items())

# SPDX-License-Identifier: GPL-3.0-or-later
"""Shape keys by other names: what is certain is matched, what is not is said."""

import pytest

from engine.protocol import EXPRESSION_NAMES
from tests.addon.extension import module


def matched(*keys):
    return module("character.matching").match_keys(list(keys))


@pytest.mark.parametrize("key, name", [
    ("jawOpen", "jawOpen"), ("JawOpen", "jawOpen"), ("jaw_open", "jawOpen"), ("JAW_OPEN", "jawOpen"),
    ("jaw open", "jawOpen"), ("eyeBlink_L", "eyeBlinkLeft"), ("eyeBlink.R", "eyeBlinkRight"),
    ("EyeBlinkL", "eyeBlinkLeft"), ("eye_blink_left", "eyeBlinkLeft"), ("L_eyeBlink", "eyeBlinkLeft"),
    ("eyeLookInLeft", "eyeLookInLeft"), ("EYE_LOOK_IN_R", "eyeLookInRight"), ("eyeblinkleft", "eyeBlinkLeft"),
    ("Jaw_L", "jawLeft"), ("mouthRight", "mouthRight"), ("ARKit_mouthFunnel", "mouthFunnel"),
    ("blendShape1.mouthPucker", "mouthPucker"), ("head:mouthPucker", "mouthPucker"), ("bs_cheekPuff", "cheekPuff"),
])
def test_one_key(blender, key, name):
    assert matched(key).names == {key: (name,)}


@pytest.mark.parametrize("key", [
    "Basis", "Fcl_MTH_A", "Smile", "jaw", "mouth", "eyeLook_L", "viseme_aa", "", "Left", "R",
])
def test_what_is_not_certain_is_left_to_the_person(blender, key):
    match = matched(key)
    assert match.names == {} and match.unknown == [key]


def test_all_of_arkits_own_names(blender):
    assert matched(*EXPRESSION_NAMES).names == {name: (name,) for name in EXPRESSION_NAMES}


def test_halves_of_one_shape_move_together(blender):
    assert matched("browInnerUp_L", "browInnerUp_R").names == {
        "browInnerUp_L": ("browInnerUp",), "browInnerUp_R": ("browInnerUp",)}


def test_one_key_for_both_sides(blender):
    assert matched("mouthSmile").names == {"mouthSmile": ("mouthSmileLeft", "mouthSmileRight")}
    match = matched("mouthSmile", "mouthSmile_L", "mouthSmile_R")
    assert set(match.names) == {"mouthSmile_L", "mouthSmile_R"} and match.ambiguous == ["mouthSmile"]


def test_of_two_spellings_arkits_own_wins(blender):
    match = matched("jaw_open", "jawOpen")
    assert match.names == {"jawOpen": ("jawOpen",)} and match.ambiguous == ["jaw_open"]


def test_what_is_missing_is_said_in_arkits_order(blender):
    assert module("character.matching").missing(set(EXPRESSION_NAMES) - {"tongueOut", "browDownLeft"}) == [
        "browDownLeft", "tongueOut"]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Advice is given exactly when what it speaks of was measured."""

from dataclasses import replace

import numpy as np
import pytest

from engine.capture.capture import SourceFacts
from engine.capture.review.advice import GOOD, POOR, USABLE, advise, verdict
from engine.capture.review.coverage import Coverage
from engine.capture.review.looks import Looks
from engine.capture.review.sound import Sound
from engine.protocol import EXPRESSION_NAMES

SPREAD = np.tile(np.linspace(-1, 1, 101), 2)


def reach(value: float = 0.8, **others: float) -> np.ndarray:
    weights = np.full(52, value)
    for name, weight in others.items():
        weights[EXPRESSION_NAMES.index(name)] = weight
    return weights


def coverage(**changes) -> Coverage:
    """Of a capture that leaves nothing to wish for."""
    values = {
        "pictures": 4000, "fit_pictures": 3500, "cameras": 1, "tracked": 4000, "filmed": True, "fps": 25.0,
        "seconds": 160.0, "yaw": 30 * SPREAD, "pitch": 15 * SPREAD, "usual": np.full(52, 0.1),
        "often": np.full(52, 0.3), "reach": reach(), "emotions": {},
    }  # fmt: skip
    return Coverage(**{**values, **changes})


def looks(**changes) -> Looks:
    rows = np.arange(40)
    values = {
        "rows": rows, "times": rows / 2.0, "face_px": np.full(40, 250.0), "sharpness": np.full(40, 0.2),
        "light": np.tile([0.6, 0.45, 0.4], (40, 1)), "head_share": np.full(40, 0.2), "pair_rows": rows + 1,
        "jumps": np.full(40, 0.01),
    }  # fmt: skip
    return Looks(**{**values, **changes})


def sound(**changes) -> Sound:
    values = {
        "seconds": 160.0, "times": np.arange(4) / 10, "levels": np.array([-20.0, -25, -60, -20]), "clipped": 0.0,
        "noise": -60.0, "speech_level": -22.0, "speech_share": 0.8,
    }  # fmt: skip
    return Sound(**{**values, **changes})


def facts(**changes) -> SourceFacts:
    return replace(SourceFacts(4100, 4050, 164.0, {"the face is blurred": 100}, 0.004, 0.0, 0.01), **changes)


def some(share: float, usual: float, other: float) -> np.ndarray:
    values = np.full(40, usual)
    values[: round(40 * share)] = other
    return values


def test_a_capture_without_a_flaw_is_good():
    advice = advise(coverage(), looks(), sound(), facts())
    assert advice == [] and verdict(advice) == GOOD


MEASURED = {
    "few pictures": ({"coverage": coverage(fit_pictures=49)}, POOR, "Only 49 pictures", "pictures"),
    "slow": ({"coverage": coverage(fps=12.0)}, USABLE, "12 pictures per second", "pictures"),
    "left out": (
        {"facts": facts(dropped={"the face is blurred": 900, "no face was found": 1100})}, USABLE,
        "2000 of 4100 pictures could not be used, most of them because no face was found", "pictures",
    ),
    "untracked": ({"coverage": coverage(tracked=0)}, POOR, "No face was tracked", "pictures"),
    "loose cameras": ({"facts": facts(reprojection_error_relative=0.009)}, USABLE, "0.9% of its width", "pictures"),
    "lost cameras": ({"facts": facts(reprojection_error_relative=0.03)}, POOR, "3.0% of its width", "pictures"),
    "from the front": ({"coverage": coverage(yaw=12 * SPREAD)}, USABLE, "further than 12° aside", "pose"),
    "one side": (
        {"coverage": coverage(yaw=16 + 16 * SPREAD)}, USABLE, "31° from its left, but only 0° from its right", "pose",
    ),
    "level": ({"coverage": coverage(pitch=3 * SPREAD)}, USABLE, "3° above or below", "pose"),
    "no blink": (
        {"coverage": coverage(reach=reach(eyeBlinkLeft=0.3, eyeBlinkRight=0.25))}, USABLE, "close to 30% at most",
        "shapes",
    ),
    "no smile": (
        {"coverage": coverage(reach=reach(mouthSmileLeft=0.08, mouthSmileRight=0.02))}, USABLE,
        "Smiling was never seen (8% of the full movement): the head will not learn it. Show it", "shapes",
    ),
    "no smile, no frown": (
        {"coverage": coverage(reach=reach(mouthSmileLeft=0, mouthSmileRight=0, mouthFrownLeft=0, mouthFrownRight=0.1))},
        USABLE, "Smiling and frowning were never seen (0% and 10% of the full movement): the head will not learn them.",
        "shapes",
    ),
    "faint": (
        {"coverage": coverage(reach=reach(jawOpen=0.2))}, USABLE, "Opening the mouth was seen only faintly", "shapes",
    ),
    "neutral": ({"coverage": coverage(emotions={"neutral": 60.0})}, USABLE, "learn no emotion", "emotions"),
    "small face": ({"looks": looks(face_px=np.full(40, 120.0))}, USABLE, "120 pixels wide", "looks"),
    "tiny face": ({"looks": looks(face_px=np.full(40, 60.0))}, POOR, "60 pixels wide", "looks"),
    "blurred": ({"looks": looks(sharpness=some(0.2, 0.2, 0.02))}, USABLE, "20% of the pictures", "looks"),
    "exposure": (
        {"looks": looks(light=some(0.3, 0.5, 0.25)[:, None] * np.ones(3))}, USABLE, "brightness changes", "looks",
    ),
    "white balance": (
        {"looks": looks(light=np.stack([some(0.3, 0.5, 0.4), np.full(40, 0.45), np.full(40, 0.4)], 1))},
        USABLE, "colour drifts", "looks",
    ),
    "empty masks": ({"looks": looks(head_share=np.zeros(40))}, POOR, "100% of the pictures the mask", "masks"),
    "jumping masks": ({"looks": looks(jumps=some(0.1, 0.01, 0.3))}, USABLE, "jump in 10%", "masks"),
    "no sound": ({"sound": None}, USABLE, "No sound: the head can be fitted for its looks", "sound"),
    "no speech": (
        {"sound": sound(speech_share=0.0, speech_level=float("nan"))}, USABLE, "No speech was heard", "sound",
    ),
    "little speech": ({"sound": sound(seconds=20.0)}, USABLE, "Film 2 minutes of speech: 16 seconds", "sound"),
    "clipped": ({"sound": sound(clipped=0.02)}, USABLE, "2.0% of the sound is cut off", "sound"),
    "noise": ({"sound": sound(noise=-34.0)}, USABLE, "only 12 dB louder", "sound"),
    "late sound": ({"facts": facts(lip_offset_seconds=0.12)}, USABLE, "0.12 seconds late", "sound"),
    "early sound": ({"facts": facts(lip_offset_seconds=-0.2)}, USABLE, "0.20 seconds early", "sound"),
}  # fmt: skip


@pytest.mark.parametrize("flaw", MEASURED)
def test_each_flaw_is_told_alone_with_what_was_measured(flaw):
    changes, expected, words, topic = MEASURED[flaw]
    numbers = {"coverage": coverage(), "looks": looks(), "sound": sound(), "facts": facts(), **changes}
    advice = advise(**numbers)
    assert len(advice) == 1 and words in advice[0].text and advice[0].topic == topic
    assert verdict(advice) == expected


def test_what_nobody_can_judge_is_not_called_missing():
    unknown = reach(mouthFrownLeft=np.nan, mouthFrownRight=np.nan, eyeWideLeft=np.nan, eyeWideRight=np.nan)
    assert advise(coverage(reach=unknown), looks(), sound(), facts()) == []


def test_a_rig_is_not_told_to_turn_its_head():
    rig = coverage(filmed=False, yaw=5 * SPREAD, pitch=2 * SPREAD, reach=reach(0.0), fit_pictures=8)
    advice = advise(rig, looks(sharpness=some(0.2, 0.2, 0.02)), sound(seconds=20.0), None)
    text = " ".join(item.text for item in advice)
    assert len(advice) == 7 and not any(word in text for word in ("Film", "film", "Turn it", "Show", "the camera "))


def test_a_scenes_own_light_is_no_flaw():
    lit = looks(light=some(0.3, 0.5, 0.25)[:, None] * np.ones(3))
    assert advise(coverage(filmed=False), lit, sound(), None) == [] != advise(coverage(), lit, sound(), None)


def test_what_stops_a_head_comes_first():
    advice = advise(coverage(yaw=0 * SPREAD), looks(head_share=np.zeros(40)), sound(), None)
    assert [item.stops for item in advice] == [True, False]


def test_a_source_without_facts_is_judged_by_the_rest():
    assert advise(coverage(), looks(), sound(), None) == []

# SPDX-License-Identifier: GPL-3.0-or-later
import json
from fractions import Fraction

import pytest

from engine.protocol import JOBS, CameraTrack, Controls, SpeakJob, encode, exact_fps, job_message, read_job


@pytest.mark.parametrize(("given", "exact"), [
    (25, 25), ("24", 24), ("24000/1001", Fraction(24000, 1001)), (23.976, Fraction(24000, 1001)),
    ("23.98", Fraction(24000, 1001)), (29.97, Fraction(30000, 1001)), (59.94, Fraction(60000, 1001)),
    (24 / 1.001, Fraction(24000, 1001)), ("12.5", Fraction(25, 2)), (240, 240),
])
def test_fps_is_exact(given, exact):
    assert exact_fps(given) == exact


@pytest.mark.parametrize("given", [0, -25, 241, "fast", "1/0", "nan", "inf", "", "1e999999999", "9" * 99])
def test_impossible_fps_is_refused(given):
    with pytest.raises(ValueError, match="fps"):
        exact_fps(given)


def test_every_job_crosses_as_json_and_back():
    job = SpeakJob(audio="a.wav", head="puppet", out="o", emotion={"happy": 0.5}, first=3, last=9)
    message = json.loads(json.dumps(job_message("7", job)))
    assert (message["type"], message["id"], message["verb"]) == ("job", "7", "speak")
    assert read_job(message["verb"], message["job"]) == job
    assert len({cls for cls in JOBS.values()}) == len(JOBS)


@pytest.mark.parametrize(("verb", "job", "words"), [
    ("fly", {}, "fly"), ("speak", {"audio": "a", "head": "b"}, "out"),
    ("speak", {"audio": "a", "head": "b", "out": "c", "wings": 1}, "wings"),
    ("speak", {"audio": "a", "head": "b", "out": "c", "size": "big"}, "size"),
    ("speak", {"audio": None, "head": "b", "out": "c"}, "audio"),
])
def test_unknown_verbs_and_fields_are_refused(verb, job, words):
    with pytest.raises(ValueError, match=words):
        read_job(verb, job)


def test_controls_cross_as_json():
    controls = Controls(emotion={"sad": [0.0, 0.5]}, micro={"chin": [-0.2]}, blink=[0.0], start=12)
    assert Controls.from_json(controls.to_json()) == controls


@pytest.mark.parametrize(("change", "words"), [
    ({"emotion": {"hungry": [1.0]}}, "hungry"), ({"emotion": {"happy": [7.0]}}, "7.0"),
    ({"emotion": {"happy": []}}, "happy"), ({"emotion": {"happy": ["x"]}}, "x"),
    ({"micro": {"wink": [1.0]}}, "wink"), ({"micro": {"chin": [-1.5]}}, "1.5"),
    ({"blink": [float("nan")]}, "blink"), ({"intensity": 1.0}, "intensity"), ({"start": 0.5}, "start"),
    ({"start": 10**30}, "start"), ({"emotion": ["happy"]}, "emotion"), ({"micro": None}, "micro"),
    ({"blink": [10**400]}, "blink"),
])
def test_impossible_controls_are_refused_with_the_value(change, words):
    with pytest.raises(ValueError, match=words):
        Controls(**change)


@pytest.mark.parametrize("text", [
    "", "[]", "{}", '{"format": "emosplat-controls", "version": 9}',
    '{"format": "emosplat-controls", "version": 1, "x": 1}', "[" * 100_000,
])
def test_other_files_are_no_controls(text):
    with pytest.raises(ValueError):
        Controls.from_json(text)


def test_names_of_files_that_are_no_text_cross():
    message = {"type": "result", "id": "1", "result": {"out": "caf\udce9"}}
    assert json.loads(encode(message)) == message


def test_camera_files_are_checked():
    eye4 = [[float(i == j) for j in range(4)] for i in range(4)]
    eye3 = [row[:3] for row in eye4[:3]]
    track = CameraTrack(640, 480, [eye4], [eye3])
    assert CameraTrack.from_json(track.to_json()) == track
    for change in ({"width": 0}, {"height": 1e9}, {"viewmats": []}, {"Ks": [eye4]}, {"viewmats": [[1, 2]]},
                   {"viewmats": [[[float("inf")] * 4] * 4]}, {"viewmats": [[[10**400] * 4] * 4]}, {"start": 10**30},
                   {"head_matrices": [[[1e300] * 4] * 4]}):
        with pytest.raises(ValueError):
            CameraTrack(**{"width": 640, "height": 480, "viewmats": [eye4], "Ks": [eye3], **change})

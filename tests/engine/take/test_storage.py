# SPDX-License-Identifier: GPL-3.0-or-later
import json
import struct
from fractions import Fraction

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engine.errors import FormatError
from engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES
from engine.take.storage import load_take, save_take, write_take_json
from engine.take.take import Take
from tests.engine.damage import damaged_headers

FRAMES = 7


def make_take(**changes) -> Take:
    rng = np.random.default_rng(0)
    values = {
        "fps": Fraction(30000, 1001),
        "expression": rng.random((FRAMES, 52), np.float32),
        "emotion_weights": rng.random((FRAMES, 8), np.float32),
        "gaze": rng.uniform(-0.3, 0.3, (FRAMES, 2)).astype(np.float32),
        "head_pose": rng.uniform(-0.3, 0.3, (FRAMES, 6)).astype(np.float32),
        "audio": "a file.wav",
        "seed": 5,
    }
    return Take(**{**values, **changes})


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "t.emotake"
    save_take(make_take(), path)
    return path


def metadata(path) -> dict:
    raw = path.read_bytes()
    return json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])["__metadata__"]


@pytest.mark.parametrize(
    "features",
    [
        {},
        {
            "content": np.ones((FRAMES, 64), np.float32), "style": np.zeros(64, np.float32),
            "emotion": np.full((FRAMES, 128), 2, np.float32),
        },
    ],
)
def test_round_trip_is_exact(tmp_path, features):
    take = make_take(**features)
    save_take(take, tmp_path / "t.emotake")
    again = load_take(tmp_path / "t.emotake")
    assert (again.fps, again.audio, again.seed, len(again)) == (take.fps, take.audio, take.seed, FRAMES)
    for name in ("expression", "emotion_weights", "gaze", "head_pose", "content", "style", "emotion"):
        before, after = getattr(take, name), getattr(again, name)
        assert (before is None) == (after is None)
        if before is not None:
            np.testing.assert_array_equal(before, after)


def test_seconds_are_exact():
    assert make_take().seconds == pytest.approx(FRAMES * 1001 / 30000)


def test_json_for_people(tmp_path):
    take = make_take()
    write_take_json(take, tmp_path / "take.json")
    data = json.loads((tmp_path / "take.json").read_text(encoding="utf-8"))
    assert (data["format"], data["frames"], data["fps_exact"]) == ("emosplat-take", FRAMES, "30000/1001")
    assert data["expression_names"] == list(EXPRESSION_NAMES) and data["emotion_names"] == list(EMOTION_NAMES)
    np.testing.assert_allclose(data["expression"], take.expression, atol=6e-6)
    np.testing.assert_allclose(data["head_pose"], take.head_pose, atol=6e-6)


@pytest.mark.parametrize("name", ["expression", "emotion_weights", "gaze", "head_pose"])
def test_a_take_refuses_other_shapes_and_nan(name):
    good = getattr(make_take(), name)
    with pytest.raises(ValueError, match=name):
        make_take(**{name: good[:, :-1]})
    bad = good.copy()
    bad[2, 1] = np.nan
    with pytest.raises(ValueError, match=name):
        make_take(**{name: bad})


@pytest.mark.parametrize("kept", [0, 5, 60, -1])
def test_truncated(saved, kept):
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(FormatError):
        load_take(saved)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1.5, -0.5])
def test_weights_out_of_bounds(saved, value):
    tensors, meta = load_file(saved), metadata(saved)
    tensors["expression"][3, 4] = value
    save_file(tensors, saved, meta)
    with pytest.raises(FormatError, match="expression"):
        load_take(saved)


def test_tracks_of_different_length(saved):
    tensors, meta = load_file(saved), metadata(saved)
    tensors["gaze"] = tensors["gaze"][:-1]
    save_file(tensors, saved, meta)
    with pytest.raises(FormatError, match="gaze"):
        load_take(saved)


@pytest.mark.parametrize("version", ["0", "2", "", "1.0"])
def test_other_version(saved, version):
    save_file(load_file(saved), saved, {**metadata(saved), "version": version})
    with pytest.raises(FormatError, match="version"):
        load_take(saved)


@pytest.mark.parametrize("header", [
    "{}", '{"fps": "0"}', '{"fps": "x"}', '{"fps": "25", "seed": []}', '{"fps": "25", "seed": 1e999}',
    '{"fps": "1e999999999"}', "[]", "{",
])
def test_damaged_header(saved, header):
    save_file(load_file(saved), saved, {**metadata(saved), "header": header})
    with pytest.raises(FormatError):
        load_take(saved)


def test_a_head_is_no_take(saved):
    save_file(load_file(saved), saved, {**metadata(saved), "format": "emohead"})
    with pytest.raises(FormatError, match="not an .emotake"):
        load_take(saved)


def test_random_damage_is_a_format_error_or_harmless(saved):
    refused = 0
    for damaged in damaged_headers(saved.read_bytes(), seed=2, count=600):
        saved.write_bytes(damaged)
        try:
            load_take(saved)
        except FormatError:
            refused += 1
    assert refused > 400

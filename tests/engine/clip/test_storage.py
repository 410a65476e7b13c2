# SPDX-License-Identifier: GPL-3.0-or-later
import json
import struct
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from engine.clip.clip import Clip
from engine.clip.ply_sequence import write_ply_sequence
from engine.clip.storage import load_clip, save_clip
from engine.errors import FormatError
from engine.report import Report
from engine.splats.gaussians import Gaussians
from engine.splats.ply import read_ply
from tests.engine.damage import damaged_headers

POINTS, SHAPES, FRAMES = 20, 3, 5


def make_clip(**changes) -> Clip:
    rng = np.random.default_rng(0)

    def tensor(*shape, low=0.0, high=1.0):
        return torch.from_numpy(rng.uniform(low, high, shape).astype(np.float32))

    quats = torch.nn.functional.normalize(tensor(POINTS, 4, low=-1), dim=1)
    rest = Gaussians(tensor(POINTS, 3, low=-0.1, high=0.1), quats, tensor(POINTS, 3, low=0.001, high=0.01),
                     tensor(POINTS), tensor(POINTS, 4, 3))
    values = {
        "name": "Ada", "fps": Fraction(30000, 1001), "rest": rest,
        "basis": rng.uniform(-0.01, 0.01, (SHAPES, POINTS, 3)).astype(np.float16),
        "weights": rng.uniform(-1, 1, (FRAMES, SHAPES)).astype(np.float32),
        "colors": rng.random((POINTS, 3), np.float32), "tile_colors": rng.random((POINTS, 3), np.float32),
        "neighbours": rng.integers(0, POINTS, (POINTS, 2)).astype(np.int32),
        "uncertainty": rng.random(POINTS, np.float32), "regions": rng.integers(0, 2, POINTS).astype(np.uint8),
        "region_names": ("torso", "head"), "error_mm": {"p95": 0.1, "max": 0.3}, "start": 7, "audio": "a.wav",
    }
    return Clip(**{**values, **changes})


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "c.emoclip"
    save_clip(make_clip(), path)
    return path


def metadata(path) -> dict:
    raw = path.read_bytes()
    return json.loads(raw[8 : 8 + struct.unpack("<Q", raw[:8])[0]])["__metadata__"]


def test_round_trip(saved):
    before, after = make_clip(), load_clip(saved)
    for name in ("name", "fps", "start", "audio", "region_names", "error_mm"):
        assert getattr(before, name) == getattr(after, name), name
    for name in ("basis", "weights", "colors", "neighbours", "uncertainty", "regions"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    for name in ("means", "scales", "opacities", "sh"):
        assert torch.equal(getattr(before.rest, name), getattr(after.rest, name)), name
    np.testing.assert_allclose(before.means(2), after.means(2))


@pytest.mark.parametrize("kept", [0, 5, 60, -1])
def test_truncated(saved, kept):
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(FormatError):
        load_clip(saved)


@pytest.mark.parametrize("version", ["0", "2", ""])
def test_other_version(saved, version):
    save_file(load_file(saved), saved, {**metadata(saved), "version": version})
    with pytest.raises(FormatError, match="version"):
        load_clip(saved)


@pytest.mark.parametrize(("name", "value", "words"), [
    ("neighbours", POINTS, "neighbour"), ("neighbours", -1, "neighbours"), ("weights", np.nan, "weights"),
    ("basis", np.inf, "basis"), ("regions", 2, "regions"), ("quats", 0.0, "length 1"), ("scales", 0.0, "scales"),
])
def test_values_out_of_bounds(saved, name, value, words):
    tensors, meta = load_file(saved), metadata(saved)
    tensors[name][2] = value
    save_file(tensors, saved, meta)
    with pytest.raises(FormatError, match=words):
        load_clip(saved)


@pytest.mark.parametrize("header", ["{}", '{"fps": "25"}', "[]", '{"fps": "25", "start": -1, "regions": ["a", "b"], '
                                    '"error_mm": {"p95": 0, "max": 0}}'])
def test_damaged_header(saved, header):
    save_file(load_file(saved), saved, {**metadata(saved), "header": header})
    with pytest.raises(FormatError):
        load_clip(saved)


def test_random_damage_is_a_format_error_or_harmless(saved):
    refused = 0
    for damaged in damaged_headers(saved.read_bytes(), seed=2, count=300):
        saved.write_bytes(damaged)
        try:
            load_clip(saved)
        except FormatError:
            refused += 1
    assert refused > 200


def test_ply_sequence_keeps_the_order(tmp_path):
    clip = make_clip()
    files = write_ply_sequence(clip, tmp_path, Report())
    assert [path.name for path in files] == [f"frame_{number:05d}.ply" for number in range(8, 13)]
    for frame in (0, 4):
        splats = read_ply(files[frame])
        np.testing.assert_allclose(splats.means, clip.means(frame), atol=1e-6)
        np.testing.assert_allclose(splats.quats, clip.posed(frame).quats, atol=1e-5)
        assert torch.equal(splats.sh, clip.rest.sh)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="weights"):
        make_clip(weights=np.zeros((FRAMES, SHAPES + 1), np.float32))
    assert len(replace(make_clip(), weights=np.zeros((1, SHAPES), np.float32))) == 1

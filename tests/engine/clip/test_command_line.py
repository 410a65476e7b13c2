# SPDX-License-Identifier: GPL-3.0-or-later
"""`bake` and `export CLIP` as farms and scripts use them."""

import json

import numpy as np
import pytest

from engine.cli import main
from engine.clip.storage import load_clip
from engine.splats.ply import read_ply
from tests.engine.process.client import ROOT

SAMPLE = str(ROOT / "engine/data/sample_speech.flac")


def run(capsys, *arguments) -> dict:
    status = main([*map(str, arguments), "--json"])
    lines = capsys.readouterr().out.splitlines()
    return {"status": status, **json.loads(lines[-1])}


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "line.emoclip"
    assert main(["bake", SAMPLE, "--fps", "29.97", "--frames", "11-20", "--out", str(path)]) == 0
    return path


def test_bake_tells_what_it_promised(capsys, tmp_path):
    result = run(capsys, "bake", SAMPLE, "--head", "puppet", "--emotion", "happy=0.8", "--out", tmp_path / "a.emoclip")
    assert result["points"] == len(load_clip(tmp_path / "a.emoclip").rest) and result["frames"] == 191
    assert 0 < result["basis"] <= 64 and result["error_mm"]["p95"] <= 0.2 <= 10 * result["error_mm"]["max"]
    assert result["megabytes"] == pytest.approx((tmp_path / "a.emoclip").stat().st_size / 1e6, abs=0.01)
    assert 0 < result["seconds"] and result["megabytes"] < 25


def test_a_wider_error_needs_fewer_shapes(capsys, tmp_path):
    out = tmp_path / "a.emoclip"
    counts = [run(capsys, "bake", SAMPLE, "--frames", "1-40", "--error", error, "--out", out)["basis"]
              for error in (0.05, 0.2, 2.0)]
    assert counts[0] > counts[1] > counts[2]


def test_a_take_gives_the_clip_of_its_audio(capsys, tmp_path, clip_file):
    run(capsys, "perform", SAMPLE, "--fps", "29.97", "--life", 1, "--out", tmp_path / "take.json")
    run(capsys, "bake", tmp_path / "take.emotake", "--frames", "11-20", "--out", tmp_path / "b.emoclip")
    one, other = load_clip(clip_file), load_clip(tmp_path / "b.emoclip")
    assert one.fps == other.fps and one.start == other.start == 10
    np.testing.assert_array_equal(one.weights, other.weights)


def test_a_clip_as_ply_files_and_one_of_them_as_a_clip(capsys, tmp_path, clip_file):
    result = run(capsys, "export", clip_file, "--ply", tmp_path / "seq")
    files = sorted((tmp_path / "seq").iterdir())
    assert result["files"] == len(files) == 10 and files[0].name == "frame_00011.ply"
    clip = load_clip(clip_file)
    np.testing.assert_allclose(read_ply(files[-1]).means, clip.means(9), atol=1e-6)
    still = run(capsys, "bake", files[3], "--out", tmp_path / "still.emoclip")
    assert (still["frames"], still["basis"], still["points"]) == (1, 0, len(clip.rest))


@pytest.mark.parametrize(("arguments", "words"), [
    (["bake", SAMPLE, "--out", "a.json"], "ends in .emoclip"),
    (["bake", SAMPLE, "--out", "a.emoclip", "--error", "0"], "outside 0.001 to 10"),
    (["bake", SAMPLE, "--out", "a.emoclip", "--frames", "900-"], "gives 191 frames"),
    (["bake", "nothing.wav", "--out", "a.emoclip"], "nothing.wav"),
    (["bake", "nothing.ply", "--out", "a.emoclip"], "nothing.ply"),
    (["export", "nothing.emoclip", "--ply", "seq"], "nothing.emoclip"),
])
def test_what_cannot_be_is_one_sentence(capsys, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = run(capsys, *arguments)
    assert result["status"] == 1 and words in result["error"]["what"] + result["error"]["todo"]
    assert not list(tmp_path.rglob("*.emoclip"))

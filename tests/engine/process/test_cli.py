# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line as farms and scripts use it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from tests.engine.process.client import ROOT

from engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES

SAMPLE = str(ROOT / "engine/data/sample_speech.flac")


def run(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "engine", *map(str, arguments)], cwd=ROOT, capture_output=True,
                          text=True, timeout=300, **more)


def last_json(process) -> dict:
    return json.loads(process.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    process = run("speak", SAMPLE, "--out", out, "--size", 64, "--frames", "1-20", "--emotion", "happy=0.8", "--json")
    assert process.returncode == 0, process.stderr
    return out, last_json(process)


def test_speak_prints_one_object_and_writes_what_it_names(spoken):
    out, result = spoken
    assert result["frames"] == 20 and result["backend"] in ("numba", "gsplat", "torch")
    assert {"frames", "seconds", "fps", "backend", "out", "take"} <= set(result)
    assert len(list(out.glob("frame_*.png"))) == 20


def test_take_json_holds_what_people_were_promised(spoken):
    take = json.loads((spoken[0] / "take.json").read_text())
    assert take["fps"] == 25.0 and tuple(take["expression_names"]) == EXPRESSION_NAMES
    assert tuple(take["emotion_names"]) == EMOTION_NAMES
    frames = take["frames"]
    assert np.array(take["expression"]).shape == (frames, 52)
    weights = np.array(take["emotion_weights"])
    assert weights.shape == (frames, 8) and np.allclose(weights[:, EMOTION_NAMES.index("happy")], 0.8)
    assert np.array(take["gaze"]).shape == (frames, 2) and np.array(take["head_pose"]).shape == (frames, 6)


def test_pieces_give_the_same_files_as_the_whole(spoken, tmp_path):
    for frames in ("1-7", "8-20"):
        done = run("speak", SAMPLE, "--out", tmp_path, "--size", 64, "--frames", frames, "--emotion", "happy=0.8")
        assert done.returncode == 0, done.stderr
    for path in spoken[0].iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_perform_rests_unless_asked(tmp_path):
    result = last_json(run("perform", SAMPLE, "--out", tmp_path / "take.json", "--json"))
    take = json.loads((tmp_path / "take.json").read_text())
    assert result["frames"] == take["frames"]
    expression = np.array(take["expression"])
    assert expression[:, EXPRESSION_NAMES.index("jawOpen")].max() > 0.1
    for name in ("eyeBlinkLeft", "eyeLookInLeft", "browInnerUp"):
        assert not expression[:, EXPRESSION_NAMES.index(name)].any(), name
    assert not np.array(take["head_pose"]).any()


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["missing.wav"], "audio", "missing.wav"),
    ([SAMPLE, "--emotion", "happy=7.0"], "input", "7"),
    ([SAMPLE, "--emotion", "hungry=1"], "input", "hungry"),
    ([SAMPLE, "--emotion", "happy"], "input", "happy"),
    ([SAMPLE, "--emotion", "happy=nan"], "input", "nan"),
    ([SAMPLE, "--fps", "0"], "input", "fps"),
    ([SAMPLE, "--fps", "fast"], "input", "fast"),
    ([SAMPLE, "--frames", "9-3"], "input", "range"),
    ([SAMPLE, "--frames", "90000-90010"], "input", "90000"),
    ([SAMPLE, "--frames", "x"], "input", "x"),
    ([SAMPLE, "--frames", "10-0"], "input", "10-0"),
    ([SAMPLE, "--threads", "-3"], "input", "-3"),
    ([SAMPLE, "--size", "0"], "input", "size"),
    ([SAMPLE, "--life", "-1"], "input", "-1"),
    ([SAMPLE, "--text-file", "nowhere.txt"], "input", "nowhere.txt"),
    ([SAMPLE, "--text-file", SAMPLE], "input", "UTF-8"),
    ([SAMPLE, "--head", "nobody"], None, "nobody"),
    ([SAMPLE, "--camera", "nowhere.json"], "input", "nowhere.json"),
    ([SAMPLE, "--controls", __file__], "input", "JSON"),
    ([SAMPLE, "--out", SAMPLE], "storage", "not a folder"),
])
def test_bad_input_says_what_and_what_next(tmp_path, arguments, code, words):
    if "--out" not in arguments:
        arguments = [*arguments, "--out", str(tmp_path / "out")]
    process = run("speak", *arguments, "--json")
    assert process.returncode == 1
    error = last_json(process)["error"]
    assert code in (None, error["code"]) and words in error["what"] and error["todo"]
    assert "Traceback" not in process.stderr
    assert not list(tmp_path.rglob("*.png"))


def test_warnings_are_in_the_object(tmp_path):
    import soundfile

    soundfile.write(tmp_path / "silence.wav", np.zeros(16000), 16000)
    process = run("perform", tmp_path / "silence.wav", "--out", tmp_path / "take.json", "--json")
    assert "silent" in last_json(process)["warnings"][0] and "warning: silence.wav" in process.stderr


def test_words_of_a_text_that_are_not_heard_are_warned_of(tmp_path):
    text = tmp_path / "line.txt"
    text.write_text("\ufeffHello! I am a face made of light, and a pony.", encoding="utf-8")
    process = run("perform", SAMPLE, "--out", tmp_path / "take.json", "--text-file", text, "--json")
    assert any("pony" in warning for warning in last_json(process)["warnings"]), process.stderr


@pytest.mark.parametrize("name", ["take.emotake", "take", ""])
def test_a_take_is_written_as_json_or_not_at_all(tmp_path, name):
    process = run("perform", SAMPLE, "--out", str(tmp_path / name) if name else "", "--json")
    assert process.returncode == 1 and ".json" in last_json(process)["error"]["todo"]
    assert not list(tmp_path.iterdir())


def test_names_that_the_pipe_cannot_hold_are_still_printed(tmp_path):
    out = tmp_path / "Zoë.ply"
    process = run("export", "puppet", "--ply", out, env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert process.returncode == 0 and "Zo\\xeb.ply" in process.stdout and out.is_file()


def test_export_writes_a_ply_that_others_can_open(tmp_path):
    result = last_json(run("export", "puppet", "--ply", tmp_path / "puppet.ply", "--json"))
    head = (tmp_path / "puppet.ply").read_bytes().split(b"end_header\n")[0].decode()
    assert f"element vertex {result['gaussians']}" in head
    assert all(f"property float {name}\n" in head for name in ("x", "f_dc_0", "opacity", "scale_0", "rot_3"))


def test_doctor_tells_and_agrees_with_itself():
    process = run("doctor", "--json")
    result = last_json(process)
    assert process.returncode == 0 and result["ok"], result
    assert result["backend"] and result["backend_why"] and "puppet" in result["heads"]


def test_doctor_names_a_missing_package_and_what_to_do(tmp_path):
    """A Python without site-packages stands for an interpreter of the user's own that lacks everything."""
    process = subprocess.run([sys._base_executable, "-S", "-m", "engine", "doctor", "--json"], cwd=ROOT,
                             capture_output=True, text=True, timeout=60)
    result = last_json(process)
    assert process.returncode == 1 and not result["ok"]
    torch = next(entry for entry in result["checks"] if entry["name"] == "torch")
    assert not torch["ok"] and torch["todo"]


def test_a_job_in_a_python_without_packages_names_the_package(tmp_path):
    command = [sys._base_executable, "-S", "-m", "engine", "speak", SAMPLE, "--out", str(tmp_path), "--json"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    error = last_json(process)["error"]
    assert error["code"] == "missing_package" and "Doctor" in error["todo"]


def test_a_take_leaves_as_csv_and_comes_back(tmp_path):
    assert run("perform", SAMPLE, "--out", tmp_path / "take.json").returncode == 0
    result = last_json(run("export", tmp_path / "take.json", "--csv", tmp_path / "take.csv", "--json"))
    lines = (tmp_path / "take.csv").read_text().splitlines()
    assert result["frames"] == len(lines) - 1 and lines[0].startswith("Timecode,BlendShapeCount,EyeBlinkLeft")
    back = last_json(run("import", tmp_path / "take.csv", "--out", tmp_path / "back.json", "--fps", 30, "--json"))
    assert back["fps_exact"] == "30" and abs(back["frames"] / 30 - result["frames"] / 25) < 0.05
    take, again = (json.loads((tmp_path / name).read_text()) for name in ("take.json", "back.json"))
    assert (tmp_path / "back.emotake").is_file()
    np.testing.assert_allclose(again["expression"][::6], take["expression"][::5][: len(again["expression"][::6])],
                               atol=2e-5)


@pytest.mark.parametrize(("arguments", "words"), [
    (["export", "puppet", "--csv", "{}/a.csv"], "puppet"), (["export", "gone.json", "--csv", "{}/a.csv"], "gone.json"),
    (["export", "gone.json", "--csv", "{}/a.txt"], "a.txt"), (["import", SAMPLE, "--out", "{}/a.json"], "no take"),
    (["import", "gone.csv", "--out", "{}/a.json", "--fps", "fast"], "fast"),
    (["import", "gone.csv", "--out", "{}/a.emotake"], "a.emotake"),
])
def test_what_cannot_be_exchanged_is_said(tmp_path, arguments, words):
    process = run(*(argument.format(tmp_path) for argument in arguments), "--json")
    error = last_json(process)["error"]
    assert process.returncode == 1 and words in error["what"] and error["todo"]
    assert not list(tmp_path.glob("a.*"))

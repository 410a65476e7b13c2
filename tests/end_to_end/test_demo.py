# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo with the real engine: from the zip to a film whose picture and sound are there and agree."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

import build_addon
from engine.protocol import EXPRESSION_NAMES
from tests.end_to_end import demo_in_blender

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "engine/data/sample_speech.flac"


@pytest.fixture(scope="module")
def zip_file():
    return build_addon.build(build_addon.host_target(), with_wheels=False)


def run_demo(zip_file, out, interpreter=sys.executable, emotion="happy=0.8,surprised=0.5"):
    script = ROOT / "tests/end_to_end/demo_in_blender.py"
    command = [sys.executable, script, "--zip", zip_file, "--interpreter", interpreter, "--audio", SAMPLE, "--out", out,
               "--size", "96", "--emotion", emotion, "--json"]
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=900)


@pytest.fixture(scope="module")
def film(zip_file, tmp_path_factory):
    done = run_demo(zip_file, tmp_path_factory.mktemp("demo"))
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_film_has_picture_and_sound_of_the_same_length(film):
    with av.open(film["film"]) as container:
        picture, sound = container.streams.video[0], container.streams.audio[0]
        assert (picture.codec_context.name, sound.codec_context.name) == ("h264", "aac")
        assert picture.frames == film["frames"] and picture.average_rate == 25
        assert float(sound.duration * sound.time_base) == pytest.approx(film["frames"] / 25, abs=0.1)
        levels = [np.abs(frame.to_ndarray()).max() for frame in container.decode(sound)]
    assert max(levels) > 0.05


def test_the_film_shows_the_frames_as_they_were_made(film):
    """No view transform, no shift in time or place. Judged by luma, since the film halves the colours' resolution."""
    luma = np.array([0.2126, 0.7152, 0.0722])
    with av.open(film["film"]) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    for number in (1, len(pictures) // 2, len(pictures)):
        frame = np.asarray(Image.open(Path(film["frames_folder"]) / f"frame_{number:05d}.png")).astype(float)
        opaque = frame[..., 3] == 255
        assert opaque.mean() > 0.1
        error = pictures[number - 1][opaque] - frame[opaque][:, :3]
        assert np.abs(error @ luma).mean() < 3 and np.abs(error.mean(axis=0)).max() < 4


def test_mouth_and_keyed_emotions_move(film):
    take = json.loads(Path(film["take"]).read_text(encoding="utf-8"))
    jaw = np.array(take["expression"])[:, EXPRESSION_NAMES.index("jawOpen")]
    assert jaw.max() > 0.15 and jaw.std() > 0.02
    weights = dict(zip(take["emotion_names"], np.array(take["emotion_weights"]).T))
    assert weights["happy"][0] < 0.1 and weights["happy"][-1] == pytest.approx(0.8, abs=0.02)
    assert weights["surprised"][len(jaw) // 3] < 0.05 and weights["surprised"][-1] == pytest.approx(0.5, abs=0.02)


def test_the_file_opens_with_its_strips_and_pictures(film):
    import bpy

    bpy.ops.wm.open_mainfile(filepath=film["scene"])
    strips = {strip.type: strip for strip in bpy.context.scene.sequence_editor.strips}
    folder = Path(bpy.path.abspath(strips["IMAGE"].directory))
    assert folder == Path(film["frames_folder"]) and (folder / strips["IMAGE"].elements[0].filename).is_file()
    assert strips["SOUND"].frame_start == strips["IMAGE"].frame_final_start == 1


def test_blenders_own_film_of_the_points_shows_the_same_head(film):
    """Tiles have edges where splats fade: the two agree in the large."""
    def pictures(path):
        with av.open(path) as container:
            assert container.streams.audio[0].codec_context.name == "aac"
            shown = [frame.to_ndarray(format="rgb24").astype(float) for frame in container.decode(video=0)]
        return [picture.reshape(12, 8, 12, 8, 3).mean(axis=(1, 3)) for picture in shown]

    engine, points = pictures(film["film"]), pictures(film["points_film"])
    assert len(engine) == len(points) == film["frames"]
    for number in (0, len(points) // 2, len(points) - 1):
        assert np.abs(engine[number] - points[number]).mean() < 8
    moved = [np.abs(points[number] - points[0]).max() for number in range(len(points))]
    assert max(moved) > 20


def test_the_file_holds_the_points(film):
    import bpy

    bpy.ops.wm.open_mainfile(filepath=film["scene"])
    points = next(thing for thing in bpy.data.objects if thing.get("emosplat_points_of"))
    keys = points.data.shape_keys
    assert len(points.data.vertices) > 5000 and 2 < len(keys.key_blocks) <= 65 and keys.animation_data.action
    assert Path(film["scene"]).stat().st_size < 40e6


def test_without_sliders_the_face_shows_what_the_voice_sounds_like():
    head = SimpleNamespace(emosplat=SimpleNamespace(auto_emotion=0.0, bl_rna=SimpleNamespace(properties={})))
    demo_in_blender.key_emotions(head, {}, 100, 25.0)
    assert head.emosplat.auto_emotion == 1.0


@pytest.mark.parametrize(("emotion", "words"), [
    ("joyful=0.8", "no emotion 'joyful'; there are neutral, angry, contempt, disgusted, fear, happy, sad, surprised."),
    ("happy=7.0", "The weight of happy, 7, is outside 0 to 1."),
    ("happy", "'happy' is not NAME=WEIGHT. Write, for example, happy=0.8,sad=0.2."),
])
def test_an_emotion_that_does_not_exist_is_told_with_those_that_do(zip_file, tmp_path, emotion, words):
    done = run_demo(zip_file, tmp_path / "out", emotion=emotion)
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="uses a shell script")
def test_an_interpreter_that_lacks_torch_is_told_in_a_sentence(zip_file, tmp_path):
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys._base_executable} -S "$@"\n')
    bare.chmod(bare.stat().st_mode | stat.S_IXUSR)
    done = run_demo(zip_file, tmp_path / "out", bare)
    assert done.returncode == 1 and "cannot load" in done.stderr and "Doctor" in done.stderr
    assert "Traceback" not in done.stderr and not list((tmp_path / "out").rglob("*.png"))

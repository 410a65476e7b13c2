# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's work folder as a capture: rows, sound and pictures as they were; damage is told."""

import json

import numpy as np
import pytest
import soundfile
from PIL import Image

from engine.capture.storage import load_capture, read_picture, verify
from engine.errors import AudioError, FormatError, InputError, StorageError
from engine.jobs import run_job
from engine.life.gaze import MAX_YAW, add_eye_shapes, gaze_of_eye_shapes
from engine.protocol import EXPRESSION_NAMES, CaptureJob
from engine.report import Report

SIDE, RATE, FPS = 48, 16000, 25
FRAMES = [0, 1, 2, 5, 9, 20, 22]


def speech(seconds, seed):
    """16-bit noise, with both ends of the scale in it."""
    samples = np.random.default_rng(seed).integers(-32768, 32768, round(seconds * RATE)).astype(np.int16)
    samples[:2] = -32768, 32767
    return samples


@pytest.fixture
def work(tmp_path):
    """A work folder as addon/character leaves it; two sounds, of which the second is cut by the end."""
    folder = tmp_path / "work"
    rng = np.random.default_rng(0)
    for kind in ("frames", "masks", "audio"):
        (folder / kind).mkdir(parents=True)
    for frame in FRAMES:
        picture = rng.integers(0, 255, (SIDE, SIDE, 4), dtype=np.uint8)
        Image.fromarray(picture).save(folder / "frames" / f"000_{frame:07d}.png")
        mask = rng.integers(0, 5, (SIDE, SIDE), dtype=np.uint8)
        Image.fromarray(mask).save(folder / "masks" / f"000_{frame:07d}.png")
    for number, seconds in enumerate((0.4, 0.5)):
        soundfile.write(folder / "audio" / f"{number:03d}.wav", speech(seconds, number), RATE, subtype="PCM_16")
    viewmat = [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0.8, 0, 0, 0, 1]
    data = {
        "format": "emosplat-character", "version": 1, "identity": "Tiny", "fps": str(FPS), "width": SIDE,
        "height": SIDE, "seed": 0, "source": "tiny.blend", "fingerprint": "0", "engine": "CYCLES",
        "expression_names": list(EXPRESSION_NAMES), "warnings": ["The character has no tongueOut."],
        "labels": [{"start": 0.2, "end": 0.6, "emotion": "happy", "intensity": 0.8}],
        "sound": [{"file": "000.wav", "frame": 3}, {"file": "001.wav", "frame": 13}],
        "frames": FRAMES, "viewmats": [viewmat] * len(FRAMES), "Ks": [[100, 0, 24, 0, 100, 24, 0, 0, 1]] * len(FRAMES),
        "expression": rng.random((len(FRAMES), 52)).round(4).tolist(),
    }
    write(folder, data)
    return folder


def write(folder, data):
    (folder / "character.json").write_text(json.dumps(data))


def changed(folder, **values):
    data = json.loads((folder / "character.json").read_text())
    write(folder, {**data, **values})


def capture(work, tmp_path, **settings):
    return run_job(CaptureJob(str(work), str(tmp_path / "out"), **settings), Report())


def test_rows_and_pictures_are_as_they_were(work, tmp_path):
    result = capture(work, tmp_path)
    assert (result["frames"], result["used"], result["tracked"]) == (7, 7, 7)
    assert verify(tmp_path / "out") == []
    made, data = load_capture(tmp_path / "out"), json.loads((work / "character.json").read_text())
    assert made.identity == "Tiny" and made.fps == FPS and made.frames.tolist() == FRAMES
    np.testing.assert_array_equal(made.expression, np.array(data["expression"], np.float32))
    np.testing.assert_array_equal(made.viewmats[3].ravel(), np.array(data["viewmats"][3], np.float32))
    assert made.labels[0].emotion == "happy" and made.labels[0].intensity == 0.8
    assert "The character has no tongueOut." in made.warnings and made.confidence.min() == 1.0
    picture, mask = read_picture(tmp_path / "out", made, 3)
    with Image.open(work / "frames" / "000_0000005.png") as image:
        np.testing.assert_array_equal(picture, np.asarray(image))
    with Image.open(work / "masks" / "000_0000005.png") as image:
        np.testing.assert_array_equal(mask, np.asarray(image))
    assert (work / "frames" / "000_0000005.png").exists(), "the work folder stays"


def test_sound_is_exact_to_the_sample(work, tmp_path):
    capture(work, tmp_path)
    samples, rate = soundfile.read(tmp_path / "out" / "audio.flac", dtype="int16")
    assert rate == RATE and len(samples) == 23 * RATE // FPS
    expected = np.zeros(len(samples), np.int16)
    for frame, sound in ((3, speech(0.4, 0)), (13, speech(0.5, 1))):
        start = frame * RATE // FPS
        sound = sound[: len(samples) - start]
        expected[start : start + len(sound)] = sound
    np.testing.assert_array_equal(samples, expected)


def test_gaze_is_what_the_eye_shapes_stand_for():
    gaze = np.random.default_rng(0).uniform(-0.4, 0.4, (20, 2)).astype(np.float32)
    expression = np.zeros((20, 52), np.float32)
    add_eye_shapes(expression, gaze)
    np.testing.assert_allclose(gaze_of_eye_shapes(expression), gaze, atol=1e-6)
    only_left = np.zeros((1, 52), np.float32)
    only_left[0, [EXPRESSION_NAMES.index("eyeLookOutLeft"), EXPRESSION_NAMES.index("eyeLookInRight")]] = 1.0
    np.testing.assert_allclose(gaze_of_eye_shapes(only_left), [[MAX_YAW, 0.0]], atol=1e-6)


def test_without_sound_it_says_what_is_lost(work, tmp_path):
    changed(work, sound=[])
    result = capture(work, tmp_path)
    assert not (tmp_path / "out" / "audio.flac").exists()
    assert any("says nothing" in text for text in result["warnings"])


def test_mixed_rates_meet_at_48000(work, tmp_path):
    soundfile.write(work / "audio" / "001.wav", speech(0.5, 1)[::2], 8000, subtype="PCM_16")
    capture(work, tmp_path)
    assert soundfile.info(tmp_path / "out" / "audio.flac").samplerate == 48000


def test_a_broken_off_try_goes_on(work, tmp_path):
    mask = work / "masks" / "000_0000020.png"
    whole = mask.read_bytes()
    mask.unlink()
    with pytest.raises(FormatError, match="000_0000020"):
        capture(work, tmp_path)
    assert not (tmp_path / "out").exists()
    mask.write_bytes(whole)
    capture(work, tmp_path)
    assert verify(tmp_path / "out") == []


@pytest.mark.parametrize("values", [
    {"frames": [0, 1, 2, 5, 9, 20, 20]}, {"frames": [0, 1, 2, 5, 9, 20, -1]}, {"frames": [0.5] * 7}, {"frames": []},
    {"frames": 7}, {"viewmats": [[0] * 16] * 7}, {"viewmats": [[1] * 15] * 7}, {"Ks": [[0] * 9] * 7},
    {"expression": [[2.0] * 52] * 7}, {"expression": [[0.5] * 51] * 7}, {"expression": [["a"] * 52] * 7},
    {"expression_names": []}, {"fps": "0"}, {"fps": 25}, {"width": 10**9}, {"width": SIDE + 1}, {"identity": None},
    {"labels": [{"start": 1, "end": 0, "emotion": "happy", "intensity": 1}]}, {"labels": [{}]}, {"labels": {}},
    {"sound": [{"file": "../000.wav", "frame": 0}]}, {"sound": [{"file": "/etc/passwd", "frame": 0}]},
    {"sound": [{"file": "..\\a.wav", "frame": 0}]}, {"sound": [{"file": "000.wav", "frame": -1}]},
    {"sound": [{"file": "000.wav", "frame": 9}, {"file": "001.wav", "frame": 9}]},
    {"version": 2}, {"format": "else"}, {"warnings": [1]},
])
def test_damage_is_told(work, tmp_path, values):
    changed(work, **values)
    with pytest.raises(FormatError):
        capture(work, tmp_path)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"format": "emosplat-character"}'])
def test_a_file_that_is_none_is_told(work, tmp_path, content):
    (work / "character.json").write_bytes(content)
    with pytest.raises(FormatError):
        capture(work, tmp_path)


@pytest.mark.parametrize("kind, content", [
    ("frames", b""), ("frames", b"no picture"), ("masks", b"GIF89a"),
    ("masks", np.full((SIDE, SIDE), 9, np.uint8)), ("frames", np.zeros((8, 8, 3), np.uint8)),
    ("masks", np.zeros((SIDE, SIDE, 3), np.uint8)),
])
def test_bad_pictures_are_told(work, tmp_path, kind, content):
    path = work / kind / "000_0000002.png"
    path.unlink()
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        Image.fromarray(content).save(path)
    with pytest.raises(FormatError, match="000_0000002"):
        capture(work, tmp_path)


def test_a_link_to_elsewhere_is_not_followed(work, tmp_path):
    path = work / "frames" / "000_0000002.png"
    path.rename(tmp_path / "secret.png")
    path.symlink_to(tmp_path / "secret.png")
    with pytest.raises(FormatError, match="link"):
        capture(work, tmp_path)


def test_a_missing_sound_is_told(work, tmp_path):
    (work / "audio" / "001.wav").unlink()
    with pytest.raises(AudioError, match="001.wav"):
        capture(work, tmp_path)


def test_what_only_a_film_can_have_is_refused(work, tmp_path):
    with pytest.raises(InputError, match="emotion"):
        capture(work, tmp_path, emotion={"happy": 1.0})
    with pytest.raises(InputError, match="frames per second"):
        capture(work, tmp_path, fps="30")
    with pytest.raises(InputError, match="'fast'"):
        capture(work, tmp_path, fps="fast")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").touch()
    with pytest.raises(StorageError):
        capture(work, tmp_path)
    assert (tmp_path / "out" / "mine.txt").exists()

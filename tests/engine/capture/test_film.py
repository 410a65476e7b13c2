# SPDX-License-Identifier: GPL-3.0-or-later
"""Films of the puppet become captures; films that are no good are told apart and said so."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mediapipe", reason="needs the package mediapipe, which is not installed here")
from puppet_film import FRAMES, drawn, scene, write_film

from engine.audio.read import read_mono
from engine.capture import writer
from engine.capture.capture import REGIONS
from engine.capture.make import make_capture
from engine.capture.storage import load_capture, read_picture, verify
from engine.capture.tracking.model import BUNDLED_FOLDER, FACE_LANDMARKER, FOLDER_VARIABLE
from engine.capture.tracking.rigid_face import RIGID_LANDMARKS
from engine.errors import Cancelled, EngineError, InputError, StorageError
from engine.protocol import EXPRESSION_NAMES, CaptureJob
from engine.report import Report

ROOT = Path(__file__).resolve().parents[3]
SPEECH = ROOT / "engine/data/sample_speech.flac"
PLACE = (30, 10, 340)


@pytest.fixture(scope="module", autouse=True)
def model():
    """The face model: the build's, or the one beside the repository."""
    beside = ROOT.parent / "shared/data/mediapipe"
    with pytest.MonkeyPatch.context() as patch:
        if not (BUNDLED_FOLDER / FACE_LANDMARKER).is_file() and not os.environ.get(FOLDER_VARIABLE):
            if not (beside / FACE_LANDMARKER).is_file():
                pytest.skip("needs MediaPipe's face landmarker, which `build_addon.py setup` fetches")
            patch.setenv(FOLDER_VARIABLE, str(beside))
        yield


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("film") / "puppet.mp4"
    sound = read_mono(SPEECH)[: 16000 * FRAMES // 25]
    write_film(path, (scene(k, 400, 360, [PLACE]) for k in range(FRAMES)), sound=sound)
    return path


@pytest.fixture(scope="module")
def made(film, tmp_path_factory):
    """The capture of that film, and what making it returned."""
    out = tmp_path_factory.mktemp("capture") / "puppet"
    return out, make_capture(CaptureJob(str(film), str(out), size=160), Report())


def capture(source, out, size=96, **settings) -> dict:
    return make_capture(CaptureJob(str(source), str(out), size=size, **settings), Report())


def test_a_film_becomes_a_capture(made):
    out, result = made
    assert verify(out) == [] and not out.with_name("puppet.part").exists()
    assert {path.name for path in out.iterdir()} >= {"capture.json", "tracks.safetensors", "audio.flac", "frames"}
    assert not {"work", "journal.json"} & {path.name for path in out.iterdir()}
    assert (result["frames"], result["used"], result["tracked"]) == (FRAMES, FRAMES, FRAMES)
    assert result["clip_seconds"] == 2.0 and result["av_offset_seconds"] == pytest.approx(0, abs=0.001)
    assert result["reprojection_error_relative"] < 0.01
    whole = load_capture(out)
    assert whole.identity == "puppet" and (whole.width, whole.height) == (160, 160)
    assert 0 < whole.test.sum() < 15 and (whole.confidence > 0.3).all()
    jaw = whole.expression[:, EXPRESSION_NAMES.index("jawOpen")]
    assert np.corrcoef(jaw, drawn()[1])[0, 1] > 0.7


def test_cameras_and_landmarks_are_of_the_captures_pixels(made):
    whole = load_capture(made[0])
    points = whole.landmarks[:][:, RIGID_LANDMARKS]
    rays = np.concatenate([points - whole.Ks[:, None, :2, 2], np.ones((*points.shape[:2], 1))], -1)
    rays[..., :2] /= whole.Ks[:, None, [0, 1], [0, 1]]
    # Where rays of a point meet the head, seen from all frames, is one place: what is left is far below a pixel.
    rotations, eyes = whole.viewmats[:, :3, :3], -np.einsum(
        "tij,ti->tj", whole.viewmats[:, :3, :3], whole.viewmats[:, :3, 3]
    )
    turned = rays @ rotations
    turned /= np.linalg.norm(turned, axis=-1, keepdims=True)
    across = np.eye(3) - turned[..., :, None] * turned[..., None, :]
    where = np.linalg.solve(across.sum(0), np.einsum("tpij,tj->pi", across, eyes)[..., None])[..., 0]
    camera = where @ rotations.transpose(0, 2, 1) + whole.viewmats[:, None, :3, 3]
    seen = camera[..., :2] / camera[..., 2:] * whole.Ks[:, None, [0, 1], [0, 1]] + whole.Ks[:, None, :2, 2]
    assert np.sqrt(((seen - points) ** 2).sum(-1).mean()) < 1.0
    yaw = np.arctan2(eyes[:, 0], -eyes[:, 1])
    true = -0.25 * np.sin(2 * np.pi * 0.5 * np.arange(FRAMES) / 25)
    assert np.corrcoef(yaw, true)[0, 1] > 0.98 and 0.6 < np.ptp(yaw) / np.ptp(true) < 1.4


def test_what_is_before_the_face_is_left_out(tmp_path):
    """The tracker lays its mesh over it, as if nothing were there."""
    images = [scene(k, 400, 360, [PLACE]).copy() for k in range(FRAMES)]
    for image in images[20:26]:
        image[215:290, 150:260] = (40, 60, 120)
    write_film(tmp_path / "cup.mp4", images)
    result = capture(tmp_path / "cup.mp4", tmp_path / "cup")
    whole = load_capture(tmp_path / "cup")
    assert not set(range(20, 26)) & set(whole.frames.tolist()) and len(whole) == FRAMES - 6
    assert any("something is before the face" in warning for warning in result["warnings"])


def test_masks_hold_the_head_and_not_the_wall(made):
    out, _ = made
    whole = load_capture(out)
    picture, mask = read_picture(out, whole, 25)
    assert set(np.unique(mask)) == set(range(len(REGIONS)))
    points = whole.landmarks[25]
    nose, lip = points[4].astype(int), ((points[13] + points[14]) / 2).astype(int)
    assert mask[nose[1], nose[0]] == REGIONS.index("face") and mask[lip[1], lip[0]] == REGIONS.index("mouth_interior")
    above = (points[10] - [0, 0.15 * np.ptp(points[:, 1])]).astype(int)
    assert mask[above[1], above[0]] == REGIONS.index("hair")
    assert (mask[:10] == 0).mean() > 0.9 and 0.2 < (mask > 0).mean() < 0.7


@dataclass
class StopAt(Report):
    """Asks to stop when a stage has come to a piece of work."""

    stop: tuple[str, int] = ("", 0)

    def progress(self, stage, done, total):
        if (stage, done) == self.stop:
            self.cancel_event.set()
        super().progress(stage, done, total)


@pytest.mark.parametrize("stop", [("landmarks", 30), ("pictures", 40), ("sound", 0)])
def test_a_capture_that_was_stopped_goes_on(film, made, tmp_path, stop):
    out = tmp_path / "puppet"
    with pytest.raises(Cancelled):
        make_capture(CaptureJob(str(film), str(out), size=96), StopAt(stop=stop))
    assert not out.exists()
    part = tmp_path / "puppet.part"
    before = {path: path.stat().st_mtime_ns for path in (part / "masks").iterdir()}
    result = capture(film, out)
    assert result["used"] == FRAMES and verify(out) == [] and not part.exists()
    assert {path.name for path in before if (out / "masks" / path.name).stat().st_mtime_ns == before[path]} == {
        path.name for path in before
    }
    again, whole = load_capture(out), load_capture(made[0])
    np.testing.assert_allclose(again.landmarks[:] / again.width, whole.landmarks[:] / whole.width, atol=0.005)


def test_a_capture_that_was_killed_goes_on(film, tmp_path):
    out = tmp_path / "puppet"
    command = [sys.executable, "-m", "engine", "capture", str(film), "--out", str(out), "--size", "96", "--json"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    masks = tmp_path / "puppet.part/masks"
    while process.poll() is None and not (masks.is_dir() and len(list(masks.glob("*.png"))) > 5):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    process.wait()
    assert not out.exists()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["used"] == FRAMES and isinstance(result["seconds"], float) and verify(out) == []
    keys = {"frames", "used", "tracked", "reprojection_error_relative", "av_offset_seconds", "seconds", "clip_seconds"}
    assert keys | {"warnings", "out", "report", "lip_offset_seconds", "stage_seconds"} == set(result)


def test_other_settings_begin_anew(film, tmp_path):
    with pytest.raises(Cancelled):
        make_capture(CaptureJob(str(film), str(tmp_path / "c"), size=64), StopAt(stop=("pictures", 5)))
    capture(film, tmp_path / "c")
    assert verify(tmp_path / "c") == [] and load_capture(tmp_path / "c").width == 96


def test_a_full_disk_is_told_and_leaves_no_capture(film, tmp_path, monkeypatch):
    written = []

    def write_png(path, image):
        from engine.render.images import write_png as write

        written.append(path)
        if len(written) > 20:
            from engine.files import storage_error

            raise storage_error(OSError(errno.ENOSPC, "No space left on device"), path)
        write(path, image)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "write_png", write_png)
        with pytest.raises(StorageError, match="disk is full"):
            capture(film, tmp_path / "c")
    assert not (tmp_path / "c").exists()
    assert capture(film, tmp_path / "c")["used"] == FRAMES


def test_a_folder_that_exists_is_left_alone(film, tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c/mine.txt").write_text("mine")
    with pytest.raises(StorageError, match="exists"):
        capture(film, tmp_path / "c")
    assert [path.name for path in tmp_path.rglob("*")] == ["c", "mine.txt"]


def refused(tmp_path, images, words: str, fps=25) -> None:
    write_film(tmp_path / "a.mp4", images, fps)
    with pytest.raises(EngineError, match=words):
        capture(tmp_path / "a.mp4", tmp_path / "c")
    assert not (tmp_path / "c").exists() and not (tmp_path / "c.part").exists()


def test_films_without_a_face_or_motion_are_refused(tmp_path):
    refused(tmp_path, (scene(k, 200, 160, []) for k in range(8)), "No face was found in 8 frames")
    refused(tmp_path, (scene(0, 400, 360, [PLACE]) for _ in range(12)), "one still picture for 12 frames")
    refused(tmp_path, (scene(k, 400, 360, [PLACE]) for k in range(2)), r"Only 2 of 2 frames can be used\.")
    small, near = (120, 100, 160), (-200, -220, 800)
    refused(tmp_path, (scene(k, 400, 360, [small]) for k in range(8)), "None of 8 .* narrower than 100 pixels")
    refused(tmp_path, (scene(k, 400, 360, [near]) for k in range(8)), "None of 8 .* the face leaves the picture")


def test_a_picture_is_refused(tmp_path):
    from PIL import Image

    for name in ("a.png", "a.jpg"):
        Image.fromarray(scene(0, 400, 360, [PLACE])).save(tmp_path / name)
        with pytest.raises(InputError, match="still picture"):
            capture(tmp_path / name, tmp_path / "c")


def test_of_two_faces_the_larger_is_kept_and_it_is_said(tmp_path):
    places = [(-20, 20, 320), (420, 120, 200)]
    write_film(tmp_path / "a.mp4", (scene(2 * k, 640, 360, places) for k in range(10)))
    result = capture(tmp_path / "a.mp4", tmp_path / "c")
    assert result["used"] == 10 and any("second face is seen in 10 frames" in text for text in result["warnings"])
    assert any("No sound" in text for text in result["warnings"]) and result["av_offset_seconds"] is None
    assert not (tmp_path / "c/audio.flac").exists()
    Ks = load_capture(tmp_path / "c").Ks
    assert (Ks[:, 0, 2] > 96 / 2).all()  # the square lies left of the film's middle


def test_a_face_that_leaves_is_dropped_and_counted(tmp_path):
    write_film(tmp_path / "a.mp4", (scene(k, 400, 360, [(30 + 24 * max(0, k - 8), 10, 340)]) for k in range(20)))
    result = capture(tmp_path / "a.mp4", tmp_path / "c")
    facts = load_capture(tmp_path / "c").facts
    assert 8 <= result["used"] < 16 and result["used"] + sum(facts.dropped.values()) == result["frames"] == 20
    assert any("no face was found" in text or "leaves the picture" in text for text in result["warnings"])


def test_a_cut_splits_the_clip_and_the_square_moves(tmp_path):
    def images():
        yield from (scene(k, 640, 360, [(-10, 10, 340)]) for k in range(12))
        yield from (scene(k, 640, 360, [(290, 10, 340)], seed=3) for k in range(12, 24))

    write_film(tmp_path / "a.mp4", images())
    assert capture(tmp_path / "a.mp4", tmp_path / "c")["used"] == 24
    whole = load_capture(tmp_path / "c")
    centre = whole.landmarks[:].mean((1, 2))
    assert np.ptp(centre[:12]) < 9 and np.ptp(centre[12:]) < 9
    assert len(np.unique(whole.Ks[:, 0, 2].round(3))) == 2


def test_another_person_is_left_out(tmp_path):
    from PIL import Image

    def narrow(frame: int) -> np.ndarray:
        """Another puppet, with a long face."""
        picture = Image.fromarray(scene(frame, 400, 360, [PLACE], seed=5))
        return np.asarray(picture.transform((400, 360), Image.Transform.AFFINE, (1.25, 0, -50, 0, 1, 0)))

    def images():
        yield from (scene(k, 400, 360, [PLACE]) for k in range(10))
        yield from (narrow(k) for k in range(12))
        yield from (scene(k, 400, 360, [PLACE]) for k in range(10, 20))

    write_film(tmp_path / "a.mp4", images())
    result = capture(tmp_path / "a.mp4", tmp_path / "c")
    assert (result["frames"], result["tracked"], result["used"]) == (32, 32, 20)
    assert load_capture(tmp_path / "c").frames.tolist() == [*range(10), *range(22, 32)]
    assert "12 of 32 frames are left out because another person is shown." in result["warnings"]


def test_frame_rates(tmp_path):
    write_film(tmp_path / "slow.mp4", (scene(2 * k, 400, 360, [PLACE]) for k in range(12)), fps=10)
    result = capture(tmp_path / "slow.mp4", tmp_path / "c")
    assert result["used"] == 12 and any("10 frames per second" in text for text in result["warnings"])
    assert len(set(result["warnings"])) == len(result["warnings"])


def test_4k_at_60_frames_is_shrunk(tmp_path):
    images = (scene(3 * k, 960, 540, [(250, 50, 450)]) for k in range(8))
    write_film(tmp_path / "a.mp4", (image.repeat(4, 0).repeat(4, 1) for image in images), fps=60)
    result = capture(tmp_path / "a.mp4", tmp_path / "c")
    assert result["used"] == 4 and load_capture(tmp_path / "c").fps == 30


def test_sound_that_starts_late_and_ends_early(tmp_path):
    click = np.zeros(6400)
    click[1600] = 0.9
    images = (scene(k, 400, 360, [PLACE]) for k in range(30))
    write_film(tmp_path / "a.mkv", images, sound=click, sound_start=0.2, kind="matroska")
    result = capture(tmp_path / "a.mkv", tmp_path / "c")
    assert result["av_offset_seconds"] == pytest.approx(0.2, abs=0.002)
    assert any("the sound ends 0.6 s before the pictures" in text for text in result["warnings"])
    heard = read_mono(tmp_path / "c/audio.flac")
    assert len(heard) == 16000 * 30 // 25 and abs(int(np.abs(heard).argmax()) - 4800) <= 20


def test_a_film_that_was_cut_off_gives_what_it_has(tmp_path):
    path = tmp_path / "a.mkv"
    write_film(path, (scene(k, 400, 360, [PLACE]) for k in range(60)), kind="matroska")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(0.6 * len(whole))])
    result = capture(path, tmp_path / "c")
    assert 10 <= result["used"] < 60 and any("ends early" in text for text in result["warnings"])


def test_settings_that_make_no_sense(film, tmp_path):
    for settings, words in (({"fps": "0"}, "0"), ({"fps": "150"}, "5 to 120"), ({"emotion": {"glad": 1}}, "glad")):
        with pytest.raises(InputError, match=words):
            capture(film, tmp_path / "c", **settings)
    assert not list(tmp_path.iterdir())


def test_identity_and_emotion_are_kept(film, tmp_path):
    capture(film, tmp_path / "c", identity="Ada", emotion={"happy": 0.7})
    whole = load_capture(tmp_path / "c")
    (label,) = whole.labels
    assert whole.identity == "Ada" and (label.emotion, label.intensity, label.end) == ("happy", 0.7, whole.seconds)


def test_a_download_that_fails_is_told_and_not_missed(film, tmp_path, monkeypatch):
    from engine.capture import segmenter

    def refuse(url, timeout):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(segmenter, "user_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(segmenter.urllib.request, "urlopen", refuse)
    result = capture(film, tmp_path / "c", allow_download=True)
    assert result["used"] == FRAMES and any("Network is unreachable" in text for text in result["warnings"])

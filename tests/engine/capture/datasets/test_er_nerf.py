# SPDX-License-Identifier: GPL-3.0-or-later
"""Talking portraits as ER-NeRF and TalkingGaussian lay them out become captures whose cameras see what they saw."""

import json
import os

import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from written_sets import DOTS, FACE_POINTS, SIDE, ErNerfSet, dot_in

from engine.capture.datasets.cameras import FACE_MODEL_ORIGIN
from engine.capture.datasets.convert import capture_data_set, is_data_set
from engine.capture.storage import load_capture, read_picture, verify
from engine.errors import AudioError, Cancelled, FormatError
from engine.protocol import EXPRESSION_NAMES, CaptureJob
from engine.report import Report

pytestmark = pytest.mark.usefixtures("no_model")


@pytest.fixture
def portrait(tmp_path):
    return ErNerfSet(tmp_path / "May")


def make(source, tmp_path, size=96, **job):
    folder = capture_data_set(CaptureJob(str(source), str(tmp_path / "capture"), size=size, **job), Report())
    assert verify(folder) == []
    return folder, load_capture(folder)


def in_head(point: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """A point of the face model (left, up, front) in the head's frame (left, back, up)."""
    left, up, front = point - origin
    return np.array([left, -front, up])


def seen_at(capture, row: int, point: np.ndarray) -> np.ndarray:
    """Pixel at which a row's camera sees a point of the head's frame."""
    x, y, z = (capture.viewmats[row].astype(float) @ [*point, 1])[:3]
    K = capture.Ks[row].astype(float)
    return np.array([K[0, 0] * x / z + K[0, 2], K[1, 1] * y / z + K[1, 2]])


@pytest.mark.parametrize("size", [96, 200])
def test_cameras_see_known_points_where_the_pictures_have_them(portrait, tmp_path, size):
    folder, capture = make(portrait.folder, tmp_path, size)
    assert (capture.width, capture.height, capture.fps) == (size, size, 25)
    assert capture.frames.tolist() == list(range(12)) and not capture.cameras.any()
    for row in range(len(capture)):
        place = seen_at(capture, row, in_head(DOTS[row % len(DOTS)], FACE_MODEL_ORIGIN))
        np.testing.assert_allclose(place, portrait.pixel(row, DOTS[row % len(DOTS)]) * size / SIDE, atol=0.01)
        picture, _ = read_picture(folder, capture, row)
        np.testing.assert_allclose(dot_in(picture), place, atol=0.15)


def test_the_origin_lies_between_the_ears_of_the_landmarks(tmp_path):
    portrait = ErNerfSet(tmp_path / "May", landmarks=True)
    _, capture = make(portrait.folder, tmp_path)
    # MediaPipe's canonical face has its ears' middle at (0, 1.0, -4.3) cm, in the same axes as the face model.
    origin = FACE_POINTS[30] + np.array([0.0, 1.0 + 0.46, -4.3 - 7.59]) * 0.01
    assert not any("No landmarks" in warning for warning in capture.warnings)
    for row in range(len(capture)):
        for point in FACE_POINTS.values():
            place = seen_at(capture, row, in_head(point, origin))
            np.testing.assert_allclose(place, portrait.pixel(row, point) * 96 / SIDE, atol=0.1)
    assert capture.facts.reprojection_error_relative < 0.005
    assert np.linalg.norm(capture.viewmats[:, :3, 3], axis=1) == pytest.approx(0.8, abs=0.1)


def test_the_makers_split_is_kept_and_makes_no_difference_to_time(portrait, tmp_path):
    _, capture = make(portrait.folder, tmp_path, seed=5)
    assert capture.test.tolist() == [False] * 9 + [True] * 3


def test_without_a_val_file_pictures_are_held_out_by_seed(portrait, tmp_path):
    (portrait.folder / "transforms_val.json").unlink()
    portrait.write_transforms("train", range(12))
    _, capture = make(portrait.folder, tmp_path)
    assert capture.test.tolist() == [False] * 11 + [True]


def test_regions_come_from_the_colours(portrait, tmp_path):
    folder, capture = make(portrait.folder, tmp_path, SIDE)
    _, mask = read_picture(folder, capture, 0)
    want = {(5, 5): 0, (30, 60): 1, (50, 60): 2, (69, 60): 3, (71, 62): 3, (95, 60): 4, (110, 30): 4, (85, 45): 2}
    assert {at: mask[at] for at in want} == want
    assert (mask == 1).sum() == 20 * 48


def test_expression_from_action_units(portrait, tmp_path):
    _, capture = make(portrait.folder, tmp_path)
    column = {name: capture.expression[:, EXPRESSION_NAMES.index(name)] for name in EXPRESSION_NAMES}
    np.testing.assert_allclose(column["browInnerUp"], 0.5, atol=1e-6)
    np.testing.assert_allclose(column["mouthSmileLeft"], np.arange(12) / 11, atol=1e-6)
    np.testing.assert_allclose(column["eyeBlinkRight"], 0.5, atol=1e-6)  # OpenFace's 2 is a closed eye
    np.testing.assert_allclose(column["jawOpen"], 0.7, atol=1e-6)
    assert not capture.confidence.any() and capture.landmarks is None
    assert any("au.csv" in warning for warning in capture.warnings)


def test_sound_is_the_sets_own(portrait, tmp_path):
    folder, capture = make(portrait.folder, tmp_path)
    samples, rate = soundfile.read(folder / "audio.flac")
    assert rate == 16000 and len(samples) == 16000 * 12 // 25
    np.testing.assert_allclose(samples, np.linspace(-0.5, 0.5, len(samples)), atol=1e-3)
    soundfile.write(portrait.folder / "aud.wav", np.full(4000, 0.3), 8000)
    edit(portrait.folder, sets("frames", 0, "aud_id", value=50))
    folder, capture = make(portrait.folder, tmp_path / "long")
    samples, rate = soundfile.read(folder / "audio.flac")
    assert rate == 8000 and len(samples) == round(51 / 25 * 8000) and not samples[4000:].any()
    assert any("ends 1.5 s before the pictures" in warning for warning in capture.warnings)
    (portrait.folder / "aud.wav").write_bytes(b"no sound at all")
    with pytest.raises(AudioError):
        capture_data_set(CaptureJob(str(portrait.folder), str(tmp_path / "b"), size=96), Report())
    assert not (tmp_path / "b").exists()


def test_the_trackers_parameters_serve_where_the_transforms_are_missing(portrait, tmp_path):
    _, want = make(portrait.folder, tmp_path)
    for name in ("train", "val"):
        (portrait.folder / f"transforms_{name}.json").unlink()
    parameters = {"focal": torch.tensor([300.0]), "euler": torch.tensor(portrait.euler, dtype=torch.float32),
                  "trans": torch.tensor(10 * portrait.moves, dtype=torch.float32)}  # fmt: skip
    torch.save(parameters, portrait.folder / "track_params.pt")
    _, capture = make(portrait.folder, tmp_path / "b")
    np.testing.assert_allclose(capture.viewmats, want.viewmats, atol=1e-5)
    np.testing.assert_allclose(capture.Ks, want.Ks)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("pwned",)


@pytest.mark.parametrize("kind", ["track_params.pt", "teeth_mask/0.npy"])
def test_code_in_files_is_never_run(portrait, tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    if kind.endswith(".pt"):
        for name in ("train", "val"):
            (portrait.folder / f"transforms_{name}.json").unlink()
        torch.save({"focal": Evil()}, portrait.folder / kind)
    else:
        np.save(portrait.folder / kind, np.array([Evil()], object), allow_pickle=True)
    with pytest.raises(FormatError):
        make(portrait.folder, tmp_path)
    assert not (tmp_path / "pwned").exists()


def edit(folder, change) -> None:
    path = folder / "transforms_train.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def sets(*keys, value):
    def change(data):
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        sets("focal_len", value=0), sets("focal_len", value="x"), sets("focal_len", value=float("nan")),
        sets("cx", value=None), sets("frames", value={}), sets("frames", value=[1]), sets("frames", value=[]),
        sets("frames", 0, "img_id", value=-1), sets("frames", 0, "img_id", value=0.5),
        sets("frames", 0, "img_id", value="../../x"), sets("frames", 0, "img_id", value=99),
        sets("frames", 0, "img_id", value=10**400), sets("frames", 0, "aud_id", value=1),
        sets("frames", 0, "transform_matrix", value=[[1, 2], [3]]),
        sets("frames", 0, "transform_matrix", value=np.full((4, 4), np.nan).tolist()),
        sets("frames", 0, "transform_matrix", value=(2 * np.eye(4)).tolist()),
        sets("frames", 0, "transform_matrix", value=np.diag([1, 1, -1, 1]).tolist()),
        sets("frames", 0, "transform_matrix", 0, value=[1, 0, 0, 1e30]),
    ],
)
def test_damaged_cameras_are_one_sentence(portrait, tmp_path, change):
    edit(portrait.folder, change)
    with pytest.raises(FormatError):
        make(portrait.folder, tmp_path)
    assert not (tmp_path / "capture").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("transforms_val.json", b"{"), ("transforms_val.json", b"[" * 100_000), ("transforms_val.json", b"\xff\xfe"),
        ("ori_imgs/3.jpg", b"no picture"), ("parsing/3.png", b"\x89PNG\r\n"), ("teeth_mask/3.npy", b"\x93NUMPY"),
        ("au.csv", b"frame, AU45_r\n1, x\n"), ("au.csv", b"frame\n1\n"), ("au.csv", b"frame, AU45_r\n1, 1\n"),
        ("au.csv", b"frame, AU45_r\n" + b"1, nan\n" * 12), ("ori_imgs/3.lms", b"1 2 3"), ("ori_imgs/3.lms", b"\xff"),
    ],
)
def test_damaged_files_are_one_sentence(portrait, tmp_path, name, content):
    (portrait.folder / name).write_bytes(content)
    with pytest.raises(FormatError):
        make(portrait.folder, tmp_path)
    assert not (tmp_path / "capture").exists()


def test_a_picture_of_another_aspect_is_refused(portrait, tmp_path):
    Image.new("L", (SIDE, 2 * SIDE)).save(portrait.folder / "parsing/3.png")  # masks are brought to the picture's size
    path = portrait.folder / "ori_imgs/3.jpg"
    Image.open(path).resize((2 * SIDE, 2 * SIDE)).save(path)  # another size is not another aspect
    make(portrait.folder, tmp_path)
    header = np.zeros((3, SIDE), bool)
    np.save(portrait.folder / "teeth_mask/3.npy", header)
    with pytest.raises(FormatError, match="teeth_mask"):
        make(portrait.folder, tmp_path / "b")


def test_gt_imgs_serve_where_ori_imgs_are_missing(portrait, tmp_path):
    (portrait.folder / "ori_imgs").rename(portrait.folder / "gt_imgs")
    assert is_data_set(portrait.folder)
    _, capture = make(portrait.folder, tmp_path)
    assert len(capture) == 12


def test_a_broken_off_capture_goes_on(portrait, tmp_path):
    stopped = Report()
    stopped.on_progress = lambda stage, done, total, eta: stage == "pictures" and done and stopped.cancel_event.set()
    job = CaptureJob(str(portrait.folder), str(tmp_path / "capture"), size=96)
    with pytest.raises(Exception, match="cancelled"):
        capture_data_set(job, stopped)
    assert not (tmp_path / "capture").exists() and (tmp_path / "capture.part").exists()
    make(portrait.folder, tmp_path)
    assert not (tmp_path / "capture.part").exists()


def test_a_mask_that_was_corrected_after_a_break_is_used(portrait, tmp_path):
    stopped = Report()
    stopped.on_progress = lambda stage, done, total, eta: stage == "pictures" and done and stopped.cancel_event.set()
    with pytest.raises(Cancelled):
        capture_data_set(CaptureJob(str(portrait.folder), str(tmp_path / "capture"), size=96), stopped)
    mask = portrait.folder / "parsing" / "0.png"
    with Image.open(mask) as image:
        Image.new("RGB", image.size, (255, 255, 255)).save(mask)  # background alone
    folder, capture = make(portrait.folder, tmp_path)
    assert not read_picture(folder, capture, 0)[1].any() and read_picture(folder, capture, 1)[1].any()

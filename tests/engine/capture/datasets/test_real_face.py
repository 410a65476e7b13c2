# SPDX-License-Identifier: GPL-3.0-or-later
"""A real face in both layouts: tracked, its head's frame found whatever the world, hair and mouth in its masks."""

import json

import numpy as np
import pytest
from PIL import Image
from written_sets import rotation

from engine.capture.datasets.convert import capture_data_set
from engine.capture.storage import load_capture, read_picture, verify
from engine.capture.tracking.cameras import CameraSolve, refine
from engine.capture.tracking.landmarks import track
from engine.capture.video import pictures, probe
from engine.protocol import CaptureJob
from engine.report import Report

FRAMES, STEP = 16, 8
CANONICAL_AXES = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])  # the head's frame to (left, up, front)


@pytest.fixture(scope="module")
def seen(request):
    """Pictures (FRAMES, H, W, 3) of a film, its cameras as films have them, and where the face model lies."""
    shared = request.config.rootpath.parent / "shared"
    film, models = shared / "data/video/obama_20s.mp4", shared / "data/mediapipe"
    if not film.is_file() or not (models / "face_landmarker.task").is_file():
        pytest.skip("needs the film and the face model of ../shared/data")
    pytest.importorskip("mediapipe")
    images = []
    for picture in pictures(probe(film)):
        if picture.frame % STEP == 0:
            images.append(picture.image)
        if len(images) == FRAMES:
            break
    tracks = track(images, models / "face_landmarker.task", 25.0, Report())
    solve = refine(tracks.landmarks, tracks.size, 25.0 / STEP, tracks.found)
    return images, solve, models


def compare(capture, solve: CameraSolve, size: float) -> None:
    """Cameras within 1 cm and 1.5 degrees of those that films get, which know less of the lens."""
    ours, films = capture.viewmats.astype(float), solve.viewmats.astype(float)
    distances = np.linalg.norm(ours[:, :3, 3], axis=1) / np.linalg.norm(films[:, :3, 3], axis=1)
    np.testing.assert_allclose(distances, 1, atol=0.02)
    # Where the head's origin and its axes' ends appear.
    for point in ([0, 0, 0, 1], [0, -0.1, 0, 1], [0, -0.1, 0.06, 1], [0.05, -0.08, 0, 1]):
        places = []
        for viewmats, K in ((ours, capture.Ks[0]), (films, solve.K * [[size], [size], [1]])):
            camera = (viewmats @ point)[:, :3] @ K.T
            places.append(camera[:, :2] / camera[:, 2:])
        apart = np.linalg.norm(places[0] - places[1], axis=1)
        assert np.median(apart) < 0.02 * capture.width


def check(folder, solve: CameraSolve, size: float) -> None:
    assert verify(folder) == []
    capture = load_capture(folder)
    assert len(capture) == FRAMES and capture.confidence.all() and capture.facts.tracked == FRAMES
    assert capture.facts.reprojection_error_relative < 0.02
    compare(capture, solve, size)
    assert capture.codes.shape == (FRAMES, 20) and capture.expression.max() > 0.2 and np.ptp(capture.gaze) > 0.01
    landmarks = capture.landmarks[:]
    inside = (landmarks > 0) & (landmarks < capture.width)
    assert inside.all()
    masks = [read_picture(folder, capture, row)[1] for row in range(FRAMES)]
    area = np.bincount(np.concatenate(masks).ravel(), minlength=5) / np.concatenate(masks).size
    assert area[0] > 0.1 and area[1] > 0.01 and area[2] > 0.05 and area[3] > 1e-4 and area[4] > 0.05


def test_a_talking_portrait(seen, tmp_path, monkeypatch):
    images, solve, models = seen
    monkeypatch.setenv("EMOSPLAT_MODELS", str(models))
    source = tmp_path / "portrait"
    for name in ("gt_imgs", "parsing"):
        (source / name).mkdir(parents=True)
    height, width = images[0].shape[:2]
    entries = []
    for k, image in enumerate(images):
        Image.fromarray(image).save(source / f"gt_imgs/{k}.jpg", quality=95)
        # All but the wall is head or torso: hair and mouth are left to be found.
        colours = np.full((height, width, 3), 255, np.uint8)
        colours[height // 12 :, width // 4 : -width // 4] = (0, 0, 255)
        colours[2 * height // 3 :] = (255, 0, 0)
        Image.fromarray(colours).save(source / f"parsing/{k}.png")
        to_model = np.eye(4)
        to_model[:3, :3], to_model[:3, 3] = CANONICAL_AXES, [0.003, -0.02, 0.04]  # the face model's origin is elsewhere
        pose = to_model @ np.linalg.inv(solve.viewmats[k].astype(float)) @ np.diag([1, -1, -1, 1])
        entries.append({"img_id": k, "aud_id": STEP * k, "transform_matrix": pose.tolist()})
    data = {"focal_len": float(solve.K[0, 0]), "cx": width / 2, "cy": height / 2, "frames": entries}
    (source / "transforms_train.json").write_text(json.dumps(data))
    folder = capture_data_set(CaptureJob(str(source), str(tmp_path / "capture"), size=300), Report())
    check(folder, solve, 300 / width)
    assert load_capture(folder).frames.tolist() == [STEP * k for k in range(FRAMES)]


def test_a_world_of_any_axes_and_unit(seen, tmp_path, monkeypatch):
    images, solve, models = seen
    monkeypatch.setenv("EMOSPLAT_MODELS", str(models))
    source = tmp_path / "scan"
    source.mkdir()
    height, width = images[0].shape[:2]
    world = np.eye(4)
    world[:3, :3], world[:3, 3] = rotation(0, 2.0) @ rotation(1, 0.4), [1.0, -4.0, 2.0]
    entries = []
    for k, image in enumerate(images):
        Image.fromarray(image).save(source / f"{k:03d}.png")
        pose = world @ np.linalg.inv(solve.viewmats[k].astype(float))
        pose[:3, 3] = 7.3 * pose[:3, 3]
        pose = pose @ np.diag([1, -1, -1, 1])
        entries.append({"file_path": f"{k:03d}.png", "transform_matrix": pose.tolist()})
    data = {"fl_x": float(solve.K[0, 0]), "w": width, "h": height, "frames": entries}
    (source / "transforms.json").write_text(json.dumps(data))
    folder = capture_data_set(CaptureJob(str(source), str(tmp_path / "capture"), size=300), Report())
    check(folder, solve, 300 / width)

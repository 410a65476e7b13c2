# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's part: what is asked of it, what is made of its answers, and a real film where it is installed."""

import importlib.util
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from engine.audio.read import RATE, read_mono
from engine.capture.lip_sync import heard_mouth, lip_offset
from engine.capture.tracking import landmarks
from engine.capture.tracking.cameras import refine
from engine.capture.tracking.codes import HeadLandmarks, lip_opening
from engine.capture.tracking.rigid_face import RIGID_LANDMARKS
from engine.errors import Cancelled, InputError, MissingPackageError
from engine.protocol import EXPRESSION_NAMES
from engine.report import Report

FRAMES = [np.zeros((60, 80, 3), np.uint8)] * 3


class FakeLandmarker:
    """Answers with faces at the given horizontal places, frame after frame."""

    def __init__(self, answers):
        self.answers, self.times, self.closed = iter(answers), [], False

    def detect_for_video(self, picture, milliseconds):
        self.times.append(milliseconds)
        places = next(self.answers)
        return SimpleNamespace(
            face_landmarks=[
                [SimpleNamespace(x=x + 0.001 * k, y=0.5 + 0.001 * k, z=0.1) for k in range(478)] for x in places
            ],
            face_blendshapes=[
                [SimpleNamespace(category_name=n, score=s) for n, s in (("_neutral", 0.9), ("jawOpen", x))]
                for x in places
            ],
            facial_transformation_matrixes=[2 * np.eye(4) for _ in places],
        )

    def close(self):
        self.closed = True


@pytest.fixture
def fake(monkeypatch):
    def use(answers) -> FakeLandmarker:
        made = FakeLandmarker(answers)
        image = SimpleNamespace(Image=lambda **kwargs: kwargs, ImageFormat=SimpleNamespace(SRGB=1))
        monkeypatch.setattr(landmarks, "load_mediapipe", lambda: (None, image))
        monkeypatch.setattr(landmarks, "_landmarker", lambda vision, mediapipe, path: made)
        return made

    return use


def test_answers_become_pixels_and_arkit_order(fake):
    landmarker = fake([[0.25], [], [0.5]])
    tracks = landmarks.track(FRAMES, "model", 24000 / 1001, Report())
    assert landmarker.closed and landmarker.times == [0, 42, 83]
    assert tracks.found.tolist() == [True, False, True] and tracks.faces.tolist() == [1, 0, 1]
    assert tracks.landmarks[0, 0] == pytest.approx([20, 30, 8]) and not tracks.landmarks[1].any()
    assert tracks.blendshapes[0, EXPRESSION_NAMES.index("jawOpen")] == pytest.approx(0.25)
    assert tracks.blendshapes[:, EXPRESSION_NAMES.index("tongueOut")].tolist() == [0, 0, 0]
    assert (tracks.transforms[0] == 2 * np.eye(4)).all() and (tracks.transforms[1] == np.eye(4)).all()
    assert tracks.size == (80, 60) and len(tracks) == 3


def test_the_same_face_is_followed_past_another(fake):
    fake([[0.3], [0.9, 0.32], [0.34, 0.8]])
    tracks = landmarks.track(FRAMES, "model", 25.0, Report())
    assert tracks.landmarks[:, 0, 0] == pytest.approx([24, 25.6, 27.2])
    assert tracks.faces.tolist() == [1, 2, 2]


def test_a_bystander_is_left_for_the_larger_face(fake):
    fake([[0.3], [0.3, 0.9], [0.3]])
    small = [0.02, 1.0]  # the second frame's second face is much larger

    def faces(seen, size, real=landmarks._faces):
        found = real(seen, size)
        for face, scale in zip(found if len(found) > 1 else [], small):
            face.landmarks[:] = face.landmarks.mean(0) + scale * 10 * (face.landmarks - face.landmarks.mean(0))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landmarks, "_faces", faces)
        tracks = landmarks.track(FRAMES, "model", 25.0, Report())
    centre = tracks.landmarks[:, :, 0].mean(1) / 80
    assert centre[0] < 0.6 < 0.9 < centre[1]
    assert tracks.others[1].any() and not tracks.others[[0, 2]].any()


def test_no_face_and_cancel_close_the_landmarker(fake):
    landmarker = fake([[], [], []])
    with pytest.raises(InputError, match="No face was found in 3 frames"):
        landmarks.track(FRAMES, "model", 25.0, Report())
    assert landmarker.closed
    landmarker = fake([[0.5]] * 3)
    report = Report()
    report.cancel_event.set()
    with pytest.raises(Cancelled):
        landmarks.track(FRAMES, "model", 25.0, report)
    assert landmarker.closed


def test_without_mediapipe_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(MissingPackageError, match="mediapipe"):
        landmarks.track(FRAMES, "model", 25.0, Report())


needs_mediapipe = pytest.mark.skipif(
    importlib.util.find_spec("mediapipe") is None, reason="needs the package mediapipe, which is not installed here"
)


@needs_mediapipe
def test_a_model_that_is_none(tmp_path):
    with pytest.raises(InputError, match="There is no face landmarker at"):
        landmarks.track(FRAMES, tmp_path / "face.task", 25.0, Report())
    (tmp_path / "face.task").write_bytes(b"no model")
    with pytest.raises(InputError, match="is not a face landmarker"):
        landmarks.track(FRAMES, tmp_path / "face.task", 25.0, Report())


@needs_mediapipe
def test_a_real_film(shared):
    av = pytest.importorskip("av")
    film, model = shared / "data/video/obama_20s.mp4", shared / "data/mediapipe/face_landmarker.task"
    if not (film.is_file() and model.is_file()):
        pytest.skip("needs a film and MediaPipe's face landmarker in ../shared/data")
    with av.open(str(film)) as container:
        frames = (frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
        tracks = landmarks.track(frames, model, 25.0, Report(), total=500)
    assert len(tracks) == 500 and tracks.found.mean() >= 0.99 and (tracks.faces <= 1).all()
    assert 0.2 < np.ptp(tracks.blendshapes[:, EXPRESSION_NAMES.index("jawOpen")]) <= 1
    solve = refine(tracks.landmarks[..., :2], tracks.size, 25.0, tracks.found)
    _sound_is_placed(film, tracks, HeadLandmarks(tracks.landmarks, solve, tracks.found))
    assert solve.reprojection_error_relative < 0.005
    camera = solve.rigid_points @ solve.viewmats[:, :3, :3].transpose(0, 2, 1) + solve.viewmats[:, None, :3, 3]
    solved = camera[..., :2] / camera[..., 2:] * solve.K[0, 0]
    tracked = tracks.landmarks[:, RIGID_LANDMARKS, :2]
    assert np.diff(solved, 2, axis=0).std() < 0.9 * np.diff(tracked, 2, axis=0).std()


def _sound_is_placed(film, tracks, points) -> None:
    """Sound that is moved by so much is found to be moved by as much, to a hundredth of a second."""
    opening = lip_opening(points)
    sound = read_mono(film)
    found = []
    for move in (-0.16, 0.0, 0.08):
        ahead = np.zeros(max(0, round(move * RATE)), np.float32)
        heard = heard_mouth([ahead, sound[max(0, round(-move * RATE)) :]], Report())
        found.append(lip_offset(opening, tracks.found, 25.0, heard) - move)
    assert np.ptp(found) < 0.01

# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks, ARKit scores and head transforms of a face in a film, by MediaPipe's FaceLandmarker.

https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...disk_rows import DiskRows
from ...errors import InputError
from ...protocol import EXPRESSION_NAMES
from ...report import Report
from .model import load_mediapipe

LANDMARKS = 478
# Two, so that a second person in the picture is noticed.
MOST_FACES = 2
# The face that was followed is left for another where it covers less than this share of that one's area.
BYSTANDER = 0.3


@dataclass(frozen=True)
class Face:
    """One face of one frame: a row of FaceTracks."""

    landmarks: np.ndarray
    blendshapes: np.ndarray
    transform: np.ndarray

    @property
    def box(self) -> np.ndarray:
        """(4,) left, top, right and bottom, pixels."""
        return np.concatenate([self.landmarks[:, :2].min(0), self.landmarks[:, :2].max(0)])

    @property
    def area(self) -> float:
        return float(np.ptp(self.landmarks[:, :2], axis=0).prod())


@dataclass
class FaceTracks:
    """What was seen of one face in T frames. Frames without it hold zeros (identity for `transforms`). The first three
    are arrays, or DiskRows where the film may be long.

    Args:
        landmarks: (T, 478, 3) float32, pixels of the frame (x right, y down, pixel centres at +0.5); z is relative
            depth in the same unit, growing away from the camera, 0 near the middle of the head.
        blendshapes: (T, 52) float32 in [0, 1], in the order of EXPRESSION_NAMES; tongueOut is not seen and stays 0.
        transforms: (T, 4, 4) float32, MediaPipe's canonical face (centimetres, x to the face's left, y up, z to the
            front) to its camera (centimetres, x right, y up, z backwards).
        found: (T,) bool, whether a face was seen.
        faces: (T,) int32, how many faces were seen, at most 2.
        others: (T, 4) float32, left, top, right and bottom of the second one, pixels; zeros where there was none.
        size: width and height of the frames, pixels.
    """

    landmarks: np.ndarray | DiskRows
    blendshapes: np.ndarray | DiskRows
    transforms: np.ndarray | DiskRows
    found: np.ndarray
    faces: np.ndarray
    others: np.ndarray
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.landmarks)


def track(
    frames: Iterable[np.ndarray], model_path: str | Path, fps: float, report: Report, total: int = 0
) -> FaceTracks:
    """Follow one face through a film that fits into memory; see `follow`.

    Raises:
        InputError: also where no frame shows a face.
    """
    size = (0, 0)

    def measured() -> Iterator[np.ndarray]:
        nonlocal size
        for frame in frames:
            size = frame.shape[1], frame.shape[0]
            yield frame

    seen = list(follow(measured(), model_path, fps, report, total))
    if not any(seen):
        raise no_face(len(seen))
    return _gather(seen, size)


def follow(
    frames: Iterable[np.ndarray], model_path: str | Path, fps: float, report: Report, total: int = 0, first: int = 0
) -> Iterator[list[Face]]:
    """Yield each frame's faces, the followed one first; an empty list where there is none.

    Where two are seen, the one nearest to the last frame's is followed, in the first frame and past mere bystanders the
    larger one.

    Args:
        frames: (H, W, 3) uint8 RGB pictures of one size, in order.
        model_path: MediaPipe's face_landmarker.task.
        fps: frames per second, to 240.
        total: how many frames to expect, for the progress; 0 if unknown.
        first: number of the first frame, for the progress.

    Raises:
        MissingPackageError: mediapipe is not there.
        InputError: the model cannot be read.
    """
    last, done = None, first
    vision, mediapipe = load_mediapipe()
    landmarker = _landmarker(vision, mediapipe, Path(model_path))
    try:
        for k, frame in enumerate(frames):
            done = first + k
            report.progress("landmarks", done, max(total, done + 1))
            size = frame.shape[1], frame.shape[0]
            picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
            faces = _in_order(_faces(landmarker.detect_for_video(picture, round(1000 * k / fps)), size), last)
            last = faces[0] if faces else last
            yield faces
    finally:
        landmarker.close()  # its destructor runs too late, when the interpreter is half gone
    report.progress("landmarks", done + 1, done + 1)


def no_face(frames: int) -> InputError:
    return InputError(
        f"No face was found in {frames} frames.",
        "The head must be lit, turned to the camera and at least 100 pixels wide.",
    )


def _landmarker(vision, mediapipe, path: Path):
    todo = "Take the face_landmarker.task that comes with the add-on."
    if not path.is_file():
        raise InputError(f"There is no face landmarker at {path}.", todo)
    options = vision.FaceLandmarkerOptions(
        # The bytes and not the path: MediaPipe opens no path with letters beyond ASCII on Windows.
        base_options=mediapipe.tasks.BaseOptions(model_asset_buffer=path.read_bytes()),
        running_mode=vision.RunningMode.VIDEO,
        num_faces=MOST_FACES,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    try:
        return vision.FaceLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"{path} is not a face landmarker ({error}).", todo) from error


def _faces(seen, size: tuple[int, int]) -> list[Face]:
    faces = []
    for points, scores, transform in zip(
        seen.face_landmarks, seen.face_blendshapes, seen.facial_transformation_matrixes
    ):
        pixels = np.array([[p.x, p.y, p.z] for p in points], np.float32) * (size[0], size[1], size[0])
        if pixels.shape == (LANDMARKS, 3):
            faces.append(Face(pixels.astype(np.float32), _expression(scores), np.asarray(transform, np.float32)))
    return faces


def _in_order(faces: list[Face], last: Face | None) -> list[Face]:
    """The face to follow, then the others."""
    faces = sorted(faces, key=lambda face: -face.area)
    if last is None or not faces:
        return faces
    near = min(faces, key=lambda face: np.linalg.norm((face.landmarks - last.landmarks)[:, :2].mean(0)))
    if near.area < BYSTANDER * faces[0].area:
        return faces
    return [near, *(face for face in faces if face is not near)]


def _expression(scores) -> np.ndarray:
    values = {score.category_name: score.score for score in scores}
    return np.array([values.get(name, 0.0) for name in EXPRESSION_NAMES], np.float32)


def _gather(seen: list[list[Face]], size: tuple[int, int]) -> FaceTracks:
    frames = len(seen)
    tracks = FaceTracks(
        np.zeros((frames, LANDMARKS, 3), np.float32),
        np.zeros((frames, len(EXPRESSION_NAMES)), np.float32),
        np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1)),
        np.array([bool(faces) for faces in seen]),
        np.array([len(faces) for faces in seen], np.int32),
        np.zeros((frames, 4), np.float32),
        size,
    )
    for k, faces in enumerate(seen):
        if faces:
            tracks.landmarks[k], tracks.blendshapes[k] = faces[0].landmarks, faces[0].blendshapes
            tracks.transforms[k] = faces[0].transform
        if len(faces) > 1:
            tracks.others[k] = faces[1].box
    return tracks

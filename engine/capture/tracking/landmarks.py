# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks, ARKit scores and head transforms of a face in a film, by MediaPipe's FaceLandmarker.

https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError, MissingPackageError
from ...protocol import EXPRESSION_NAMES
from ...report import Report

LANDMARKS = 478
# Two, so that a second person in the picture is noticed.
MOST_FACES = 2


@dataclass
class FaceTracks:
    """What was seen of one face in T frames. Frames without it hold zeros (identity for `transforms`).

    Args:
        landmarks: (T, 478, 3) float32, pixels of the frame (x right, y down, pixel centres at +0.5); z is relative
            depth in the same unit, growing away from the camera, 0 near the middle of the head.
        blendshapes: (T, 52) float32 in [0, 1], in the order of EXPRESSION_NAMES; tongueOut is not seen and stays 0.
        transforms: (T, 4, 4) float32, MediaPipe's canonical face (centimetres, x to the face's left, y up, z to the
            front) to its camera (centimetres, x right, y up, z backwards).
        found: (T,) bool, whether a face was seen.
        faces: (T,) int32, how many faces were seen, at most 2.
        size: width and height of the frames, pixels.
    """

    landmarks: np.ndarray
    blendshapes: np.ndarray
    transforms: np.ndarray
    found: np.ndarray
    faces: np.ndarray
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.landmarks)


def track(
    frames: Iterable[np.ndarray], model_path: str | Path, fps: float, report: Report, total: int = 0
) -> FaceTracks:
    """Follow one face through a film.

    Where two faces are seen, the one nearest to the last frame's is taken, in the first frame the larger one.

    Args:
        frames: (H, W, 3) uint8 RGB pictures of one size, in order.
        model_path: MediaPipe's face_landmarker.task.
        fps: frames per second, to 240.
        total: how many frames to expect, for the progress; 0 if unknown.

    Raises:
        MissingPackageError: mediapipe is not there.
        InputError: the model cannot be read, or no frame shows a face.
    """
    rows, faces, size = [], [], (0, 0)
    last = None
    vision, mediapipe = _mediapipe()
    landmarker = _landmarker(vision, mediapipe, Path(model_path))
    try:
        for k, frame in enumerate(frames):
            report.progress("landmarks", k, max(total, k + 1))
            size = frame.shape[1], frame.shape[0]
            picture = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(frame))
            seen = landmarker.detect_for_video(picture, round(1000 * k / fps))
            row = _nearest(seen, size, last)
            last = row[0] if row else last
            rows.append(row)
            faces.append(len(seen.face_landmarks))
    finally:
        landmarker.close()  # its destructor runs too late, when the interpreter is half gone
    report.progress("landmarks", len(rows), len(rows))
    if not any(rows):
        raise InputError(
            f"No face was found in {len(rows)} frames.",
            "The head must be lit, turned to the camera and at least 100 pixels wide.",
        )
    return _gather(rows, faces, size)


def _mediapipe():
    try:
        import mediapipe
        from mediapipe.tasks.python import vision
    except ImportError as error:
        raise MissingPackageError(
            f"Faces are tracked with the package mediapipe, which does not load here ({error}).",
            "Reinstall the add-on, or choose an interpreter that has it.",
        ) from error
    return vision, mediapipe


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


def _nearest(seen, size: tuple[int, int], last: np.ndarray | None):
    """(landmarks (478, 3), scores (52,), transform (4, 4)) of the face to follow, or None."""
    best = None
    for points, scores, transform in zip(
        seen.face_landmarks, seen.face_blendshapes, seen.facial_transformation_matrixes
    ):
        pixels = np.array([[p.x, p.y, p.z] for p in points], np.float32) * (size[0], size[1], size[0])
        if pixels.shape != (LANDMARKS, 3):
            continue
        box = np.ptp(pixels[:, :2], axis=0)
        distance = -box.prod() if last is None else np.linalg.norm((pixels - last)[:, :2].mean(0))
        if best is None or distance < best[0]:
            best = distance, (pixels.astype(np.float32), _expression(scores), np.asarray(transform, np.float32))
    return best[1] if best else None


def _expression(scores) -> np.ndarray:
    values = {score.category_name: score.score for score in scores}
    return np.array([values.get(name, 0.0) for name in EXPRESSION_NAMES], np.float32)


def _gather(rows: list, faces: list[int], size: tuple[int, int]) -> FaceTracks:
    frames = len(rows)
    tracks = FaceTracks(
        np.zeros((frames, LANDMARKS, 3), np.float32),
        np.zeros((frames, len(EXPRESSION_NAMES)), np.float32),
        np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1)),
        np.array([row is not None for row in rows]),
        np.array(faces, np.int32),
        size,
    )
    for k, row in enumerate(rows):
        if row is not None:
            tracks.landmarks[k], tracks.blendshapes[k], tracks.transforms[k] = row
    return tracks

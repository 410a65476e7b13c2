# SPDX-License-Identifier: GPL-3.0-or-later
"""A data set's cameras about the head, in the head's frame and metres: by landmarks where there are any."""

from dataclasses import dataclass

import numpy as np

from ...report import Report
from ..tracking.cameras import EYE_CORNERS
from ..tracking.rigid_face import (
    CANONICAL, CANONICAL_ORIGIN, CANONICAL_TO_HEAD, RIGID_LANDMARKS, rigid_canonical,
)  # fmt: skip
from .data_set import DataSet, World
from .face_fit import Views
from .faces import Faces
from .geometry import Canvas
from .head_frame import FRONTAL, HeadFrame, aside, find_head, looked_at, viewmats_in
from .strangers import picture_size, read_points

# Landmarks of the 68 that lie where rigid ones of MediaPipe's do: eye corners, bridge and tip of the nose.
POINTS_68 = {36: 33, 39: 133, 42: 362, 45: 263, 27: 168, 28: 197, 29: 195, 30: 4}
EYES_68 = ((0, 1), (2, 3))
# Between the ears as seen from the face model's origin, in canonical axes (left, up, front), metres: the mean of a
# face's surface lies about 3.5 cm below the eyes' corners and 3 behind them, the ears 1.6 below and 7.5 behind.
FACE_MODEL_ORIGIN = np.array([0.0, 0.019, -0.045])
TRUSTED = 0.06  # misfit over the face's width beyond which landmarks are another thing than this face
PLAUSIBLE_METRES = (0.2, 5.0)  # how far cameras stand from a head
TYPICAL_METRES = 1.0


@dataclass
class HeadCameras:
    """Cameras about the head of P pictures.

    Args:
        viewmats: (P, 4, 4) float64, head to camera, OpenCV axes, metres.
        Ks: (P, 3, 3) float64, pixels of the canvas.
        points: (R, 3) metres, the landmarks of RIGID_LANDMARKS in the head's frame.
        error_relative: root mean square distance of rigid landmarks from projections over the face's width, of views
            from the front; None without one.
    """

    viewmats: np.ndarray
    Ks: np.ndarray
    points: np.ndarray
    error_relative: float | None = None


def head_cameras(data_set: DataSet, canvas: Canvas, faces: Faces, report: Report) -> HeadCameras:
    """Cameras in the head's frame. Faces that do not fit them are taken out of `faces`."""
    poses = np.stack([picture.pose for picture in data_set.pictures])
    Ks = np.stack([canvas.intrinsics(picture) for picture in data_set.pictures])
    moments = np.array([picture.frame for picture in data_set.pictures])
    points = 0.01 * (rigid_canonical() - CANONICAL_ORIGIN) @ CANONICAL_TO_HEAD.T
    if faces.found.any():
        at = {landmark: k for k, landmark in enumerate(RIGID_LANDMARKS)}
        eyes = tuple(tuple(at[corner] for corner in corners) for corners in EYE_CORNERS)
        observed = faces.landmarks[:, RIGID_LANDMARKS, :2].astype(np.float64)
        views = Views(observed, Ks, poses, moments, rigid_canonical(), eyes)
        if data_set.world is World.HEAD:
            frame = HeadFrame(1.0, moments[:1], np.eye(3)[None], np.zeros((1, 3)), points)
        else:
            frame = find_head(views.chosen(faces.found), data_set.world is World.UNKNOWN, report)
        misfits = frame.misfits(views)
        if data_set.world is not World.HEAD:
            faces.found &= misfits < TRUSTED
        viewmats = frame.viewmats(poses, moments)
        counts = faces.found & (aside(viewmats) < FRONTAL)  # further aside the tracker errs, not the cameras
        error = float(np.sqrt((misfits[counts] ** 2).mean())) if counts.any() else None
        return HeadCameras(viewmats, Ks, frame.points, error)
    if data_set.world is World.HEAD:
        return HeadCameras(np.linalg.inv(poses), Ks, points)
    rows, observed = _points_68(data_set, canvas)
    if len(rows):
        canonical = np.array([CANONICAL[landmark] for landmark in POINTS_68.values()])
        views = Views(observed, Ks[rows], poses[rows], moments[rows], canonical, EYES_68)
        frame = find_head(views, data_set.world is World.UNKNOWN, report)
        error = float(np.sqrt((frame.misfits(views) ** 2).mean()))
        return HeadCameras(frame.viewmats(poses, moments), Ks, points, error)
    return HeadCameras(_assumed(data_set, poses, report), Ks, points)


def _points_68(data_set: DataSet, canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Rows with a file of landmarks, and (V, 8, 2) pixels of the canvas."""
    rows = [row for row, picture in enumerate(data_set.pictures) if picture.points is not None]
    observed = [points_on_canvas(data_set.pictures[row], canvas)[list(POINTS_68)] for row in rows]
    return np.array(rows, int), np.array(observed).reshape(len(rows), len(POINTS_68), 2)


def points_on_canvas(picture, canvas: Canvas) -> np.ndarray:
    """(68, 2) pixels of the canvas from a picture's file of landmarks."""
    return read_points(picture.points, 68) * np.divide(canvas.scaled(picture.size), picture_size(picture.path))


def _assumed(data_set: DataSet, poses: np.ndarray, report: Report) -> np.ndarray:
    """(P, 4, 4) viewmats where no landmark tells where the head is."""
    if data_set.world is World.FACE_MODEL:
        report.warning(
            f"No landmarks of {data_set.name} were found: its face model is taken to be of usual size, the middle "
            "between the ears 4.5 cm behind its origin."
        )
        # The face model's axes are the canonical face's.
        return viewmats_in(poses, CANONICAL_TO_HEAD.T[None], FACE_MODEL_ORIGIN[None], 1.0)
    rotation, origin = looked_at(poses)
    distance = float(np.median(np.linalg.norm(poses[:, :3, 3] - origin, axis=1)))
    plausible = PLAUSIBLE_METRES[0] <= distance <= PLAUSIBLE_METRES[1]
    metres = 1.0 if plausible else TYPICAL_METRES / max(distance, 1e-9)
    unit = "its unit to be a metre" if plausible else "its cameras to stand a metre away"
    report.warning(
        f"No face of {data_set.name} could be followed: the head is taken to be where its cameras look, upright as "
        f"they are and turned to their middle, and {unit}."
    )
    return viewmats_in(poses, rotation[None], origin[None], metres)

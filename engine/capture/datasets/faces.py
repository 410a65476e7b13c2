# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces in a data set's pictures, tracked camera by camera as films are, and what they say of the expression."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import InputError, MissingModelError, MissingPackageError
from ...protocol import EXPRESSION_NAMES
from ...report import Report
from ..tracking.cameras import CameraSolve
from ..tracking.codes import HeadLandmarks, expression_basis, gaze
from ..tracking.landmarks import LANDMARKS, track
from ..tracking.model import face_landmarker_path
from .data_set import DataSet
from .geometry import Canvas
from .head_frame import aside
from .strangers import read_picture


@dataclass
class Faces:
    """What was seen in P pictures; rows without a face hold zeros.

    Args:
        landmarks: (P, 478, 3) float32, pixels of the canvas and MediaPipe's relative depth.
        blendshapes: (P, 52) float32 in [0, 1].
        found: (P,) bool.
    """

    landmarks: np.ndarray
    blendshapes: np.ndarray
    found: np.ndarray


@dataclass
class Expressions:
    """(P, ...) float32 what the face does in every picture; pictures of one moment share it.

    Args:
        expression: (P, 52) ARKit weights.
        gaze: (P, 2) as in Capture.
        codes: (P, C), or None where no face was tracked.
    """

    expression: np.ndarray
    gaze: np.ndarray
    codes: np.ndarray | None


def face_model(report: Report) -> Path | None:
    """The face model, or a warning: data sets can do without."""
    try:
        return face_landmarker_path()
    except MissingModelError as error:
        report.warning(f"Faces are not tracked: {error}")
        return None


def track_faces(data_set: DataSet, canvas: Canvas, model: Path | None, report: Report) -> Faces:
    """Landmarks and scores of every picture. Without a model or MediaPipe nothing is found.

    Raises:
        FormatError: a picture that is none.
    """
    count = len(data_set.pictures)
    faces = Faces(
        np.zeros((count, LANDMARKS, 3), np.float32), np.zeros((count, len(EXPRESSION_NAMES)), np.float32),
        np.zeros(count, bool),
    )  # fmt: skip
    if model is None:
        return faces
    try:
        for _, rows in rows_by_camera(data_set):
            part = _part_of(report, int(rows[0]), count)
            try:
                tracks = track(_images(data_set, canvas, rows), model, float(data_set.fps), part, len(rows))
            except InputError:  # a camera behind the head
                continue
            faces.landmarks[rows], faces.blendshapes[rows] = tracks.landmarks, tracks.blendshapes
            faces.found[rows] = tracks.found
    except MissingPackageError as error:
        report.warning(f"Faces are not tracked: {error}")
    return faces


def rows_by_camera(data_set: DataSet) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each camera with the rows of its pictures, which follow each other."""
    cameras = np.array([picture.camera for picture in data_set.pictures])
    for camera in np.unique(cameras):
        yield int(camera), np.flatnonzero(cameras == camera)


def expressions(
    data_set: DataSet, faces: Faces, viewmats: np.ndarray, Ks: np.ndarray, points: np.ndarray
) -> Expressions:
    """What the face does in every picture: what the camera sees that looks at it most from the front.

    At moments without a face it is what the set's own table says, or goes straight from what was seen before to what is
    seen after.

    Args:
        viewmats, Ks: (P, 4, 4) head to camera, and (P, 3, 3).
        points: (R, 3) metres, the rigid landmarks in the head's frame.
    """
    count, moments = len(faces.found), np.array([picture.frame for picture in data_set.pictures])
    if not faces.found.any():
        own = data_set.expression
        return Expressions(own if own is not None else np.zeros_like(faces.blendshapes), np.zeros((count, 2)), None)
    in_head = np.zeros((count, LANDMARKS, 3), np.float32)
    looks = np.zeros((count, 2), np.float32)
    for _, rows in rows_by_camera(data_set):
        found = faces.found[rows]
        if not found.any():
            continue
        landmarks, K = _as_one_lens(faces.landmarks[rows], Ks[rows])
        solve = CameraSolve(viewmats[rows], K, points, 0.0, np.zeros(len(rows), np.float32), 0.0, 0.0)
        in_head[rows] = HeadLandmarks(landmarks, solve, found)[:]
        looks[rows] = gaze(in_head[rows], solve, found)
    times, best = _most_frontal(moments, faces.found, viewmats)
    seen = in_head[best]
    codes = expression_basis(seen, np.ones(len(seen), bool)).encode(seen)
    expression = _between(moments, times, faces.blendshapes[best])
    if data_set.expression is not None:
        unseen = ~np.isin(moments, times)
        expression[unseen] = data_set.expression[unseen]
    return Expressions(expression, _between(moments, times, looks[best]), _between(moments, times, codes))


def _images(data_set: DataSet, canvas: Canvas, rows: np.ndarray) -> Iterator[np.ndarray]:
    for row in rows:
        picture = data_set.pictures[row]
        yield canvas.image(picture, read_picture(picture.path, picture.size))[..., :3]


def _part_of(report: Report, first: int, total: int) -> Report:
    """A report of one camera whose progress counts among all pictures."""
    return Report(
        on_progress=lambda stage, done, part, eta: report.progress(stage, first + done, total),
        on_warning=report.warning, cancel_event=report.cancel_event,
    )  # fmt: skip


def _as_one_lens(landmarks: np.ndarray, Ks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Landmarks (T, 478, 3) as the first picture's lens had shown them, and its K."""
    K = Ks[0]
    zoom = K[[0, 1], [0, 1]] / Ks[:, [0, 1], [0, 1]]
    result = landmarks.astype(np.float64)
    result[..., :2] = (result[..., :2] - Ks[:, None, :2, 2]) * zoom[:, None] + K[:2, 2]
    result[..., 2] *= zoom[:, :1]
    return result, K


def _most_frontal(moments: np.ndarray, found: np.ndarray, viewmats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The moments at which a face was seen, sorted, and the row that shows it best."""
    rows = np.flatnonzero(found)
    rows = rows[np.lexsort((aside(viewmats[rows]), moments[rows]))]
    times, first = np.unique(moments[rows], return_index=True)
    return times, rows[first]


def _between(moments: np.ndarray, times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(P, C) float32 of values (T, C) at sorted times, straight between them."""
    columns = [np.interp(moments, times, values[:, column]) for column in range(values.shape[1])]
    return np.stack(columns, axis=1).astype(np.float32)

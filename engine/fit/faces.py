# SPDX-License-Identifier: GPL-3.0-or-later
"""What a face tracker sees in drawn pictures and in the true ones: MediaPipe's landmarks and scores, side by side."""

from collections.abc import Iterable, Iterator

import numpy as np

from ..capture.face_geometry import INNER_LIPS, LEFT_EYE, OUTER_LIPS, RIGHT_EYE, face_width
from ..capture.tracking.landmarks import follow
from ..capture.tracking.model import face_landmarker_path
from ..report import Report
from .metrics import correlation, frechet_distance

LIPS = list(OUTER_LIPS + INNER_LIPS)
UPPER_LIP, LOWER_LIP, CORNERS = 13, 14, (61, 291)
LIDS = ((159, 145), (386, 374))
SIDE = 256  # pixels of the picture that distances are given for


class SeenFaces:
    """What was seen of a head and of its capture, picture by picture; those where either shows no face are left out."""

    def __init__(self) -> None:
        self.drawn, self.true, self.pictures = [], [], 0
        self.kept: list[int] = []

    def add(self, drawn, true) -> None:
        if drawn and true:
            self.drawn.append(drawn[0])
            self.true.append(true[0])
            self.kept.append(self.pictures)
        self.pictures += 1

    def measures(self, longer_side: int) -> dict[str, float | None]:
        """The numbers by their names in `evaluate`'s result.

        Args:
            longer_side: of the pictures, in pixels.
        """
        names = ("lmd", "lmd_face", "aue", "e_fid", "opening_correlation", "blink_correlation")
        if len(self.drawn) < 2:
            return dict.fromkeys(names) | {"faces_found": len(self.drawn) / max(self.pictures, 1)}
        drawn, true = (np.stack([face.landmarks[:, :2] for face in faces]) for faces in (self.drawn, self.true))
        off = np.linalg.norm(drawn - true, axis=2) * SIDE / longer_side
        scores = [np.stack([face.blendshapes for face in faces]) for faces in (self.drawn, self.true)]
        return {
            "lmd": float(off[:, LIPS].mean()), "lmd_face": float(off.mean()),
            "aue": float(np.abs(scores[0] - scores[1]).mean()), "e_fid": frechet_distance(*scores),
            "opening_correlation": correlation(opening(drawn), opening(true)),
            "blink_correlation": correlation(lids(drawn), lids(true)),
            "faces_found": len(self.drawn) / self.pictures,
        }  # fmt: skip

    def lips(self, faces: list) -> tuple[np.ndarray, np.ndarray]:
        """(T,) the gap between the lips of `drawn` or `true` faces and (T,) the mouth's width, in face widths."""
        points = np.stack([face.landmarks[:, :2] for face in faces])
        width = np.linalg.norm(points[:, CORNERS[0]] - points[:, CORNERS[1]], axis=1)
        return opening(points), width / np.array([face_width(face) for face in points])


def opening(points: np.ndarray) -> np.ndarray:
    """(T,) gap between the lips in face widths, of (T, 478, 2)."""
    gap = np.linalg.norm(points[:, UPPER_LIP] - points[:, LOWER_LIP], axis=1)
    return gap / np.array([face_width(face) for face in points])


def lids(points: np.ndarray) -> np.ndarray:
    """(T,) gap between the lids over the eyes' width, of (T, 478, 2)."""
    gaps = [
        np.linalg.norm(points[:, upper] - points[:, lower], axis=1)
        / np.linalg.norm(points[:, eye[0]] - points[:, eye[8]], axis=1)
        for (upper, lower), eye in zip(LIDS, (RIGHT_EYE, LEFT_EYE))
    ]
    return np.mean(gaps, axis=0)


def track_both(pairs: Iterable[tuple[np.ndarray, np.ndarray]], fps: float) -> Iterator[tuple[list, list]]:
    """Yield the faces of each pair of (H, W, 3) float32 pictures, drawn and true.

    Raises:
        MissingModelError, MissingPackageError: what tracks faces is not there.
    """
    model, quiet, latest = face_landmarker_path(), Report(), None

    def drawn() -> Iterator[np.ndarray]:
        nonlocal latest
        for latest in pairs:
            yield _bytes(latest[0])

    def true() -> Iterator[np.ndarray]:
        while True:  # asked after `drawn`, picture by picture
            yield _bytes(latest[1])

    yield from zip(follow(drawn(), model, fps, quiet), follow(true(), model, fps, quiet))


def _bytes(picture: np.ndarray) -> np.ndarray:
    return (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)

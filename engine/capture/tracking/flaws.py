# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of a film a head should not be fitted from, and why; where one shot ends and the next begins."""

from dataclasses import dataclass, fields

import numpy as np
from PIL import Image

from ...disk_rows import DiskRows, blocks
from ..capture import directions
from .cameras import FACE_SIDES, CameraSolve
from .landmarks import FaceTracks
from .rigid_face import RIGID_LANDMARKS

THUMBNAIL = 32
# A cut: the mean change of the picture's grey values from one frame to the next, against that of the frames around it.
CUT_CHANGE, CUT_RATIO, CUT_WINDOW = 10.0, 4.0, 12
SMALLEST_FACE = 100.0  # pixels
PORTRAIT = 1.4  # face widths from the face's middle to a portrait's edges
MOST_YAW, MOST_PITCH = np.radians(50), np.radians(40)
SLIPPED_RATIO, SLIPPED_WIDTH = 3.0, 0.015  # residual over the clip's median, and over the face's width
BLURRED_RATIO = 0.35  # sharpness over the clip's median
FACE_SAMPLES = 128  # side of the face's box when its sharpness is measured


@dataclass
class Flaws:
    """(T,) bool each; a frame may have several.

    Args:
        missing: no face was found.
        others: a second face is so near that a portrait of the first would show it.
        cut_off: the face leaves the picture.
        small: the face is narrower than 100 pixels.
        profile: turned from the camera by more than 50 degrees sideways or 40 up or down.
        slipped: landmarks do not fit a rigid head there: something is before the face, or the tracker slipped.
        covered: something else than skin is where skin usually is.
        blurred: much less sharp than the clip's other frames.
    """

    missing: np.ndarray
    others: np.ndarray
    cut_off: np.ndarray
    small: np.ndarray
    profile: np.ndarray
    slipped: np.ndarray
    covered: np.ndarray
    blurred: np.ndarray

    @property
    def usable(self) -> np.ndarray:
        """(T,) bool, frames without a flaw."""
        return ~np.any([getattr(self, field.name) for field in fields(self)], axis=0)

    def counts(self) -> dict[str, int]:
        return {field.name: int(getattr(self, field.name).sum()) for field in fields(self)}

    def first(self) -> np.ndarray:
        """(T,) object, the name of each frame's first flaw, or ""."""
        names = np.full(len(self.missing), "", object)
        for field in reversed(fields(self)):
            names[getattr(self, field.name)] = field.name
        return names


# What completes "left out because ..." of each flaw.
REASONS = {
    "missing": "no face was found",
    "others": "another person is in the picture",
    "cut_off": "the face leaves the picture",
    "small": f"the face is narrower than {SMALLEST_FACE:.0f} pixels",
    "profile": "the face is turned too far from the camera",
    "slipped": "the face is covered or was tracked badly",
    "covered": "something is before the face",
    "blurred": "the face is blurred",
}


def thumbnail(frame: np.ndarray) -> np.ndarray:
    """(32, 32) uint8 grey picture of an (H, W, 3) uint8 frame."""
    small = Image.fromarray(frame).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX)
    return np.asarray(small.convert("L"))


def find_cuts(thumbnails: np.ndarray | DiskRows) -> np.ndarray:
    """Frames that begin a new shot, (C,) int64, from the pictures (T, 32, 32) that `thumbnail` made."""
    change = np.empty(max(len(thumbnails) - 1, 0))
    for part in blocks(len(change)):
        some = thumbnails[part.start : part.stop + 1].astype(np.int16)
        change[part] = np.abs(np.diff(some, axis=0)).mean((1, 2))
    cuts = []
    for k in np.flatnonzero(change > CUT_CHANGE):
        around = np.delete(change[max(k - CUT_WINDOW, 0) : k + CUT_WINDOW + 1], min(k, CUT_WINDOW))
        if not len(around) or change[k] > CUT_RATIO * np.median(around):
            cuts.append(k + 1)
    return np.array(cuts, np.int64)


def sharpness(frame: np.ndarray, landmarks: np.ndarray) -> float:
    """How much fine detail the face has, whatever its size and light: the variance of the Laplacian over that of the
    picture (Pech-Pacheco et al.: Diatom autofocusing in brightfield microscopy, 2000), inside the face's box.

    Args:
        frame: (H, W, 3) uint8.
        landmarks: (478, 2 or more) pixels.
    """
    low = np.clip(np.floor(landmarks[:, :2].min(0)).astype(int), 0, None)
    high = np.ceil(landmarks[:, :2].max(0)).astype(int)
    box = frame[low[1] : high[1], low[0] : high[0]]
    if min(box.shape[:2]) < 8:
        return 0.0
    grey = _area_resized(_grey(box), FACE_SAMPLES)
    inner = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * inner
    return float(laplacian.var() / max(inner.var(), 1e-6))


def find_flaws(
    tracks: FaceTracks, solve: CameraSolve, sharpnesses: np.ndarray | None = None, hidden: np.ndarray | None = None
) -> Flaws:
    """Judge every frame.

    Args:
        tracks: of T frames.
        solve: their cameras.
        sharpnesses: (T,) from `sharpness`, any number where no face was found; None: not measured.
        hidden: (T,) bool from `covering.covered`; None: not looked for.
    """
    found, outside = tracks.found, np.zeros(len(tracks), bool)
    for part in blocks(len(tracks)):
        points = tracks.landmarks[part][..., :2]
        outside[part] = (points < 0).any((1, 2)) | (points > np.array(tracks.size)).any((1, 2))
    width = face_widths(solve)
    yaw, pitch = directions(solve.viewmats)
    usual = np.median(solve.residuals[found]) if found.any() else 0.0
    blurred = np.zeros(len(found), bool)
    if sharpnesses is not None and found.any():
        blurred = sharpnesses < BLURRED_RATIO * np.median(sharpnesses[found])
    return Flaws(
        missing=~found,
        others=found & _others_near(tracks, width),
        cut_off=found & outside,
        small=found & (width < SMALLEST_FACE),
        profile=found & ((np.abs(yaw) > MOST_YAW) | (np.abs(pitch) > MOST_PITCH)),
        slipped=found & (solve.residuals > np.maximum(SLIPPED_RATIO * usual, SLIPPED_WIDTH * width)),
        covered=found & (np.zeros(len(found), bool) if hidden is None else hidden),
        blurred=found & blurred,
    )


def face_widths(solve: CameraSolve) -> np.ndarray:
    """(T,) pixels from side to side as seen from the front, however the face is turned."""
    sides = np.searchsorted(RIGID_LANDMARKS, FACE_SIDES)
    width = np.linalg.norm(np.subtract(*solve.rigid_points[sides]))
    return width * solve.K[0, 0] / np.maximum(solve.viewmats[:, 2, 3], 1e-6)


def _others_near(tracks: FaceTracks, width: np.ndarray) -> np.ndarray:
    """(T,) bool, whether the second face reaches into a portrait of the first."""
    frames = np.flatnonzero(tracks.faces > 1)
    near = np.zeros(len(tracks), bool)
    for part in blocks(len(frames)):
        some = frames[part]
        centre, reach = tracks.landmarks[some][..., :2].mean(1), PORTRAIT * width[some, None]
        near[some] = ((tracks.others[some, 2:] > centre - reach) & (tracks.others[some, :2] < centre + reach)).all(1)
    return near


def _grey(frame: np.ndarray) -> np.ndarray:
    return frame.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def _area_resized(grey: np.ndarray, side: int) -> np.ndarray:
    """(side, side) means over equal cells of (H, W); cells of small pictures share pixels."""
    for axis in (0, 1):
        length = grey.shape[axis]
        edges = np.linspace(0, length, side + 1)
        total = np.concatenate([np.zeros_like(grey.take([0], axis)), grey.cumsum(axis, dtype=np.float64)], axis)
        whole = np.minimum(edges.astype(int), length - 1)
        share = (edges - whole).reshape([-1, 1] if axis == 0 else [1, -1])
        at_edges = total.take(whole, axis) * (1 - share) + total.take(whole + 1, axis) * share
        grey = np.diff(at_edges, axis=axis) * side / length
    return grey

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which square of a film becomes a capture's picture: head, hair and shoulders.

It stands still through a shot, so that the background does, too; where the head travels far it follows slowly. The
head's camera is the film's: only the pinhole matrix changes with the square.
"""

import numpy as np

from ..disk_rows import DiskRows, blocks
from .face_geometry import FACE_OVAL, face_width

# Around the middle of the face's oval, in face widths: to each side, up over the hair, down over the shoulders.
SIDEWAYS, UP, DOWN = 1.35, 1.25, 1.45
# A square that stands still may be this much larger than one that follows; and where the picture is too small for it,
# it may lack this much.
STILL, LACKING = 1.35, 1.15
FOLLOW_SECONDS = 1.0  # standard deviation of the Gaussian by which a following square is smoothed
SPARE = 1.1  # a following square is larger than needed, since the head sways faster than it does


def shot_squares(landmarks: np.ndarray | DiskRows, frames: np.ndarray, size: tuple[int, int], fps: float) -> np.ndarray:
    """The square of each frame of one shot, within the film's picture.

    Args:
        landmarks: (T, 478, 2 or more) pixels.
        frames: (n,) those of the shot that are used, rising.
        size: the film's width and height.

    Returns:
        (n, 3) float64 left, top and side, pixels.
    """
    regions = np.empty((len(frames), 4))
    for part in blocks(len(frames)):
        regions[part] = [_region(points[:, :2]) for points in landmarks[frames[part]]]
    low, high = regions[:, :2].min(0), regions[:, 2:].max(0)
    needed = np.max(regions[:, 2:] - regions[:, :2], axis=1)
    side = max(high - low)
    if side <= (STILL if side <= min(size) else LACKING) * np.median(needed):
        squares = np.tile([*(low + high - side) / 2, side], (len(frames), 1))
    else:
        centres = (regions[:, :2] + regions[:, 2:]) / 2
        paths = _smooth(np.column_stack([centres, SPARE * needed]), frames, FOLLOW_SECONDS * fps)
        squares = np.column_stack([paths[:, :2] - paths[:, 2:] / 2, paths[:, 2]])
    return _inside(squares, size)


def cropped_camera(K: np.ndarray, squares: np.ndarray, size: int) -> np.ndarray:
    """(n, 3, 3) float32 pinhole matrices of squares (n, 3) of a film whose own is K, resized to `size` pixels."""
    scale = size / squares[:, 2]
    Ks = np.tile(np.asarray(K, np.float64), (len(squares), 1, 1))
    Ks[:, :2, 2] -= squares[:, :2]
    Ks[:, :2] *= scale[:, None, None]
    return Ks.astype(np.float32)


def cropped_points(points: np.ndarray, squares: np.ndarray, size: int) -> np.ndarray:
    """Pixels of the film (n, P, 2 or more) as pixels of its squares (n, 3), resized to `size`: (n, P, 2) float32."""
    moved = points[..., :2] - squares[:, None, :2]
    return (moved * (size / squares[:, None, 2:])).astype(np.float32)


def _region(points: np.ndarray) -> np.ndarray:
    """(4,) left, top, right and bottom of what a portrait of a face should hold."""
    middle = points[list(FACE_OVAL)].mean(0)
    width = face_width(points)
    return np.concatenate([middle - width * np.array([SIDEWAYS, UP]), middle + width * np.array([SIDEWAYS, DOWN])])


def _smooth(paths: np.ndarray, frames: np.ndarray, sigma: float) -> np.ndarray:
    """(n, C) paths at rising frames, smoothed over time by a Gaussian of `sigma` frames."""
    every = np.arange(frames[0], frames[-1] + 1)
    reach = int(np.ceil(3 * sigma))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(sigma, 1e-6)) ** 2)
    kernel /= kernel.sum()
    smooth = []
    for path in paths.T:
        # Turned over at both ends, so that a head that is moving when the shot begins or ends stays in the middle.
        longer = np.pad(np.interp(every, frames, path), reach, mode="reflect", reflect_type="odd")
        smooth.append(np.convolve(longer, kernel, "valid"))
    return np.stack(smooth, axis=1)[frames - frames[0]]


def _inside(squares: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Squares moved, and where they must be shrunk, into the picture."""
    middle = squares[:, :2] + squares[:, 2:] / 2
    side = np.minimum(squares[:, 2:], min(size))
    corner = np.clip(middle - side / 2, 0, np.array(size, np.float64) - side)
    return np.column_stack([corner, side])

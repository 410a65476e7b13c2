# SPDX-License-Identifier: GPL-3.0-or-later
"""What ARKit's 52 scores miss: how mouth, lids and brows lie, as components of their landmarks with the head's pose
removed; and where the eyes look.

The scores are rough about the shape of lips (two of its components can be told from them), so a head that is driven by
scores alone speaks vaguely.
"""

from dataclasses import dataclass

import numpy as np

from ...disk_rows import DiskRows, blocks
from .cameras import EYE_CORNERS, CameraSolve
from .rigid_face import RIGID_LANDMARKS

COMPONENTS = 20
SAMPLES = 2000  # frames, spread over a clip, whose median stands for the clip's
COLUMNS = 64  # landmarks whose medians are taken at once
LEAST_VARIANCE = 1e-12  # square metres; landmarks are float32 numbers
# MediaPipe's FACEMESH_LIPS, both eyes' rims and both brows.
LIPS = (
    0, 13, 14, 17, 37, 39, 40, 61, 78, 80, 81, 82, 84, 87, 88, 91, 95, 146, 178, 181, 185, 191, 267, 269, 270, 291,
    308, 310, 311, 312, 314, 317, 318, 321, 324, 375, 402, 405, 409, 415,
)
JAW = (18, 83, 152, 148, 176, 200, 199, 175, 201, 208, 313, 377, 400, 421, 428)
RIGHT_LIDS = (7, 33, 133, 144, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 173, 246)
LEFT_LIDS = (249, 263, 362, 373, 374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 398, 466)
RIGHT_BROW = (46, 52, 53, 55, 63, 65, 66, 70, 105, 107)
LEFT_BROW = (276, 282, 283, 285, 293, 295, 296, 300, 334, 336)
EXPRESSIVE_LANDMARKS = np.array(sorted(LIPS + JAW + RIGHT_LIDS + LEFT_LIDS + RIGHT_BROW + LEFT_BROW))

UPPER_AND_LOWER_LIP = [13, 14]  # the middles of the inner lips' rims
# (middle of the upper lid, of the lower lid, centre of the iris) of the right and the left eye.
LIDS_AND_IRIS = ((159, 145, 468), (386, 374, 473))
# The same, after the outer and the inner corner: five of the right eye, five of the left.
EYE_LANDMARKS = np.array([(*corners, *lids) for corners, lids in zip(EYE_CORNERS, LIDS_AND_IRIS)]).ravel()
EYEBALL_RADIUS = 0.012  # metres (Bekerman, Gottlieb, Vaiman: Variations in eyeball diameters, 2014)
CLOSED = 0.18  # opening over the eye's width below which the iris is not seen
MOST_YAW, MOST_PITCH = 0.9, 0.6  # radians that eyes turn


@dataclass
class ExpressionBasis:
    """What codes mean: landmarks = mean + scale * codes @ basis. Codes of a new clip of the same person come from the
    same basis.

    Args:
        mean: (n, 3) float32, metres, head's frame, in the order of EXPRESSIVE_LANDMARKS.
        basis: (k, n, 3) float32, orthonormal rows.
        scale: metres, standard deviation of the first component: codes are of order 1.
    """

    mean: np.ndarray
    basis: np.ndarray
    scale: float

    def encode(self, points: np.ndarray) -> np.ndarray:
        """(T, 478, 3) landmarks in the head's frame, as an array or HeadLandmarks, to (T, k) float32 codes."""
        codes = np.empty((len(points), len(self.basis)), np.float32)
        for part in blocks(len(points)):
            offsets = points[part, EXPRESSIVE_LANDMARKS] - self.mean
            codes[part] = np.einsum("tni,kni->tk", offsets, self.basis, optimize=True) / self.scale
        return codes


class HeadLandmarks:
    """Landmarks with the pose removed: (T, 478, 3) float32 metres in the head's frame, made for the frames that are
    asked for. Frames without a face hold the median.

    A picture does not tell a landmark's depth; each is taken at the depth that its median over the clip has in that
    frame. So what is left is where a landmark appears on the face, not how far it protrudes.

    Args:
        landmarks: (T, 478, 3) pixels, as `landmarks.track` gives them.
        solve: their cameras.
        found: (T,) bool.
    """

    def __init__(self, landmarks: np.ndarray | DiskRows, solve: CameraSolve, found: np.ndarray) -> None:
        self._landmarks, self._solve, self._found = landmarks, solve, found
        seen = np.flatnonzero(found)
        seen = seen[np.unique(np.linspace(0, len(seen) - 1, min(len(seen), SAMPLES)).round().astype(int))]
        self._median = _median(landmarks, solve, seen)
        samples = np.empty((len(seen), len(self._median), 3), np.float32)
        for part in blocks(len(seen)):
            samples[part] = self._made(seen[part], ...)
        self._missing = np.median(samples, axis=0, overwrite_input=True)

    def __len__(self) -> int:
        return len(self._landmarks)

    def __getitem__(self, key) -> np.ndarray:
        """By frames, or by frames (a slice) and landmarks (an array), as an array is indexed."""
        frames, which = key if isinstance(key, tuple) else (key, ...)
        points = self._made(frames, which)
        points[~self._found[frames]] = self._missing[which]
        return points

    def _made(self, frames, which) -> np.ndarray:
        viewmats, median = self._solve.viewmats[frames], self._median[which]
        rotations, translations = viewmats[:, :3, :3], viewmats[:, None, :3, 3]
        depths = (median @ rotations.transpose(0, 2, 1) + translations)[..., 2]
        rays = _rays(self._landmarks[frames][:, which], self._solve)
        return ((rays * depths[..., None] - translations) @ rotations).astype(np.float32)


def _rays(landmarks: np.ndarray, solve: CameraSolve) -> np.ndarray:
    """(T, n, 3) directions in the camera, of depth 1."""
    rays = (landmarks[..., :2] - solve.K[:2, 2]) / solve.K[[0, 1], [0, 1]]
    return np.concatenate([rays, np.ones_like(rays[..., :1])], -1)


def _median(landmarks: np.ndarray, solve: CameraSolve, seen: np.ndarray) -> np.ndarray:
    """(478, 3) metres, of the frames `seen`: MediaPipe's own relative depths, scaled as pixels are at the head's
    distance, are good enough for it."""
    rotations, translations = solve.viewmats[seen, :3, :3], solve.viewmats[seen, None, :3, 3]
    middle = solve.rigid_points.mean(0) @ rotations[:, 2].T + solve.viewmats[seen, 2, 3]
    some = landmarks[seen]
    level = some[:, RIGID_LANDMARKS, 2].mean(1, keepdims=True)
    medians = []
    for part in blocks(some.shape[1], COLUMNS):
        depths = middle[:, None] * (1 + (some[:, part, 2] - level) / solve.K[0, 0])
        points = (_rays(some[:, part], solve) * depths[..., None] - translations) @ rotations
        medians.append(np.median(points, axis=0, overwrite_input=True))
    return np.concatenate(medians)


def expression_basis(
    points: np.ndarray | HeadLandmarks, found: np.ndarray, components: int = COMPONENTS
) -> ExpressionBasis:
    """Principal components of the landmarks that express.

    Args:
        points: (T, 478, 3).
        found: (T,) bool, the frames that count.
        components: k; rows beyond what the frames can tell are zero.
    """
    first = int(np.flatnonzero(found)[0])
    near = points[first : first + 1, EXPRESSIVE_LANDMARKS].astype(np.float64)  # sums about it lose no digits
    total, products = 0.0, 0.0
    for part in blocks(len(points)):
        flat = (points[part, EXPRESSIVE_LANDMARKS][found[part]] - near).reshape(-1, near.size)
        total, products = total + flat.sum(0), products + flat.T @ flat
    offset, count = total / found.sum(), found.sum()
    mean = near[0] + offset.reshape(near[0].shape)
    values, vectors = np.linalg.eigh(products / count - np.outer(offset, offset))
    values, vectors = values[::-1][:components], vectors[:, ::-1][:, :components].T
    vectors = vectors * (values > LEAST_VARIANCE)[:, None]
    # The sign of a component is arbitrary: the same film must give the same codes on every machine.
    largest = np.abs(vectors).argmax(1)
    vectors = vectors * np.where(vectors[np.arange(len(vectors)), largest] < 0, -1.0, 1.0)[:, None]
    scale = float(np.sqrt(max(values[0], LEAST_VARIANCE)))
    return ExpressionBasis(mean.astype(np.float32), vectors.reshape(-1, *mean.shape).astype(np.float32), scale)


def lip_opening(points: np.ndarray | HeadLandmarks) -> np.ndarray:
    """(T,) metres between the inner lips of (T, 478, 3) landmarks."""
    opening = np.empty(len(points))
    for part in blocks(len(points)):
        lips = points[part, UPPER_AND_LOWER_LIP]
        opening[part] = np.linalg.norm(lips[:, 0] - lips[:, 1], axis=-1)
    return opening


def gaze(points: np.ndarray | HeadLandmarks, solve: CameraSolve, found: np.ndarray) -> np.ndarray:
    """Where both eyes look, from how far the irises are from the middle of the eyes' corners.

    How far the pupil of an eye that looks ahead lies above the corners differs between people, so the median pitch is
    taken to be at the camera's height. While the lids are closed, and in frames without a face, the gaze goes straight
    from what was seen before to what is seen after.

    Args:
        points: (T, 478, 3).
        solve: the cameras.
        found: (T,) bool.

    Returns:
        (T, 2) float32 radians, yaw (positive: to the head's left) and pitch (positive: up), the mean of both eyes.
    """
    both, open_eyes = np.empty((len(points), 2), np.float32), np.empty(len(points), bool)
    corners = np.empty((len(points), 2, 2, 3), np.float32)
    for part in blocks(len(points)):
        eyes = points[part, EYE_LANDMARKS].reshape(-1, 2, 5, 3)
        outer, inner, upper, lower, iris = np.moveaxis(eyes, 2, 0)
        opening, width = np.linalg.norm(upper - lower, axis=-1), np.linalg.norm(outer - inner, axis=-1)
        open_eyes[part] = (opening > CLOSED * width).all(1)
        off = (iris - (outer + inner) / 2)[..., [0, 2]] / EYEBALL_RADIUS
        both[part] = np.arcsin(np.clip(off, -0.99, 0.99)).mean(1)
        corners[part] = eyes[:, :, :2]
    seen = np.flatnonzero(found & open_eyes)
    if not len(seen):
        return np.zeros((len(points), 2), np.float32)
    middle = np.median(corners[seen], axis=(0, 1, 2))
    both[:, 1] += np.median(_pitch_of_camera(solve, middle)[seen]) - np.median(both[seen, 1])
    both = np.clip(both, [-MOST_YAW, -MOST_PITCH], [MOST_YAW, MOST_PITCH])
    time = np.arange(len(points))
    return np.stack([np.interp(time, seen, both[seen, axis]) for axis in range(2)], -1).astype(np.float32)


def _pitch_of_camera(solve: CameraSolve, eyes: np.ndarray) -> np.ndarray:
    """(T,) radians at which eyes at `eyes` (3,) see the camera."""
    position = -np.einsum("tij,ti->tj", solve.viewmats[:, :3, :3], solve.viewmats[:, :3, 3]) - eyes
    return np.arctan2(position[:, 2], np.linalg.norm(position[:, :2], axis=-1))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras about a head that stands still, refined over a whole clip against its landmarks.

Bundle adjustment (Triggs, McLauchlan, Hartley, Fitzgibbon: Bundle adjustment, a modern synthesis, 1999) of the part of
a face that expressions leave alone: one rigid shape, one focal length, one pose per frame. First all three jointly, on
a few hundred frames, with the poses eliminated (Schur complement); then all frames' poses with shape and lens held,
under a prior on the head's acceleration that looks both ways in time and so does not lag. Both cost time in proportion
to the number of frames.

Faces are near-planar and turn little, so that a film says little of the lens: the shape is held near MediaPipe's
canonical face (weakly, it must become the person's) and the lens near a portrait's. `focal_sigma` says how well it is
known. The scale comes from an average: a film cannot tell a large head from a near one.
"""

from dataclasses import dataclass

import numpy as np

from ...disk_rows import DiskRows, blocks
from ...errors import InputError
from ...report import Report
from .poses import FramePoses, initial_poses, mean_squares, reprojection
from .smoothing import smooth_poses
from .rigid_face import CANONICAL_ORIGIN, CANONICAL_TO_HEAD, RIGID_LANDMARKS, rigid_canonical

INTERPUPILLARY_METRES = 0.063  # adults' mean (Dodgson: Variation and extrema of human interpupillary distance, 2004)
EYE_CORNERS = ((33, 133), (362, 263))
FACE_SIDES = (234, 454)
KEY_FRAMES = 300
# The priors of the joint solve: how far a person's face is from the canonical one, and lenses from a portrait's.
SHAPE_SIGMA = 0.5  # centimetres per axis
FOCAL_PRIOR = 2.0  # focal length in units of the picture's longer side (28 degrees)
FOCAL_SIGMA = 0.4  # of its logarithm
# Landmarks err together and for long, not each for itself: a frame's points tell as much as this many independent ones,
# and a clip's frames tell as much of lens and shape. (With each frame for itself, a real film's tracker errors, a tenth
# of a pixel, chose the lens alone.)
INDEPENDENT_POINTS = 8
INDEPENDENT_FRAMES = 10


@dataclass
class CameraSolve:
    """One camera per frame about a head that stands still, in the head's frame (metres, origin between the ears, face
    towards -y, z up, x to the head's left).

    Args:
        viewmats: (T, 4, 4) float32, head to camera, OpenCV axes. Frames without a face are interpolated.
        K: (3, 3) float32, pixels, principal point in the middle.
        rigid_points: (P, 3) float32, metres, where the landmarks of RIGID_LANDMARKS lie.
        residual_px: root mean square distance in pixels of the rigid landmarks from their projections.
        residuals: (T,) float32, the same for each frame; 0 where there was no face.
        reprojection_error_relative: `residual_px` over the face's mean width in pixels.
        focal_sigma: relative standard deviation of the focal length.
    """

    viewmats: np.ndarray
    K: np.ndarray
    rigid_points: np.ndarray
    residual_px: float
    residuals: np.ndarray
    reprojection_error_relative: float
    focal_sigma: float


def refine(
    landmarks_px: np.ndarray | DiskRows,
    size: tuple[int, int],
    fps: float = 25.0,
    found: np.ndarray | None = None,
    cuts: np.ndarray | None = None,
    report: Report | None = None,
) -> CameraSolve:
    """Solve lens, rigid face and poses of a clip.

    Args:
        landmarks_px: (T, 478, 2) pixels, as `landmarks.track` gives them.
        size: the picture's width and height, pixels.
        fps: frames per second: the prior on acceleration is a physical one.
        found: (T,) bool, frames that show the face; all if None.
        cuts: frames that begin a new shot, where poses may jump.

    Raises:
        InputError: no frame shows a face.
    """
    report = report or Report()
    frames = len(landmarks_px)
    found = np.ones(frames, bool) if found is None else np.asarray(found, bool)
    if not found.any():
        raise InputError(f"None of {frames} frames shows a face.", "Choose a film of one person's face.")
    observed = _RigidLandmarks(landmarks_px, np.array(size, np.float64) / 2)
    canonical = rigid_canonical()

    keys = _key_frames(found)
    focal = FOCAL_PRIOR * max(size)
    start = initial_poses(observed[keys], canonical, focal)
    joint = _Joint(observed[keys], canonical, focal, max(size), start, report)
    shape, focal, focal_sigma, noise = joint.solve()

    poses = initial_poses(observed, shape, focal)
    poses = smooth_poses(poses, observed, shape, focal, found, fps, noise, INDEPENDENT_POINTS, cuts, report)
    return _in_head_frame(poses, shape, focal, focal_sigma, observed, found, size)


class _RigidLandmarks:
    """(T, P, 2) float64 pixels from the principal point, of the frames that are asked for."""

    def __init__(self, landmarks: np.ndarray | DiskRows, centre: np.ndarray) -> None:
        self._landmarks, self._centre = landmarks, centre

    def __len__(self) -> int:
        return len(self._landmarks)

    def __getitem__(self, frames) -> np.ndarray:
        return self._landmarks[frames][:, RIGID_LANDMARKS, :2].astype(np.float64) - self._centre


def _key_frames(found: np.ndarray) -> np.ndarray:
    """At most KEY_FRAMES frames, spread evenly over those with a face."""
    at = np.flatnonzero(found)
    return at[np.unique(np.linspace(0, len(at) - 1, min(len(at), KEY_FRAMES)).round().astype(int))]


class _Joint:
    """Levenberg-Marquardt over shape (P, 3), log focal and poses, in the canonical face's frame and centimetres.

    A longer lens takes the head further away with it, so that its step changes perspective and not size: otherwise the
    solve creeps along a curved valley. Residuals are robust (Geman-McClure's weights about the measured noise).
    """

    STEPS = 20

    def __init__(self, observed, canonical, focal, longer_side, start: FramePoses, report: Report) -> None:
        self.observed, self.canonical, self.longer_side = observed, canonical, longer_side
        self.shape, self.log_focal = canonical.copy(), float(np.log(focal))
        self.poses, self.report = start, report
        self.noise = 1.0
        self.sigma = FOCAL_SIGMA

    def solve(self) -> tuple[np.ndarray, float, float, float]:
        """Shape (P, 3), focal length in pixels, relative standard deviation of it, and the landmarks' noise in pixels
        per axis."""
        damping = 1e-3
        self._measure_noise()
        cost = self._cost(self.shape, self.log_focal, self.poses)
        for step in range(self.STEPS):
            self.report.progress("lens", step, self.STEPS)
            shape_step, focal_step, pose_step = self._step(damping)
            tried = self.shape + shape_step, self.log_focal + focal_step, self.poses.moved(pose_step, focal_step)
            tried_cost = self._cost(*tried)
            if tried_cost > cost:
                damping *= 8
                if damping > 1e6:
                    break
                continue
            settled = cost - tried_cost < 1e-5 * cost
            self.shape, self.log_focal, self.poses = tried
            damping = max(damping / 5, 1e-9)
            if settled:
                break
            self._measure_noise()
            cost = self._cost(*tried)
        self.report.progress("lens", self.STEPS, self.STEPS)
        return self.shape, float(np.exp(self.log_focal)), self.sigma, self.noise

    def _residuals(self, shape, log_focal, poses) -> np.ndarray:
        return reprojection(poses, shape, np.exp(log_focal)).pixels - self.observed

    def _measure_noise(self) -> None:
        squares = (self._residuals(self.shape, self.log_focal, self.poses) ** 2).sum(-1)
        self.noise = max(float(np.sqrt(np.median(squares) / (2 * np.log(2)))), 1e-3)

    def _priors(self, shape, log_focal) -> tuple[np.ndarray, float]:
        """The priors' residuals, in standard deviations."""
        off = (log_focal - np.log(FOCAL_PRIOR * self.longer_side)) / FOCAL_SIGMA
        return (shape - self.canonical) / SHAPE_SIGMA, off

    def _data_weight(self) -> float:
        frames = min(1.0, INDEPENDENT_FRAMES / len(self.observed))
        return frames * INDEPENDENT_POINTS / len(self.canonical) / self.noise**2

    def _cost(self, shape, log_focal, poses) -> float:
        squares = (self._residuals(shape, log_focal, poses) ** 2).sum(-1)
        scale = (3 * self.noise) ** 2
        off_shape, off_focal = self._priors(shape, log_focal)
        robust = (scale * squares / (scale + squares)).sum()
        return self._data_weight() * float(robust) + float((off_shape**2).sum()) + off_focal**2

    def _step(self, damping: float) -> tuple[np.ndarray, float, np.ndarray]:
        """Gauss-Newton's step: shape (P, 3), log focal, poses (T, 6)."""
        projected = reprojection(self.poses, self.shape, np.exp(self.log_focal))
        residuals = projected.pixels - self.observed
        scale = (3 * self.noise) ** 2
        weights = self._data_weight() * (scale / (scale + (residuals**2).sum(-1))) ** 2
        frames, points = weights.shape

        pose_j, point_j = projected.pose_jacobian(), projected.point_jacobian()
        focal_j = projected.zoom_jacobian(self.poses)
        weighted_pose = pose_j * weights[..., None, None]
        pose_h = np.einsum("tpic,tpid->tcd", weighted_pose, pose_j)
        pose_g = np.einsum("tpic,tpi->tc", weighted_pose, residuals)
        cross = np.empty((frames, 6, 3 * points + 1))
        cross[:, :, :-1] = np.einsum("tpic,tpid->tcpd", weighted_pose, point_j).reshape(frames, 6, -1)
        cross[:, :, -1] = np.einsum("tpic,tpi->tc", weighted_pose, focal_j)

        rest_h, rest_g = self._shape_and_focal(weights, residuals, point_j, focal_j)
        diagonal = np.einsum("tcc->tc", pose_h)
        diagonal += damping * diagonal + 1e-9
        rest_h[np.diag_indices_from(rest_h)] *= 1 + damping

        inverse = np.linalg.inv(pose_h)
        eliminated = inverse @ cross
        reduced = rest_h - np.einsum("tcm,tcn->mn", cross, eliminated, optimize=True)
        rest_step = -np.linalg.solve(reduced, rest_g - np.einsum("tcm,tc->m", eliminated, pose_g))
        pose_step = -np.einsum("tcd,td->tc", inverse, pose_g + cross @ rest_step)
        self.sigma = float(np.sqrt(np.linalg.inv(reduced)[-1, -1]))
        return rest_step[:-1].reshape(points, 3), float(rest_step[-1]), pose_step

    def _shape_and_focal(self, weights, residuals, point_j, focal_j) -> tuple[np.ndarray, np.ndarray]:
        """Hessian (3P + 1, 3P + 1) and gradient (3P + 1,) of shape and log focal, priors included."""
        points = weights.shape[1]
        off_shape, off_focal = self._priors(self.shape, self.log_focal)
        hessian = np.zeros((3 * points + 1, 3 * points + 1))
        gradient = np.zeros(3 * points + 1)
        weighted = point_j * weights[..., None, None]
        blocks = np.einsum("tpic,tpid->pcd", weighted, point_j) + np.eye(3) / SHAPE_SIGMA**2
        for p, block in enumerate(blocks):
            hessian[3 * p : 3 * p + 3, 3 * p : 3 * p + 3] = block
        hessian[:-1, -1] = hessian[-1, :-1] = np.einsum("tpic,tpi->pc", weighted, focal_j).ravel()
        hessian[-1, -1] = (weights[..., None] * focal_j**2).sum() + 1 / FOCAL_SIGMA**2
        gradient[:-1] = (np.einsum("tpic,tpi->pc", weighted, residuals) + off_shape / SHAPE_SIGMA).ravel()
        gradient[-1] = (weights[..., None] * focal_j * residuals).sum() + off_focal / FOCAL_SIGMA
        return hessian, gradient


def _in_head_frame(poses, shape, focal, focal_sigma, observed, found, size) -> CameraSolve:
    squares = np.where(found, mean_squares(poses, shape, focal, observed), 0.0)
    residual = float(np.sqrt(squares[found].mean()))

    at = {landmark: k for k, landmark in enumerate(RIGID_LANDMARKS)}
    eyes = [(shape[at[a]] + shape[at[b]]) / 2 for a, b in EYE_CORNERS]
    metres = INTERPUPILLARY_METRES / np.linalg.norm(eyes[0] - eyes[1])
    width = np.linalg.norm(np.subtract(*shape[[at[side] for side in FACE_SIDES]]))
    depth = poses.translations[found, 2]

    viewmats = np.tile(np.eye(4, dtype=np.float32), (len(observed), 1, 1))
    for part in blocks(len(observed)):
        some = poses[part]
        viewmats[part, :3, :3] = some.rotations @ CANONICAL_TO_HEAD.T
        viewmats[part, :3, 3] = metres * (some.translations + some.rotations @ CANONICAL_ORIGIN)
    K = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]])
    return CameraSolve(
        viewmats=viewmats,
        K=K.astype(np.float32),
        rigid_points=(metres * (shape - CANONICAL_ORIGIN) @ CANONICAL_TO_HEAD.T).astype(np.float32),
        residual_px=residual,
        residuals=np.sqrt(squares).astype(np.float32),
        reprojection_error_relative=residual / float((width * focal / depth).mean()),
        focal_sigma=focal_sigma,
    )

# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses of a rigid shape before a pinhole camera: how they project, how that changes with them, and a first guess.

Axes of the camera are OpenCV's, pixels are counted from the principal point. A step of a pose is (6,): a rotation
vector that turns the shape about its own origin, in the camera's axes, then a translation.
"""

from dataclasses import dataclass

import numpy as np

from ...disk_rows import blocks

POSIT_STEPS = 6


@dataclass
class FramePoses:
    """Shape to camera: x_camera = rotation @ x + translation.

    Args:
        rotations: (T, 3, 3).
        translations: (T, 3), in the shape's unit.
    """

    rotations: np.ndarray
    translations: np.ndarray

    def __len__(self) -> int:
        return len(self.rotations)

    def __getitem__(self, frames) -> "FramePoses":
        return FramePoses(self.rotations[frames], self.translations[frames])

    def moved(self, step: np.ndarray, log_zoom: float = 0.0) -> "FramePoses":
        """The poses after a step (T, 6), their depths first multiplied by exp(log_zoom)."""
        depths = np.array([1.0, 1.0, np.exp(log_zoom)])
        moved = FramePoses(np.empty_like(self.rotations), self.translations * depths + step[:, 3:])
        for part in blocks(len(step)):
            moved.rotations[part] = exp_so3(step[part, :3]) @ self.rotations[part]
        return moved


@dataclass
class Reprojection:
    """P points seen in T frames.

    Args:
        rotations: (T, 3, 3), of the poses.
        turned: (T, P, 3), points after the rotation.
        camera: (T, P, 3), points in the camera's axes.
        pixels: (T, P, 2), from the principal point.
    """

    rotations: np.ndarray
    turned: np.ndarray
    camera: np.ndarray
    pixels: np.ndarray
    focal: float

    def pose_jacobian(self) -> np.ndarray:
        """(T, P, 2, 6), pixels by steps of the pose."""
        by_camera = self._camera_jacobian()
        by_turn = np.cross(self.turned[:, :, None, :], by_camera)  # row . (w x p) = w . (p x row)
        return np.concatenate([by_turn, by_camera], -1)

    def point_jacobian(self) -> np.ndarray:
        """(T, P, 2, 3), pixels by the points."""
        return self._camera_jacobian() @ self.rotations[:, None]

    def zoom_jacobian(self, poses: FramePoses) -> np.ndarray:
        """(T, P, 2), pixels by the logarithm of the focal length where the poses' depths grow with it."""
        return self.pixels * (1 - poses.translations[:, None, 2:] / self.camera[..., 2:])

    def _camera_jacobian(self) -> np.ndarray:
        jacobian = np.zeros((*self.pixels.shape, 3))
        per_depth = self.focal / self.camera[..., 2]
        jacobian[..., 0, 0] = jacobian[..., 1, 1] = per_depth
        jacobian[..., 2] = -self.pixels / self.camera[..., 2:]
        return jacobian


def reprojection(poses: FramePoses, shape: np.ndarray, focal: float) -> Reprojection:
    """Project `shape` (P, 3) in every frame. Points nearer than a hundredth of the unit count as that near."""
    turned = shape @ poses.rotations.transpose(0, 2, 1)
    camera = turned + poses.translations[:, None]
    camera[..., 2] = np.maximum(camera[..., 2], 1e-2)
    return Reprojection(poses.rotations, turned, camera, focal * camera[..., :2] / camera[..., 2:], focal)


def initial_poses(observed: np.ndarray, shape: np.ndarray, focal: float) -> FramePoses:
    """Poses by linear least squares, each frame for itself (DeMenthon, Davis: Model-based object pose in 25 lines of
    code, 1995): scaled orthography first, then the observations as they would be under it.

    Args:
        observed: (T, P, 2) pixels from the principal point, an array or what reads slices of one.
        shape: (P, 3), not all in one plane.
        focal: pixels.
    """
    middle = shape.mean(0)
    inverse = np.linalg.pinv(shape - middle)
    guesses = FramePoses(np.empty((len(observed), 3, 3)), np.empty((len(observed), 3)))
    for part in blocks(len(observed)):
        some = observed[part]
        poses = _orthographic(some, inverse, focal)
        for _ in range(POSIT_STEPS):
            depth = (poses.rotations[:, 2] @ (shape - middle).T) / poses.translations[:, 2:]
            poses = _orthographic(some * (1 + np.maximum(depth, -0.9))[..., None], inverse, focal)
        guesses.rotations[part] = poses.rotations
        guesses.translations[part] = poses.translations - poses.rotations @ middle
    return guesses


def mean_squares(poses: FramePoses, shape: np.ndarray, focal: float, observed: np.ndarray) -> np.ndarray:
    """(T,) float64 mean squared distance in pixels of a shape's projections from where it was observed (T, P, 2)."""
    squares = np.empty(len(observed))
    for part in blocks(len(observed)):
        misses = reprojection(poses[part], shape, focal).pixels - observed[part]
        squares[part] = (misses**2).sum(-1).mean(1)
    return squares


def _orthographic(observed: np.ndarray, inverse: np.ndarray, focal: float) -> FramePoses:
    """Poses of the shape's middle under scaled orthography; `inverse` (3, P) is the centred shape's pseudoinverse."""
    affine = inverse @ (observed - observed.mean(1, keepdims=True))  # (T, 3, 2)
    right, down = affine[..., 0], affine[..., 1]
    scale = (np.linalg.norm(right, axis=-1) + np.linalg.norm(down, axis=-1)) / 2
    scale = np.maximum(scale, 1e-6)
    u, _, vt = np.linalg.svd(np.stack([right, down, np.cross(right, down) / scale[:, None]], 1))
    flip = np.ones((len(scale), 1, 3))
    flip[:, 0, 2] = np.sign(np.linalg.det(u @ vt))
    centre = np.concatenate([observed.mean(1), np.full((len(scale), 1), focal)], -1) / scale[:, None]
    return FramePoses((u * flip) @ vt, centre)


def exp_so3(vectors: np.ndarray) -> np.ndarray:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3), by Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    cross = np.zeros((*vectors.shape, 3))
    x, y, z = np.moveaxis(vectors, -1, 0)
    cross[..., 0, 1], cross[..., 0, 2], cross[..., 1, 2] = -z, y, -x
    cross[..., 1, 0], cross[..., 2, 0], cross[..., 2, 1] = z, -y, x
    return np.eye(3) + np.sinc(angle / np.pi) * cross + 0.5 * np.sinc(angle / 2 / np.pi) ** 2 * cross @ cross


def log_so3(rotations: np.ndarray) -> np.ndarray:
    """Rotation vectors (..., 3) of rotation matrices (..., 3, 3) that turn by less than half a circle."""
    axis = np.stack(
        [
            rotations[..., 2, 1] - rotations[..., 1, 2],
            rotations[..., 0, 2] - rotations[..., 2, 0],
            rotations[..., 1, 0] - rotations[..., 0, 1],
        ],
        -1,
    )
    sine = np.linalg.norm(axis, axis=-1, keepdims=True) / 2
    cosine = (np.trace(rotations, axis1=-2, axis2=-1)[..., None] - 1) / 2
    angle = np.arctan2(sine, cosine)
    return axis / 2 / np.maximum(np.sinc(angle / np.pi), 1e-9)

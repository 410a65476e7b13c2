# SPDX-License-Identifier: GPL-3.0-or-later
"""One rigid face fitted to its landmarks in pictures whose cameras are known.

The bundle adjustment of `tracking/cameras.py` with the cameras held and the face moved: its poses in the set's world,
the world's unit, and how this person's rigid landmarks differ from MediaPipe's canonical face, under the same priors.
"""

from dataclasses import dataclass

import numpy as np

from ...report import Report
from ..tracking.cameras import INDEPENDENT_FRAMES, INDEPENDENT_POINTS, SHAPE_SIGMA
from ..tracking.poses import FramePoses, exp_so3, initial_poses, reprojection

FOCAL = 1000.0  # pictures are compared as if all had this focal length: their own may differ
ROUNDS, STEPS = 3, 12


@dataclass
class Views:
    """V pictures with P landmarks each of a rigid face.

    Args:
        observed: (V, P, 2) pixels.
        Ks: (V, 3, 3).
        poses: (V, 4, 4) camera to world, OpenCV axes.
        moments: (V,) int, pictures of one moment show the face in one pose.
        canonical: (P, 3) centimetres, MediaPipe's canonical face.
        eyes: which two of the landmarks are the corners of the right and of the left eye.
    """

    observed: np.ndarray
    Ks: np.ndarray
    poses: np.ndarray
    moments: np.ndarray
    canonical: np.ndarray
    eyes: tuple[tuple[int, int], tuple[int, int]]

    def chosen(self, keep: np.ndarray) -> "Views":
        rest = (self.observed[keep], self.Ks[keep], self.poses[keep], self.moments[keep])
        return Views(*rest, self.canonical, self.eyes)

    def at_focal(self) -> np.ndarray:
        """(V, P, 2) from the principal point, as a camera of focal length FOCAL had seen them."""
        focal = self.Ks[:, None, [0, 1], [0, 1]]
        return FOCAL * (self.observed - self.Ks[:, None, :2, 2]) / focal


class FaceFit:
    """Levenberg-Marquardt over G poses of the face and the world's unit, in turn with the shape.

    All in centimetres of the canonical face: `log_unit` is the logarithm of how many of them the world's unit is. A
    step of a pose is a rotation vector in the world's axes and a translation.

    Args:
        groups: (V,) int from 0 to G - 1, views that show the face in one pose.

    Results: `rotations` (G, 3, 3), face to world; `positions` (G, 3), of its origin; `shape` (P, 3); `log_unit`.
    """

    def __init__(self, views: Views, groups: np.ndarray, report: Report) -> None:
        self.canonical, self.groups, self.report = views.canonical, groups, report
        self.observed = views.at_focal()
        self.turns, self.centres = views.poses[:, :3, :3], views.poses[:, :3, 3]
        self.shape = views.canonical.copy()
        self._start()
        for round_ in range(ROUNDS):
            report.progress("head", round_, ROUNDS)
            self._solve_poses()
            self._solve_shape()
        self._solve_poses()
        report.progress("head", ROUNDS, ROUNDS)

    def _start(self) -> None:
        """Poses by each view alone, brought together; the unit from how far the cameras are apart."""
        alone = initial_poses(self.observed, self.shape, FOCAL)
        away = np.einsum("vij,vj->vi", self.turns, alone.translations)
        apart, spread = self._centred(self.centres), self._centred(away)
        total = (apart**2).sum()
        unit = -(apart * spread).sum() / total if total > 1e-9 * max((self.centres**2).sum(), 1e-9) else 0.0
        self.log_unit = float(np.log(unit if unit > 1e-4 else 100.0))  # no base line: the unit does not matter
        rotations = self._means(self.turns @ alone.rotations)
        u, _, vt = np.linalg.svd(rotations)
        flip = np.ones((len(u), 1, 3))
        flip[:, 0, 2] = np.sign(np.linalg.det(u @ vt))
        self.rotations = (u * flip) @ vt
        self.positions = self._means(away + np.exp(self.log_unit) * self.centres)

    def _means(self, values: np.ndarray) -> np.ndarray:
        """(G, ...) means of values (V, ...) by group."""
        sums = np.zeros((self.groups.max() + 1, *values.shape[1:]))
        np.add.at(sums, self.groups, values)
        counts = np.bincount(self.groups).reshape(-1, *[1] * (values.ndim - 1))
        return sums / counts

    def _centred(self, values: np.ndarray) -> np.ndarray:
        return values - self._means(values)[self.groups]

    def _poses(self, rotations, positions, log_unit) -> FramePoses:
        """The face before every camera."""
        to_camera = self.turns.transpose(0, 2, 1)
        off = positions[self.groups] - np.exp(log_unit) * self.centres
        return FramePoses(to_camera @ rotations[self.groups], np.einsum("vij,vj->vi", to_camera, off))

    def _misses(self, state) -> np.ndarray:
        return reprojection(self._poses(*state), self.shape, FOCAL).pixels - self.observed

    def _noise(self, misses: np.ndarray) -> float:
        return max(float(np.sqrt(np.median((misses**2).sum(-1)) / (2 * np.log(2)))), 1e-3)

    def _solve_poses(self) -> None:
        state = self.rotations, self.positions, self.log_unit
        noise = self._noise(self._misses(state))
        cost, damping = self._cost(self._misses(state), noise), 1e-3
        for _ in range(STEPS):
            self.report.check()
            tried = self._stepped(state, noise, damping)
            tried_cost = self._cost(self._misses(tried), noise)
            if not tried_cost < cost:
                damping *= 10
                continue
            settled = cost - tried_cost < 1e-9 * cost
            state, cost, damping = tried, tried_cost, max(damping / 5, 1e-9)
            if settled:
                break
        self.rotations, self.positions, self.log_unit = state

    @staticmethod
    def _cost(misses: np.ndarray, noise: float) -> float:
        squares, scale = (misses**2).sum(-1), (3 * noise) ** 2
        return float((scale * squares / (scale + squares)).sum())

    @staticmethod
    def _weights(misses: np.ndarray, noise: float) -> np.ndarray:
        """(V, P), Geman-McClure's."""
        scale = (3 * noise) ** 2
        return (scale / (scale + (misses**2).sum(-1))) ** 2

    def _stepped(self, state, noise: float, damping: float):
        rotations, positions, log_unit = state
        projected = reprojection(self._poses(*state), self.shape, FOCAL)
        misses = projected.pixels - self.observed
        weights = self._weights(misses, noise)[..., None]
        by_camera = projected.pose_jacobian()
        to_camera = self.turns.transpose(0, 2, 1)[:, None]
        jacobian = np.concatenate([by_camera[..., :3] @ to_camera, by_camera[..., 3:] @ to_camera], -1)
        by_unit = jacobian[..., 3:] @ (-np.exp(log_unit) * self.centres)[:, None, :, None]
        by_unit = by_unit[..., 0]
        hessians = self._sums(np.einsum("vpi,vpic,vpid->vcd", weights, jacobian, jacobian, optimize=True))
        gradients = self._sums(np.einsum("vpi,vpic,vpi->vc", weights, jacobian, misses, optimize=True))
        cross = self._sums(np.einsum("vpi,vpic,vpi->vc", weights, jacobian, by_unit, optimize=True))
        own, own_gradient = (weights * by_unit**2).sum(), (weights * by_unit * misses).sum()
        diagonal = np.einsum("gcc->gc", hessians)
        diagonal += damping * diagonal + 1e-9
        eliminated = np.linalg.solve(hessians, cross[..., None])[..., 0]
        left = own * (1 + damping) - (cross * eliminated).sum()
        unit_step = 0.0
        if left > 1e-9 * own:  # else nothing tells the unit
            unit_step = float(np.clip(-(own_gradient - (eliminated * gradients).sum()) / left, -0.5, 0.5))
        step = -np.linalg.solve(hessians, (gradients + cross * unit_step)[..., None])[..., 0]
        return exp_so3(step[:, :3]) @ rotations, positions + step[:, 3:], log_unit + unit_step

    def _sums(self, values: np.ndarray) -> np.ndarray:
        sums = np.zeros((self.groups.max() + 1, *values.shape[1:]))
        np.add.at(sums, self.groups, values)
        return sums

    def _solve_shape(self) -> None:
        """One Gauss-Newton step of every landmark under its prior."""
        projected = reprojection(self._poses(self.rotations, self.positions, self.log_unit), self.shape, FOCAL)
        misses = projected.pixels - self.observed
        noise = self._noise(misses)
        frames, points = misses.shape[:2]
        tells = min(1.0, INDEPENDENT_FRAMES / frames) * min(1.0, INDEPENDENT_POINTS / points) / noise**2
        weights = (tells * self._weights(misses, noise))[..., None]
        jacobian = projected.point_jacobian()
        hessians = np.einsum("vpi,vpic,vpid->pcd", weights, jacobian, jacobian, optimize=True)
        hessians += np.eye(3) / SHAPE_SIGMA**2
        gradients = np.einsum("vpi,vpic,vpi->pc", weights, jacobian, misses, optimize=True)
        gradients += (self.shape - self.canonical) / SHAPE_SIGMA**2
        self.shape = self.shape - np.linalg.solve(hessians, gradients[..., None])[..., 0]

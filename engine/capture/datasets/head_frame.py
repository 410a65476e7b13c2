# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the head is among cameras that are known: landmarks seen by them fit one rigid face.

The face stands still in the world, as it does for who solves cameras from one moving camera; where several cameras
filmed a head that moves, it has a pose of its own at every moment. The cameras stay as they are given, exactly; only
the frame and the unit that they are told in change.
"""

from dataclasses import dataclass

import numpy as np

from ...report import Report
from ..capture import directions
from ..tracking.cameras import INTERPUPILLARY_METRES
from ..tracking.rigid_face import CANONICAL_ORIGIN, CANONICAL_TO_HEAD
from .face_fit import FOCAL, FaceFit, Views

FACE_WIDTH = 0.153  # metres between the canonical face's sides
KEY_VIEWS = 300
FRONTAL, ALWAYS = np.radians(35), 2  # radians aside within which views count, and views of a pose that count anyway
MOVES_RATIO, MOVES_WIDTH = 2.0, 0.02  # a still head's misfit over a moving one's, and over the face's width


@dataclass
class HeadFrame:
    """Where the head's frame is in a set's world.

    Args:
        metres: per unit of the world.
        moments: (G,) int, sorted; one entry where the head stands still.
        rotations: (G, 3, 3), head's frame to world.
        origins: (G, 3), the head's origin in the world's unit.
        points: (P, 3) metres, the person's rigid landmarks in the head's frame.
    """

    metres: float
    moments: np.ndarray
    rotations: np.ndarray
    origins: np.ndarray
    points: np.ndarray

    def viewmats(self, poses: np.ndarray, moments: np.ndarray) -> np.ndarray:
        """(N, 4, 4) head to camera in metres, of cameras (N, 4, 4) to world; moments without a view take the next."""
        middles = (self.moments[1:] + self.moments[:-1]) / 2
        at = np.searchsorted(middles, moments)
        return viewmats_in(poses, self.rotations[at], self.origins[at], self.metres)

    def misfits(self, views: Views) -> np.ndarray:
        """(V,) of each view: root mean square distance of landmarks from their projections over the face's width."""
        viewmats = self.viewmats(views.poses, views.moments)
        camera = self.points @ viewmats[:, :3, :3].transpose(0, 2, 1) + viewmats[:, None, :3, 3]
        pixels = FOCAL * camera[..., :2] / np.maximum(camera[..., 2:], 1e-3)
        width = FACE_WIDTH * FOCAL / np.maximum(viewmats[:, 2, 3], 1e-3)
        return np.sqrt(((pixels - views.at_focal()) ** 2).sum(-1).mean(1)) / width


def viewmats_in(poses: np.ndarray, rotations: np.ndarray, origins: np.ndarray, metres: float) -> np.ndarray:
    """(N, 4, 4) head to camera in metres, of cameras (N, 4, 4) to world and the head's frame in the world."""
    to_camera = poses[:, :3, :3].transpose(0, 2, 1)
    viewmats = np.tile(np.eye(4), (len(poses), 1, 1))
    viewmats[:, :3, :3] = to_camera @ rotations
    viewmats[:, :3, 3] = metres * np.einsum("nij,nj->ni", to_camera, origins - poses[:, :3, 3])
    return viewmats


def find_head(views: Views, moves: bool, report: Report) -> HeadFrame:
    """Fit the face to its landmarks in all views. At least one view.

    Args:
        moves: the head may have moved between moments; otherwise it is known to stand still in the world.
    """
    keys = np.unique(np.linspace(0, len(views.moments) - 1, KEY_VIEWS).round().astype(int))
    some = views.chosen(keys)
    still = _fitted(some, moves=False, report=report)
    misfit = float(np.median(still.misfits(some)))
    if not moves or misfit < MOVES_WIDTH:
        return still
    moving = _fitted(views, moves=True, report=report)
    return still if misfit < MOVES_RATIO * float(np.median(moving.misfits(views))) else moving


def _fitted(views: Views, moves: bool, report: Report) -> HeadFrame:
    """Fitted to all views, and then to those from the front, whose landmarks err less."""
    for again in (False, True):
        moments, groups = np.unique(views.moments if moves else np.zeros_like(views.moments), return_inverse=True)
        frame = _head_frame(FaceFit(views, groups, report), views, moments)
        angles = aside(frame.viewmats(views.poses, views.moments))
        order = np.lexsort((angles, groups))
        ranks = np.empty(len(order), int)
        ranks[order] = np.arange(len(order)) - np.searchsorted(groups[order], groups[order])
        keep = (angles < FRONTAL) | (ranks < ALWAYS)
        if again or keep.all():
            break
        views = views.chosen(keep)
    return frame


def aside(viewmats: np.ndarray) -> np.ndarray:
    """(N,) radians by which cameras stand aside from straight before the face."""
    yaw, pitch = directions(viewmats)
    return np.arccos(np.cos(yaw) * np.cos(pitch))


def _head_frame(fit: FaceFit, views: Views, moments: np.ndarray) -> HeadFrame:
    """The fitted face's frame, in the unit in which its eyes are as far apart as people's are on average."""
    right, left = (fit.shape[list(corners)].mean(axis=0) for corners in views.eyes)
    scale = INTERPUPILLARY_METRES / np.linalg.norm(right - left)
    unit = np.exp(fit.log_unit)
    return HeadFrame(
        metres=float(scale * unit), moments=np.asarray(moments), rotations=fit.rotations @ CANONICAL_TO_HEAD.T,
        origins=(fit.positions + fit.rotations @ CANONICAL_ORIGIN) / unit,
        points=scale * (fit.shape - CANONICAL_ORIGIN) @ CANONICAL_TO_HEAD.T,
    )


def looked_at(poses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A head's frame where no face was seen: in the point that all cameras look at, upright as they are, its face
    towards their middle.

    Args:
        poses: (V, 4, 4) camera to world, OpenCV axes.

    Returns:
        rotation (3, 3) head's frame to world, and origin (3,) in the world.
    """
    forward, centres = poses[:, :3, 2], poses[:, :3, 3]
    across = np.eye(3) - forward[:, :, None] * forward[:, None, :]
    # A weak pull to what lies one typical distance before the cameras: parallel axes meet nowhere.
    reach = max(float(np.linalg.norm(centres - centres.mean(0), axis=1).mean()), 1e-3)
    guess = centres.mean(0) + reach * forward.mean(0)
    system, target = across.mean(0) + 1e-6 * np.eye(3), np.einsum("vij,vj->i", across, centres) / len(poses)
    origin = np.linalg.solve(system, target + 1e-6 * guess)
    up = -poses[:, :3, 1].mean(0)
    up = up / max(np.linalg.norm(up), 1e-9) if np.linalg.norm(up) > 1e-3 else np.array([0.0, 0.0, 1.0])
    back = origin - centres.mean(0)
    back = back - up * (back @ up)
    if np.linalg.norm(back) < 1e-6 * reach:  # cameras all around
        back = forward[0] - up * (forward[0] @ up)
    back = back / max(np.linalg.norm(back), 1e-9)
    left = np.cross(back, up)
    return np.stack([left, back, up], axis=1), origin

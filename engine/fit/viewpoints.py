# SPDX-License-Identifier: GPL-3.0-or-later
"""From where each picture is seen, and how the head is turned on its torso in it.

A capture's cameras move about a head that stands still. In a film it is the camera that stands still and the head that
turns on a torso at rest: the same pictures, told as one camera and a head pose per picture. That is also how a head is
posed afterwards, so that what is learnt of neck and shoulders holds there. A character's cameras are independent of
each other and its head does not turn: there every picture keeps its camera, and head poses are nothing.
"""

from dataclasses import dataclass

import numpy as np

from ..capture.capture import Capture

FILMED_STEP = np.radians(4.0)  # heads of films turn less from one picture to the next


@dataclass(frozen=True)
class Viewpoints:
    """F rows.

    Args:
        viewmats: (F, 4, 4) float32, world to camera; the world is the torso's.
        head_poses: (F, 6) float32, rotation vector and translation of the head in that world.
        filmed: whether one camera at rest saw all of it.
    """

    viewmats: np.ndarray
    head_poses: np.ndarray
    filmed: bool


def viewpoints(capture: Capture) -> Viewpoints:
    """A capture's rows as cameras and head poses."""
    viewmats = capture.viewmats.astype(np.float64)
    if not is_filmed(capture):
        return Viewpoints(capture.viewmats, np.zeros((len(capture), 6), np.float32), False)
    reference = _middle(viewmats)
    poses = np.linalg.inv(reference) @ viewmats
    vectors = np.concatenate([rotation_vectors(poses[:, :3, :3]), poses[:, :3, 3]], axis=1)
    still = np.tile(reference, (len(viewmats), 1, 1))
    return Viewpoints(still.astype(np.float32), vectors.astype(np.float32), True)


def is_filmed(capture: Capture) -> bool:
    """Whether pictures that follow each other are seen from nearly the same side, by one camera."""
    if capture.cameras.max() > 0 or len(capture) < 2:
        return False
    turns = capture.viewmats[1:, :3, :3] @ capture.viewmats[:-1, :3, :3].transpose(0, 2, 1)
    near = np.diff(capture.frames) <= 2
    angles = np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1))
    return bool(near.any() and np.median(angles[near]) < FILMED_STEP)


def rotation_vectors(rotations: np.ndarray) -> np.ndarray:
    """(T, 3, 3) rotations by less than half a turn to (T, 3) rotation vectors in radians."""
    axis = np.stack([rotations[:, 2, 1] - rotations[:, 1, 2], rotations[:, 0, 2] - rotations[:, 2, 0],
                     rotations[:, 1, 0] - rotations[:, 0, 1]], axis=1) / 2
    sine = np.linalg.norm(axis, axis=1)
    angle = np.arctan2(sine, (np.trace(rotations, axis1=1, axis2=2) - 1) / 2)
    return axis * np.where(sine > 1e-9, angle / np.maximum(sine, 1e-9), 1.0)[:, None]


def _middle(viewmats: np.ndarray) -> np.ndarray:
    """The (4, 4) of them that is nearest to their mean."""
    mean = viewmats.mean(axis=0)
    scale = np.where(np.arange(4) < 3, 0.1, 1.0)  # a tenth of a metre counts as much as a tenth of a radian
    return viewmats[np.argmin((((viewmats - mean) * scale) ** 2).sum(axis=(1, 2)))]

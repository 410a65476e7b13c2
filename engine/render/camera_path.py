# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera of every frame, relative to the head: what a CameraTrack says, made rigid."""

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..protocol import CameraTrack


@dataclass
class FrameCamera:
    """One frame's camera.

    Args:
        viewmat: (4, 4) float32, head's frame to camera, rigid, OpenCV axes, metres of the head.
        K: (3, 3) float32, pixels.
        depth_scale: what a depth in metres of the head is multiplied by to give metres of the scene.
    """

    viewmat: np.ndarray
    K: np.ndarray
    depth_scale: float


class CameraPath:
    """A CameraTrack sampled by frame.

    A head that is scaled in the scene looks as if the camera came nearer: the scale is taken out of the view matrix,
    since splats are projected by rigid cameras only.

    Raises:
        InputError: a view matrix is not rigid, a head matrix is singular, or a focal length is not positive.
    """

    def __init__(self, track: CameraTrack) -> None:
        self.width, self.height, self._start = track.width, track.height, track.start
        self._viewmats = np.array(track.viewmats, np.float64)
        self._Ks = np.array(track.Ks, np.float64)
        self._heads = np.array(track.head_matrices or [np.eye(4).tolist()], np.float64)
        rotations = self._viewmats[:, :3, :3]
        if not np.allclose(rotations @ rotations.transpose(0, 2, 1), np.eye(3), atol=1e-3):
            raise InputError("A view matrix of the camera file is not rigid.", "Write it without scale or shear.")
        if np.abs(np.linalg.det(self._heads[:, :3, :3])).min() < 1e-12:
            raise InputError("The head's matrix is singular.", "Give the head a scale that is not 0.")
        if self._Ks[:, [0, 1], [0, 1]].min() <= 0:
            raise InputError("A focal length of the camera file is not positive.", "Write K in pixels.")

    def at(self, frame: int) -> FrameCamera:
        """The camera of the take's frame `frame` (from 0)."""

        def pick(values: np.ndarray) -> np.ndarray:
            return values[min(max(frame - self._start, 0), len(values) - 1)]

        model = pick(self._viewmats) @ pick(self._heads)
        u, singular, vt = np.linalg.svd(model[:3, :3])
        scale = float(np.cbrt(np.prod(singular)))
        rigid = np.eye(4)
        rigid[:3, :3] = u @ vt
        rigid[:3, 3] = model[:3, 3] / scale
        return FrameCamera(rigid.astype(np.float32), pick(self._Ks).astype(np.float32), scale)

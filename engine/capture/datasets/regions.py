# SPDX-License-Identifier: GPL-3.0-or-later
"""Region masks of a data set's pictures: what the set gives, and what it leaves out as films have it."""

import numpy as np

from ...report import Report
from ..face_geometry import fill
from ..masks import BACKGROUND, FACE, HAIR, MOUTH, SAMPLES, TORSO, RegionMasks
from .cameras import HeadCameras, points_on_canvas
from .data_set import DataSet
from .faces import Faces
from .geometry import Canvas
from .given_regions import given_regions, knows_hair
from .strangers import read_picture

PARSING_SAMPLES = 5
# Of a usual head, in the head's frame, metres.
NAPE, NAPE_BELOW, CHIN = np.array([0.0, 0.03, -0.07]), np.array([0.0, 0.03, -0.17]), np.array([0.0, -0.09, -0.12])
NEAREST = 0.05  # metres before a camera
INNER_LIPS_68 = slice(60, 68)


class DataSetRegions:
    """Makes the mask of any picture; pictures are best asked for camera by camera.

    Args:
        faces: which pictures show a face, and its landmarks on the canvas.
    """

    def __init__(
        self, data_set: DataSet, canvas: Canvas, faces: Faces, cameras: HeadCameras, report: Report
    ) -> None:
        self._data_set, self._canvas, self._faces, self._report = data_set, canvas, faces, report
        self._cameras = cameras
        self._learned: tuple[int, RegionMasks] | None = None
        some = data_set.pictures[:: max(1, len(data_set.pictures) // PARSING_SAMPLES)]
        self._has_hair = any(knows_hair(picture) for picture in some)

    def __call__(self, row: int, raw: np.ndarray, image: np.ndarray) -> np.ndarray | None:
        """The mask of one picture, or None where nothing tells it.

        Args:
            raw: (h, w, 3 or 4) uint8, the picture as its file has it.
            image: (H, W, 3 or 4) uint8, the same on the canvas.

        Returns:
            (H, W) uint8 indices into REGIONS.
        """
        picture = self._data_set.pictures[row]
        given = given_regions(picture, raw, self._has_hair)
        mask = None if given is None else self._canvas.mask(picture, given.mask)
        if not self._faces.found[row]:
            if mask is not None and not given.parts:
                return self._parted(row, mask)
            if mask is not None and picture.points is not None:
                lips = points_on_canvas(picture, self._canvas)[INNER_LIPS_68]
                mask[fill(lips, *mask.shape) & (mask == FACE)] = MOUTH
            return mask
        landmarks = self._faces.landmarks[row, :, :2]
        if mask is not None:
            image = np.dstack([image[..., :3], np.where(mask == BACKGROUND, 0, 255).astype(np.uint8)])
        found = self._masks_of(picture.camera)(image, landmarks)
        if mask is None or not given.parts:
            return found
        head = mask == FACE
        if not given.hair:
            mask[head & (found == HAIR)] = HAIR
        mask[head & (found == MOUTH)] = MOUTH
        return mask

    def _parted(self, row: int, mask: np.ndarray) -> np.ndarray:
        """A person without a face that was found, parted by where the head is: what lies below a line from nape to chin
        is torso, and what a camera behind the ears sees above it is hair."""
        viewmat, K = self._cameras.viewmats[row], self._cameras.Ks[row]
        camera = np.array([NAPE, NAPE_BELOW, CHIN]) @ viewmat[:3, :3].T + viewmat[:3, 3]
        if camera[:, 2].min() < NEAREST:
            return mask
        nape, below, chin = (camera / camera[:, 2:] @ K.T)[:, :2]
        down = below - nape
        behind = -viewmat[:3, 1] @ viewmat[:3, 3] > 0
        start = nape if behind else chin
        jaw = np.array([nape[1] - chin[1], chin[0] - nape[0]])  # across the line from nape to chin
        jaw = jaw * np.sign(jaw @ down)
        if not behind and jaw @ down > 0.5 * np.linalg.norm(jaw) * np.linalg.norm(down):  # seen from the side
            down = jaw
        ys, xs = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]] + 0.5
        lower = (xs - start[0]) * down[0] + (ys - start[1]) * down[1] > 0
        mask[(mask == FACE) & ~lower & behind] = HAIR
        mask[(mask == FACE) & lower] = TORSO
        return mask

    def _masks_of(self, camera: int) -> RegionMasks:
        """What was learned from a camera's own pictures: each has a background of its own."""
        if self._learned is None or self._learned[0] != camera:
            cameras = np.array([picture.camera for picture in self._data_set.pictures])
            rows = np.flatnonzero((cameras == camera) & self._faces.found)
            rows = rows[np.unique(np.linspace(0, len(rows) - 1, SAMPLES).round().astype(int))]
            samples = []
            for row in rows:
                self._report.check()
                picture = self._data_set.pictures[row]
                image = self._canvas.image(picture, read_picture(picture.path, picture.size))
                samples.append((image[..., :3], self._faces.landmarks[row, :, :2]))
            self._learned = camera, RegionMasks(samples)
        return self._learned[1]

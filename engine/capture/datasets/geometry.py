# SPDX-License-Identifier: GPL-3.0-or-later
"""From a data set's pictures to a capture's: one size for all, no lens distortion, cameras that fit."""

import numpy as np
from PIL import Image

from ...errors import MissingPackageError
from .data_set import SetPicture


class Canvas:
    """The size of all pictures of a capture: the longer side of each picture becomes `size`, its aspect stays.

    Pictures of another aspect than the largest leave the canvas empty at the right or below.

    Args:
        sizes: every picture's width and height, pixels.
    """

    def __init__(self, sizes: list[tuple[int, int]], size: int) -> None:
        self._size = size
        scaled = np.array([self.scaled(one) for one in set(sizes)])
        self.width, self.height = (int(side) for side in scaled.max(axis=0))

    def scaled(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of a picture on the canvas."""
        width, height = (max(8, round(side * self._size / max(size))) for side in size)
        return width, height

    def intrinsics(self, picture: SetPicture) -> np.ndarray:
        """(3, 3) pinhole matrix on the canvas. Pixel centres lie at +0.5, so edges scale about 0."""
        width, height = self.scaled(picture.size)
        return np.diag([width / picture.size[0], height / picture.size[1], 1.0]) @ picture.K

    def image(self, picture: SetPicture, image: np.ndarray) -> np.ndarray:
        """(height, width, 3 or 4) uint8 of a picture as its file has it, undistorted."""
        image = undistorted(picture, image)
        placed = np.zeros((self.height, self.width, image.shape[2]), np.uint8)
        width, height = self.scaled(picture.size)
        placed[:height, :width] = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.LANCZOS))
        return placed

    def mask(self, picture: SetPicture, mask: np.ndarray) -> np.ndarray:
        """(height, width) uint8 of a mask of the file's size, undistorted, without values between."""
        mask = undistorted(picture, mask)
        placed = np.zeros((self.height, self.width), np.uint8)
        width, height = self.scaled(picture.size)
        placed[:height, :width] = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST))
        return placed


def undistorted(picture: SetPicture, image: np.ndarray) -> np.ndarray:
    """A picture or mask as a pinhole camera with the same K had taken it. What was not seen is 0.

    Raises:
        MissingPackageError: the lens distorts and OpenCV is not there.
    """
    if not any(picture.lens):
        return image
    try:
        import cv2
    except ImportError as error:
        raise MissingPackageError(
            f"Lenses are corrected with OpenCV, which does not load here ({error}).",
            "Install the extension's zip for your platform, or undistort the pictures first.",
        ) from None
    height, width = image.shape[:2]
    K = np.diag([width / picture.size[0], height / picture.size[1], 1.0]) @ picture.K
    K[:2, 2] -= 0.5  # OpenCV counts from the first pixel's centre
    maps = cv2.initUndistortRectifyMap(K, np.array(picture.lens), None, K, (width, height), cv2.CV_32FC1)
    how = cv2.INTER_NEAREST if image.ndim == 2 else cv2.INTER_LINEAR
    return cv2.remap(np.ascontiguousarray(image), *maps, how, borderMode=cv2.BORDER_CONSTANT, borderValue=0)

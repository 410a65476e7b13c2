# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture's pictures at the size that is fitted: bytes in files of a folder, mapped and not held, so that an hour of
film takes no more memory than a minute."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from ..capture.capture import Capture
from ..capture.storage import read_picture
from ..files import require_space, storage_error
from ..report import Report
EDGE = 2  # pixels
FRINGE = 128  # the bit that marks them beside a region


def fitted_size(capture: Capture, size: int) -> tuple[int, int]:
    """Width and height whose longer side is `size` pixels, or the capture's own where that is smaller or `size` 0."""
    longer = max(capture.width, capture.height)
    scale = min(size or longer, longer) / longer
    return max(round(capture.width * scale), 1), max(round(capture.height * scale), 1)


class Pictures:
    """F pictures and masks of one size, each read when it is first asked for.

    Args:
        folder: where the files lie; those of an earlier try are taken on.
        source: the capture's folder.
        size: width and height in pixels, at most the capture's.

    Raises, here and wherever a row is asked for:
        FormatError: a picture of the capture is damaged.
        StorageError: the disk refuses.
    """

    def __init__(self, folder: Path, source: Path, capture: Capture, size: tuple[int, int]) -> None:
        self.width, self.height = size
        self.Ks = _scaled(capture, size)
        self._source, self._capture = source, capture
        channels = read_picture(source, capture, 0)[0].shape[2]
        self.has_alpha = channels == 4
        shape = (len(capture), self.height, self.width)
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{self.width}x{self.height}"
        self._colors = _bytes(folder / f"pictures_{name}.u8", (*shape, channels))
        self._regions = _bytes(folder / f"regions_{name}.u8", shape)
        self._read = _bytes(folder / f"read_{name}.u8", (len(capture),))

    def __len__(self) -> int:
        return len(self._regions)

    def read(self, report: Report) -> None:
        """Read all that were not read yet, so that none is found damaged later. Raises Cancelled, too."""
        for row in range(len(self)):
            report.progress("pictures", row, len(self))
            self._need(row)
        report.progress("pictures", len(self), len(self))

    def colors(self, row: int) -> np.ndarray:
        """(H, W, 3) float32 in [0, 1], premultiplied where there is an alpha."""
        self._need(row)
        return self._colors[row, ..., :3].astype(np.float32) * np.float32(1 / 255)

    def alpha(self, row: int) -> np.ndarray | None:
        """(H, W) float32 in [0, 1], or None where pictures have none."""
        if not self.has_alpha:
            return None
        self._need(row)
        return self._colors[row, ..., 3].astype(np.float32) * np.float32(1 / 255)

    def regions(self, row: int) -> np.ndarray:
        """(H, W) uint8 indices into REGIONS."""
        self._need(row)
        return self._regions[row] & ~np.uint8(FRINGE)

    def fringe(self, row: int) -> np.ndarray:
        """(H, W) bool: within EDGE pixels of where the person ends, where a mask is not sure."""
        self._need(row)
        return self._regions[row] >= FRINGE

    def _need(self, row: int) -> None:
        if self._read[row]:
            return
        picture, mask = read_picture(self._source, self._capture, row)
        image = Image.fromarray(_with_channels(picture, 4 if self.has_alpha else 3))
        if self.has_alpha:
            image = image.convert("RGBa")  # averaged premultiplied: what is clear has no colour to give
        size = (self.width, self.height)
        self._colors[row] = np.asarray(image.resize(size, Image.Resampling.BOX) if image.size != size else image)
        regions = np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
        fringe = grown(regions > 0, EDGE) & grown(regions == 0, EDGE)
        self._regions[row] = regions + np.uint8(FRINGE) * fringe
        self._read[row] = 1


def bytes_needed(capture: Capture, size: tuple[int, int], channels: int = 4) -> int:
    """Of the disk, for all pictures of a capture."""
    return len(capture) * size[0] * size[1] * (channels + 1)


def grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask (H, W) bool grown by so many pixels to all sides."""
    for axis in (0, 1):
        out = mask.copy()
        for shift in range(1, pixels + 1):
            ahead, behind = [slice(None)] * 2, [slice(None)] * 2
            ahead[axis], behind[axis] = slice(shift, None), slice(None, -shift)
            out[tuple(ahead)] |= mask[tuple(behind)]
            out[tuple(behind)] |= mask[tuple(ahead)]
        mask = out
    return mask


def _scaled(capture: Capture, size: tuple[int, int]) -> np.ndarray:
    """(F, 3, 3) the capture's Ks for pictures of another size; pixel centres lie at +0.5, so scaling is all."""
    Ks = capture.Ks.copy()
    Ks[:, 0] *= size[0] / capture.width
    Ks[:, 1] *= size[1] / capture.height
    return Ks


def _with_channels(picture: np.ndarray, channels: int) -> np.ndarray:
    if channels <= picture.shape[2]:
        return picture[..., :channels]
    return np.concatenate([picture, np.full_like(picture[..., :1], 255)], axis=2)


def _bytes(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    """A mapped file of bytes of this shape: an earlier one of the same length goes on, else zeros."""
    length = int(np.prod(shape))
    try:
        if not path.exists() or path.stat().st_size != length:
            require_space(path.parent, length)
            with open(path, "wb") as file:
                file.truncate(length)
                if hasattr(os, "posix_fallocate"):  # a disk that fills up later would end a mapped write with a signal
                    os.posix_fallocate(file.fileno(), 0, length)
        return np.memmap(path, np.uint8, "r+", shape=shape)
    except OSError as error:
        raise storage_error(error, path) from error

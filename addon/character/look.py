# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a character still look as it did when its capture was broken off? Pictures of two looks must not be mixed."""

from pathlib import Path

import bpy
import numpy as np

# Blocks of so many pixels a side are compared by their means: denoisers differ a little in single pixels from run to
# run, a changed light, material or setting in whole blocks.
BLOCK = 8
SAME = 3 / 255


def same_look(before: Path, again: Path) -> bool:
    """Whether two renders of one frame show the same, whatever their noise."""
    one, other = _pixels(before), _pixels(again)
    if one.shape != other.shape:
        return False
    difference = _block_means(one) - _block_means(other)
    return bool(np.abs(difference).max() < SAME)


def _pixels(path: Path) -> np.ndarray:
    """(H, W, 4) float32, colours premultiplied: what lies behind full transparency is not seen."""
    image = bpy.data.images.load(str(path))
    try:
        image.colorspace_settings.name = "Non-Color"
        width, height = image.size
        pixels = np.empty(width * height * 4, np.float32)
        image.pixels.foreach_get(pixels)
    finally:
        bpy.data.images.remove(image)
    pixels = pixels.reshape(height, width, 4)
    pixels[..., :3] *= pixels[..., 3:]
    return pixels


def _block_means(pixels: np.ndarray) -> np.ndarray:
    height, width = (side // BLOCK * BLOCK for side in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, -1)
    return blocks.mean(axis=(1, 3))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Image files: RGBA as PNG with straight alpha, depth and uncertainty as OpenEXR."""

import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from ..files import whole_file
from ..protocol.provenance import PNG_KEYWORD, XMP

# What Blender's own depth pass holds where there is nothing.
NO_DEPTH = 1e10


def straight_rgba8(colors: np.ndarray, alphas: np.ndarray) -> np.ndarray:
    """Premultiplied float colours to 8-bit straight alpha.

    Args:
        colors: (H, W, 3) float32, premultiplied sRGB.
        alphas: (H, W, 1) float32 in [0, 1].

    Returns:
        (H, W, 4) uint8.
    """
    # In place and in the memory's own order, which is plane by plane as it comes from the renderer: five times as fast.
    straight = colors * (255.0 / np.maximum(alphas, 1e-6))
    rgba = np.empty((*alphas.shape[:2], 4), np.uint8)
    rgba[..., :3] = np.rint(np.clip(straight, 0.0, 255.0, out=straight), out=straight)
    rgba[..., 3:] = np.rint(255.0 * np.clip(alphas, 0.0, 1.0))
    return rgba


def write_png(path: Path, rgba: np.ndarray) -> None:
    """Write (H, W, 4) uint8 as a whole PNG or none, which says of itself that it is synthetic. Raises StorageError."""
    facts = PngImagePlugin.PngInfo()
    facts.add_itxt(PNG_KEYWORD, XMP)
    with whole_file(path) as part:
        # Run lengths compress a head on nothing better, and faster, than zlib's own search does at its first level.
        Image.fromarray(rgba).save(part, format="PNG", pnginfo=facts, compress_level=1, compress_type=zlib.Z_RLE)


def write_exr(path: Path, values: np.ndarray) -> None:
    """Write (H, W) float32 as a whole one-channel OpenEXR or none. Raises StorageError."""
    import av

    height, width = values.shape
    context = av.CodecContext.create("exr", "w")
    context.width, context.height, context.pix_fmt = width, height, "grayf32le"
    context.time_base = Fraction(1, 25)
    context.options = {"compression": "zip1", "format": "float"}
    frame = av.VideoFrame(width, height, "grayf32le")
    plane = frame.planes[0]
    rows = np.zeros((height, plane.line_size // 4), np.float32)
    rows[:, :width] = values
    plane.update(rows)
    frame.pts = 0
    packets = [*context.encode(frame), *context.encode(None)]
    with whole_file(path) as part:
        part.write_bytes(b"".join(bytes(packet) for packet in packets))

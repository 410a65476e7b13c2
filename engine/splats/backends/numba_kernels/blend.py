# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs to pixels, front to back, a row of eight pixels at a time."""

import math
from functools import lru_cache

import numpy as np

from .bins import RECORD, TILE_HEIGHT, TILE_WIDTH
from .compiled import compiled
from .simd import (
    any8, exp2_8, fma8, lanes8, load8, lowest_bit, min8, minus_abs8, select8, splat8, store8,
)  # fmt: skip

LOG2_MIN_ALPHA = np.float32(-math.log2(255))
MAX_ALPHA = np.float32(0.999)
MIN_TRANSMITTANCE = np.float32(1e-4)
ZERO, ONE, HALF = np.float32(0), np.float32(1), np.float32(0.5)
PLANE = TILE_WIDTH * TILE_HEIGHT
CHANNELS = 4  # at most, in one pass


@compiled
def tile_box(tile, tiles_x, width, height):
    """Left and top pixel of a tile, and how many columns and rows of it lie in the picture."""
    x, y = tile % tiles_x * TILE_WIDTH, tile // tiles_x * TILE_HEIGHT
    return x, y, min(TILE_WIDTH, width - x), min(TILE_HEIGHT, height - y)


@compiled
def tile_columns(x):
    """The x of a tile's eight pixel centres."""
    return lanes8() + splat8(np.float32(x) + HALF)


@lru_cache
def blend_kernel(channels: int):
    """The kernel for 1 to 4 channels."""

    @compiled
    def blend(
        records, tile_starts, pair_ranks, pair_rows, tiles_x, backgrounds, colors, alphas, transmittances, last_pairs,
        number, start, stop,
    ):  # fmt: skip
        """Draw tiles start to stop.

        Args:
            backgrounds: (channels,).
            colors, alphas: (H, W, channels) and (H, W, 1), the picture.
            transmittances, last_pairs: (tiles * PLANE,), for the way back: what each pixel lets through, and the
                number of the last pair, within its tile, before it was finished.

        A pixel that is finished has its transmittance negated, which keeps it from taking more.
        """
        height, width = alphas.shape[:2]
        sums = np.empty(CHANNELS * PLANE, np.float32)
        least, most, floor = splat8(LOG2_MIN_ALPHA), splat8(MAX_ALPHA), splat8(MIN_TRANSMITTANCE)
        zero = splat8(ZERO)
        for tile in range(start, stop):
            left, top, columns, rows = tile_box(tile, tiles_x, width, height)
            x = tile_columns(left)
            outside = splat8(np.float32(left + columns))
            base = tile * PLANE
            for row in range(TILE_HEIGHT):
                at = row * TILE_WIDTH
                store8(transmittances, base + at, select8(x > outside, splat8(-ONE), splat8(ONE)))
                store8(last_pairs, base + at, splat8(-ONE))
                for k in range(channels):
                    store8(sums, k * PLANE + at, zero)
            live = np.uint32((np.uint64(1) << np.uint64(rows)) - np.uint64(1))
            first_y = np.float32(top) + HALF

            for pair in range(tile_starts[tile], tile_starts[tile + 1]):
                bits = pair_rows[pair] & live
                pair_rows[pair] = bits
                if bits == 0:
                    continue
                record = pair_ranks[pair] * RECORD
                dx = x - splat8(records[record])
                first_dy = first_y - records[record + 1]
                a_dx, b = splat8(records[record + 2]) * dx, splat8(records[record + 3])
                c, level = records[record + 4], records[record + 5]
                color0, color1 = splat8(records[record + 6]), splat8(records[record + 7])
                color2, color3 = splat8(records[record + 8]), splat8(records[record + 9])
                this = splat8(np.float32(pair - tile_starts[tile]))
                while bits != 0:
                    row = lowest_bit(bits)
                    bits &= bits - np.uint32(1)
                    at = row * TILE_WIDTH
                    dy = first_dy + np.float32(row)
                    exponent = fma8(dx, fma8(b, splat8(dy), a_dx), splat8(level + c * dy * dy))
                    alpha = select8(exponent >= least, min8(exp2_8(exponent), most), zero)
                    before = load8(transmittances, base + at)
                    weight = alpha * before
                    after = before - weight
                    open_ = after > floor
                    weight = select8(open_, weight, zero)
                    store8(transmittances, base + at, select8(open_, after, minus_abs8(before)))
                    store8(last_pairs, base + at, select8(open_, this, load8(last_pairs, base + at)))
                    store8(sums, at, fma8(weight, color0, load8(sums, at)))
                    if channels > 1:
                        store8(sums, PLANE + at, fma8(weight, color1, load8(sums, PLANE + at)))
                    if channels > 2:
                        store8(sums, 2 * PLANE + at, fma8(weight, color2, load8(sums, 2 * PLANE + at)))
                    if channels > 3:
                        store8(sums, 3 * PLANE + at, fma8(weight, color3, load8(sums, 3 * PLANE + at)))
                    if not any8(open_):
                        live &= ~(np.uint32(1) << np.uint32(row))

            for row in range(rows):
                for column in range(columns):
                    at = row * TILE_WIDTH + column
                    through = abs(transmittances[base + at])
                    transmittances[base + at] = through
                    alphas[top + row, left + column, 0] = ONE - through
                    for k in range(channels):
                        colors[top + row, left + column, k] = sums[k * PLANE + at] + through * backgrounds[k]

    return blend

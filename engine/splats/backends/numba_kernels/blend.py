# SPDX-License-Identifier: GPL-3.0-or-later
"""Pairs to pixels, front to back, a row of eight pixels at a time."""

import math
from functools import lru_cache

import numpy as np

from .bins import AHEAD, COLOR, RECORD, TILE_HEIGHT, TILE_WIDTH
from .compiled import compiled
from .simd import (
    EXP2_TABLE, abs8, bits8, exp2_8, fma8, lanes8, load8, lowest_bit, min8, prefetch, select8, signs8, splat8, store8,
)  # fmt: skip

LOG2_MIN_ALPHA = np.float32(-math.log2(255))
MAX_ALPHA = np.float32(0.999)
MIN_TRANSMITTANCE = np.float32(1e-4)
ZERO, ONE, HALF = np.float32(0), np.float32(1), np.float32(0.5)
NEVER = np.float32(1e9)
ALL_LANES = np.uint32(255)
PLANE = TILE_WIDTH * TILE_HEIGHT
CHANNELS = 4  # at most, in one pass


@compiled
def tile_box(tile, tiles_x, width, height):
    """Left and top pixel of a tile, and how many columns and rows of it lie in the picture."""
    x, y = tile % tiles_x * TILE_WIDTH, tile // tiles_x * TILE_HEIGHT
    return x, y, min(TILE_WIDTH, width - x), min(TILE_HEIGHT, height - y)


@compiled
def row_centres():
    """(TILE_HEIGHT * 8,) the y of each row's pixel centres from the top of a tile, eight times each."""
    centres = np.empty(PLANE, np.float32)
    for i in range(PLANE):
        centres[i] = np.float32(i // TILE_WIDTH) + HALF
    return centres


@compiled
def splat_terms(records, record, left, top):
    """A splat in a tile's eight columns: log2(alpha) = base + C t^2 at t = row centre + offset.

    Returns:
        dx, offset, base, C.
    """
    dx = lanes8() + splat8(np.float32(left) + HALF - records[record])
    offset = fma8(splat8(records[record + 3]), dx, splat8(np.float32(top) - records[record + 1]))
    base = fma8(splat8(records[record + 2]) * dx, dx, splat8(records[record + 5]))
    return dx, offset, base, splat8(records[record + 4])


@compiled
def splat_color(records, record):
    """The four channels of a splat."""
    color = record + COLOR
    return splat8(records[color]), splat8(records[color + 1]), splat8(records[color + 2]), splat8(records[color + 3])


@lru_cache
def blend_kernel(channels: int):
    """The kernel for 1 to 4 channels."""

    @compiled
    def blend(
        records, tile_starts, pair_ranks, pair_rows, width, height, backgrounds, colors, alphas, transmittances,
        closing_pairs, number, start, stop,
    ):  # fmt: skip
        """Draw tiles start to stop.

        Args:
            backgrounds: (channels,).
            colors, alphas: (channels * H * stride,) and (H * stride,), the picture by planes; the stride of a row is
                the width rounded up to whole tiles.
            transmittances, closing_pairs: (tiles * PLANE,), for the way back, where a tile has pairs: what each pixel
                lets through, and the number within its tile of the pair that closed it, that is, would have brought
                it under the floor.

        A closed pixel has its transmittance negated, which keeps it from taking more. Columns beyond the picture are
        closed from the start.
        """
        tiles_x = -(-width // TILE_WIDTH)
        stride = tiles_x * TILE_WIDTH
        sums, through, closing = (
            np.empty(CHANNELS * PLANE, np.float32), np.empty(PLANE, np.float32), np.empty(PLANE, np.float32),
        )  # fmt: skip
        table, centres = EXP2_TABLE.copy(), row_centres()
        least, most, floor, zero = splat8(LOG2_MIN_ALPHA), splat8(MAX_ALPHA), splat8(MIN_TRANSMITTANCE), splat8(ZERO)
        for tile in range(start, stop):
            left, top, columns, rows = tile_box(tile, tiles_x, width, height)
            outside = lanes8() > splat8(np.float32(columns) - HALF)
            for row in range(TILE_HEIGHT):
                at = row * TILE_WIDTH
                store8(through, at, select8(outside, splat8(-ONE), splat8(ONE)))
                store8(closing, at, select8(outside, splat8(-ONE), splat8(NEVER)))
                for k in range(channels):
                    store8(sums, k * PLANE + at, zero)
            live = np.uint32((np.uint64(1) << np.uint64(rows)) - np.uint64(1))

            for pair in range(tile_starts[tile], tile_starts[tile + 1]):
                prefetch(records, pair_ranks[pair + AHEAD] * RECORD)
                bits = pair_rows[pair] & live
                pair_rows[pair] = bits
                if bits == 0:
                    continue
                record = pair_ranks[pair] * RECORD
                dx, offset, base, C = splat_terms(records, record, left, top)
                color0, color1, color2, color3 = splat_color(records, record)
                this = splat8(np.float32(pair - tile_starts[tile]))
                while bits != 0:
                    row = lowest_bit(bits)
                    bits &= bits - np.uint32(1)
                    at = row * TILE_WIDTH
                    t = load8(centres, at) + offset
                    exponent = fma8(C * t, t, base)
                    alpha = select8(exponent >= least, min8(exp2_8(exponent, table), most), zero)
                    before = load8(through, at)
                    weight = alpha * before
                    after = before - weight
                    open_ = after > floor
                    weight = select8(open_, weight, zero)
                    store8(through, at, select8(open_, after, min8(before, zero - before)))
                    store8(sums, at, fma8(weight, color0, load8(sums, at)))
                    if channels > 1:
                        store8(sums, PLANE + at, fma8(weight, color1, load8(sums, PLANE + at)))
                    if channels > 2:
                        store8(sums, 2 * PLANE + at, fma8(weight, color2, load8(sums, 2 * PLANE + at)))
                    if channels > 3:
                        store8(sums, 3 * PLANE + at, fma8(weight, color3, load8(sums, 3 * PLANE + at)))
                    if bits8(open_) ^ signs8(before) != ALL_LANES:
                        # Some pixels closed just now: neither open nor closed before.
                        kept = select8(open_, load8(closing, at), this)
                        store8(closing, at, select8(before > zero, kept, load8(closing, at)))
                        if bits8(open_) == 0:
                            live &= ~(np.uint32(1) << np.uint32(row))

            for row in range(rows):
                at, out = row * TILE_WIDTH, (top + row) * stride + left
                left_over = abs8(load8(through, at))
                store8(through, at, left_over)
                store8(alphas, out, splat8(ONE) - left_over)
                for k in range(channels):
                    color = fma8(left_over, splat8(backgrounds[k]), load8(sums, k * PLANE + at))
                    store8(colors, k * height * stride + out, color)
            if tile_starts[tile + 1] > tile_starts[tile]:
                transmittances[tile * PLANE : (tile + 1) * PLANE] = through
                closing_pairs[tile * PLANE : (tile + 1) * PLANE] = closing

    return blend

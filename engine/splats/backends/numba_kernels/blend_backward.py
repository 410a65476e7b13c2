# SPDX-License-Identifier: GPL-3.0-or-later
"""The gradients of `blend`: back to front over the same pairs, then summed over each splat's pairs in a fixed order.

Following 3D Gaussian Splatting (Kerbl et al. 2023), appendix C: with S the sum of what lies behind a splat,
d/dalpha = T color - S / (1 - alpha). Colours enter only by their product with the pixel's gradient, so S is one number.
"""

import math
from functools import lru_cache

import numpy as np

from .bins import AHEAD, RECORD, TILE_WIDTH
from .blend import (
    CHANNELS, LOG2_MIN_ALPHA, MAX_ALPHA, ONE, PLANE, ZERO, row_centres, splat_color, splat_terms, tile_box,
)  # fmt: skip
from .compiled import compiled
from .simd import EXP2_TABLE, exp2_8, fma8, load8, lowest_bit, min8, prefetch, select8, splat8, store8, sums8

MOMENTS = 6  # of d/dsigma: its sums with 1, dx, dx^2, t, dx t, t^2
PAIR = 16  # float32 per pair: the moments, then the channels' gradients; the rest is unused
LN_2 = math.log(2)


@lru_cache
def blend_backward_kernel(channels: int):
    """The kernel for 1 to 4 channels."""

    @compiled
    def blend_backward(
        records, tile_starts, pair_ranks, pair_rows, width, height, backgrounds, transmittances, closing_pairs,
        v_colors, v_alphas, v_pairs, number, start, stop,
    ):  # fmt: skip
        """Fill v_pairs (P * PAIR,) of the pairs of tiles start to stop from the gradients to the picture, laid out
        as in `blend`, zero beyond the width."""
        tiles_x = -(-width // TILE_WIDTH)
        stride = tiles_x * TILE_WIDTH
        v = np.empty(CHANNELS * PLANE, np.float32)
        through, behind = np.empty(PLANE, np.float32), np.empty(PLANE, np.float32)
        table, centres = EXP2_TABLE.copy(), row_centres()
        least, most, one, zero = splat8(LOG2_MIN_ALPHA), splat8(MAX_ALPHA), splat8(ONE), splat8(ZERO)
        for tile in range(start, stop):
            if tile_starts[tile + 1] == tile_starts[tile]:
                continue
            left, top, columns, rows = tile_box(tile, tiles_x, width, height)
            state = tile * PLANE
            behind[:] = 0
            through[:] = 0
            for row in range(rows):
                at, source = row * TILE_WIDTH, (top + row) * stride + left
                background = zero - load8(v_alphas, source)
                for k in range(channels):
                    gradient = load8(v_colors, k * height * stride + source)
                    store8(v, k * PLANE + at, gradient)
                    background = fma8(gradient, splat8(backgrounds[k]), background)
                store8(through, at, load8(transmittances, state + at))
                store8(behind, at, load8(transmittances, state + at) * background)

            for back in range(tile_starts[tile + 1] - tile_starts[tile]):
                pair = tile_starts[tile + 1] - 1 - back
                prefetch(records, pair_ranks[max(pair - AHEAD, 0)] * RECORD)
                bits = pair_rows[pair]
                if bits == 0:
                    continue
                record = pair_ranks[pair] * RECORD
                dx, offset, base, C = splat_terms(records, record, left, top)
                color0, color1, color2, color3 = splat_color(records, record)
                this = splat8(np.float32(pair - tile_starts[tile]))
                v_color0 = v_color1 = v_color2 = v_color3 = moment0 = moment1 = moment2 = zero
                while bits != 0:
                    row = lowest_bit(bits)
                    bits &= bits - np.uint32(1)
                    at = row * TILE_WIDTH
                    t = load8(centres, at) + offset
                    exponent = fma8(C * t, t, base)
                    raw = exp2_8(exponent, table)
                    drawn = (exponent >= least) & (load8(closing_pairs, state + at) > this)
                    alpha = select8(drawn, min8(raw, most), zero)
                    rest = one / (one - alpha)
                    before = load8(through, at) * rest
                    store8(through, at, before)
                    weight = alpha * before
                    v0 = load8(v, at)
                    product = color0 * v0
                    v_color0 = fma8(weight, v0, v_color0)
                    if channels > 1:
                        v1 = load8(v, PLANE + at)
                        product = fma8(color1, v1, product)
                        v_color1 = fma8(weight, v1, v_color1)
                    if channels > 2:
                        v2 = load8(v, 2 * PLANE + at)
                        product = fma8(color2, v2, product)
                        v_color2 = fma8(weight, v2, v_color2)
                    if channels > 3:
                        v3 = load8(v, 3 * PLANE + at)
                        product = fma8(color3, v3, product)
                        v_color3 = fma8(weight, v3, v_color3)
                    hidden = load8(behind, at)
                    store8(behind, at, fma8(weight, product, hidden))
                    # Where alpha was cut at 0.999 it does not move with the exponent.
                    v_sigma = select8(most >= raw, alpha * (hidden * rest - before * product), zero)
                    moment0 = moment0 + v_sigma
                    t_sigma = t * v_sigma
                    moment1 = moment1 + t_sigma
                    moment2 = fma8(t, t_sigma, moment2)
                dx_moment0 = dx * moment0
                out = pair * PAIR
                moments = (moment0, dx_moment0, dx * dx_moment0, moment1, dx * moment1, moment2)
                store8(v_pairs, out, sums8(*moments, v_color0, v_color1))
                store8(v_pairs, out + 8, sums8(v_color2, v_color3, zero, zero, zero, zero, zero, zero))

    return blend_backward


@compiled
def gather_pairs(
    order, records, opacities, pair_rows, splat_starts, splat_pairs, v_pairs, v_means2d, v_factors, v_opacities,
    v_colors, number, start, stop,
):  # fmt: skip
    """Add the pairs of ranks start to stop to the gradients of their splats: v_means2d (N, 2), v_factors (N, 3),
    v_opacities (N,), v_colors (N, D)."""
    sums = np.empty(PAIR, np.float32)
    for m in range(start, stop):
        n = order[m]
        low = high = splat8(ZERO)
        for i in range(splat_starts[m], splat_starts[m + 1]):
            prefetch(v_pairs, splat_pairs[i + 2 * AHEAD] * PAIR)
            pair = splat_pairs[i]
            if pair_rows[pair] != 0:
                low, high = low + load8(v_pairs, pair * PAIR), high + load8(v_pairs, pair * PAIR + 8)
        store8(sums, 0, low)
        store8(sums, 8, high)
        # sigma = (A dx^2 + C t^2) / 2, t = dy + S dx; records hold A and C in units of log2(alpha)
        A, S, C = -2 * LN_2 * records[m * RECORD + 2], records[m * RECORD + 3], -2 * LN_2 * records[m * RECORD + 4]
        v_means2d[n, 0] -= A * sums[1] + C * S * sums[3]
        v_means2d[n, 1] -= C * sums[3]
        v_factors[n, 0] += 0.5 * sums[2]
        v_factors[n, 1] += C * sums[4]
        v_factors[n, 2] += 0.5 * sums[5]
        v_opacities[n] -= sums[0] / opacities[n]
        for k in range(v_colors.shape[1]):
            v_colors[n, k] += sums[MOMENTS + k]

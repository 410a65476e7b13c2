# SPDX-License-Identifier: GPL-3.0-or-later
"""The gradients of `blend`: back to front over the same pairs, then summed over each splat's pairs in a fixed order.

Following 3D Gaussian Splatting (Kerbl et al. 2023), appendix C: with S the sum of what lies behind a splat,
d/dalpha = T color - S / (1 - alpha). Colours enter only by their product with the pixel's gradient, so S is one number.
"""

import math
from functools import lru_cache

import numpy as np

from .bins import RECORD, TILE_HEIGHT, TILE_WIDTH
from .blend import CHANNELS, LOG2_MIN_ALPHA, MAX_ALPHA, ONE, PLANE, HALF, ZERO, tile_box, tile_columns
from .compiled import compiled
from .simd import exp2_8, fma8, load8, lowest_bit, min8, select8, splat8, store8, sums8

MOMENTS = 6  # of d/dsigma: sums of 1, dx, dx^2, dy, dx dy, dy^2
PAIR = 16  # float32 per pair: the moments, then the channels' gradients; the rest is unused
LN_2 = math.log(2)


@lru_cache
def blend_backward_kernel(channels: int):
    """The kernel for 1 to 4 channels."""

    @compiled
    def blend_backward(
        records, tile_starts, pair_ranks, pair_rows, tiles_x, backgrounds, transmittances, last_pairs, v_colors,
        v_alphas, v_pairs, number, start, stop,
    ):  # fmt: skip
        """Fill v_pairs (P * PAIR,) of the pairs of tiles start to stop from v_colors (H, W, channels) and v_alphas
        (H, W, 1)."""
        height, width = v_alphas.shape[:2]
        v = np.zeros(CHANNELS * PLANE, np.float32)
        through, behind = np.empty(PLANE, np.float32), np.empty(PLANE, np.float32)
        least, most, one, zero = splat8(LOG2_MIN_ALPHA), splat8(MAX_ALPHA), splat8(ONE), splat8(ZERO)
        for tile in range(start, stop):
            left, top, columns, rows = tile_box(tile, tiles_x, width, height)
            x = tile_columns(left)
            base = tile * PLANE
            first_y = np.float32(top) + HALF
            v[:] = 0
            behind[:] = 0
            through[:] = 0
            for row in range(rows):
                for column in range(columns):
                    at = row * TILE_WIDTH + column
                    background = -v_alphas[top + row, left + column, 0]
                    for k in range(channels):
                        v[k * PLANE + at] = v_colors[top + row, left + column, k]
                        background += v[k * PLANE + at] * backgrounds[k]
                    through[at] = transmittances[base + at]
                    behind[at] = through[at] * background

            for back in range(tile_starts[tile + 1] - tile_starts[tile]):
                pair = tile_starts[tile + 1] - 1 - back
                bits = pair_rows[pair]
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
                v_color0 = v_color1 = v_color2 = v_color3 = moment0 = moment1 = moment2 = zero
                while bits != 0:
                    row = lowest_bit(bits)
                    bits &= bits - np.uint32(1)
                    at = row * TILE_WIDTH
                    dy = splat8(first_dy + np.float32(row))
                    dy1 = first_dy + np.float32(row)
                    exponent = fma8(dx, fma8(b, dy, a_dx), splat8(level + c * dy1 * dy1))
                    raw = exp2_8(exponent)
                    drawn = (exponent >= least) & (load8(last_pairs, base + at) >= this)
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
                    dy_sigma = dy * v_sigma
                    moment1 = moment1 + dy_sigma
                    moment2 = fma8(dy, dy_sigma, moment2)
                dx_moment0 = dx * moment0
                out = pair * PAIR
                store8(
                    v_pairs,
                    out,
                    sums8(moment0, dx_moment0, dx * dx_moment0, moment1, dx * moment1, moment2, v_color0, v_color1),
                )
                if channels > 2:
                    store8(
                        v_pairs, out + 8, sums8(v_color2, v_color3, zero, zero, zero, zero, zero, zero)
                    )

    return blend_backward


@compiled
def gather_pairs(
    order, records, opacities, pair_rows, splat_starts, splat_pairs, v_pairs, v_means2d, v_conics, v_opacities,
    v_colors, number, start, stop,
):  # fmt: skip
    """Add the pairs of ranks start to stop to the gradients of their splats: v_means2d (N, 2), v_conics (N, 3),
    v_opacities (N,), v_colors (N, D)."""
    sums = np.empty(MOMENTS + CHANNELS)
    channels = v_colors.shape[1]
    for m in range(start, stop):
        n = order[m]
        sums[:] = 0
        for i in range(splat_starts[m], splat_starts[m + 1]):
            pair = splat_pairs[i]
            if pair_rows[pair] != 0:
                for k in range(MOMENTS + channels):
                    sums[k] += v_pairs[pair * PAIR + k]
        # records hold A, B, C in log2 units: sigma = -ln 2 (A dx^2 + B dx dy + C dy^2)
        a, b, c = (
            -2 * LN_2 * records[m * RECORD + 2], -LN_2 * records[m * RECORD + 3], -2 * LN_2 * records[m * RECORD + 4],
        )  # fmt: skip
        v_means2d[n, 0] -= a * sums[1] + b * sums[3]
        v_means2d[n, 1] -= b * sums[1] + c * sums[3]
        v_conics[n, 0] += 0.5 * sums[2]
        v_conics[n, 1] += sums[4]
        v_conics[n, 2] += 0.5 * sums[5]
        v_opacities[n] -= sums[0] / opacities[n]
        for k in range(channels):
            v_colors[n, k] += sums[MOMENTS + k]

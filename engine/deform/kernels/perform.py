# SPDX-License-Identifier: GPL-3.0-or-later
"""All of Deformation.pose after the nodes, for one frame, by hand: basis, nodes, changes, and the head's own pose."""

import math

import numpy as np

from ...splats.backends.numba_kernels.compiled import compiled
from ...splats.backends.numba_kernels.simd import LANES, fma8, load8, splat8, store8, sums8

CHANNELS, PADDED = 13, 16
ZERO = np.float32(0)


@compiled
def _basis(basis, start, z, rank, out):
    """out (16) = basis (13, rank) z, of a flat basis that begins at start; rank is a multiple of 8."""
    zero = splat8(ZERO)
    for first in (0, 8):
        s0, s1, s2, s3, s4, s5, s6, s7 = zero, zero, zero, zero, zero, zero, zero, zero
        for k in range(0, rank, LANES):
            x, at = load8(z, k), start + first * rank + k
            s0 = fma8(load8(basis, at), x, s0)
            s1 = fma8(load8(basis, at + rank), x, s1)
            s2 = fma8(load8(basis, at + 2 * rank), x, s2)
            s3 = fma8(load8(basis, at + 3 * rank), x, s3)
            s4 = fma8(load8(basis, at + 4 * rank), x, s4)
            if first == 0:
                s5 = fma8(load8(basis, at + 5 * rank), x, s5)
                s6 = fma8(load8(basis, at + 6 * rank), x, s6)
                s7 = fma8(load8(basis, at + 7 * rank), x, s7)
        store8(out, first, sums8(s0, s1, s2, s3, s4, s5, s6, s7))


@compiled
def perform(
    means, quats, scales, opacities, colors, basis, z, units, largest, index, weights, offsets, nodes, log_error, slope,
    torso, turn, rotation, shift, out_means, out_quats, out_scales, out_opacities, out_colors, uncertainty, number,
    start, stop,
):
    """Fill what is `out_` and uncertainty (N,) of Gaussians start to stop.

    Args:
        means, quats, scales, opacities: at rest. colors: (N, 3), the constant coefficients.
        basis: flat (N, 13, R), z: (R,), R a multiple of 8; units: (13,).
        largest: how far log-scales may change.
        index: (N, k), weights: (N, k), offsets: (N, k, 3) from node to Gaussian; k may be 0.
        nodes: flat (K, 16): 13 changes in metres, radians, ..., then how unsure the node is.
        log_error, torso: (N,); slope: a number.
        turn: (4,) the head's quaternion, rotation: (3, 3) the same, shift: (3,).
    """
    change, by_nodes = np.empty(PADDED, np.float32), np.empty(PADDED, np.float32)
    rank, neighbours = len(z), index.shape[1]
    for n in range(start, stop):
        _basis(basis, n * CHANNELS * rank, z, rank, change)
        for c in range(CHANNELS):
            change[c] *= units[c]
        doubt = ZERO
        if neighbours:
            low, high = splat8(ZERO), splat8(ZERO)
            for k in range(neighbours):
                at, w = index[n, k] * PADDED, weights[n, k]
                low = fma8(load8(nodes, at), splat8(w), low)
                high = fma8(load8(nodes, at + LANES), splat8(w), high)
                dx, dy, dz = w * offsets[n, k, 0], w * offsets[n, k, 1], w * offsets[n, k, 2]
                rx, ry, rz = nodes[at + 3], nodes[at + 4], nodes[at + 5]
                change[0] += ry * dz - rz * dy
                change[1] += rz * dx - rx * dz
                change[2] += rx * dy - ry * dx
            store8(by_nodes, 0, low)
            store8(by_nodes, LANES, high)
            for c in range(CHANNELS):
                change[c] += by_nodes[c]
            doubt = by_nodes[CHANNELS]
        uncertainty[n] = math.exp(log_error[n] + slope * doubt)
        for c in range(3):
            growth = min(max(change[6 + c], -largest), largest)
            out_scales[n, c] = scales[n, c] * math.exp(growth)
            out_colors[n, c] = colors[n, c] + change[10 + c]
        odds, o = np.float32(math.exp(min(max(change[9], -8.0), 8.0))), opacities[n]
        out_opacities[n] = o * odds / (1 - o + o * odds)
        _turned(n, change, means, quats, torso, turn, rotation, shift, out_means, out_quats)


@compiled
def _turned(n, change, means, quats, torso, turn, rotation, shift, out_means, out_quats):
    """The Gaussian's place and rotation: changed, and turned with the head by as much as it is not the torso's."""
    x, y, z = means[n, 0] + change[0], means[n, 1] + change[1], means[n, 2] + change[2]
    stays = torso[n]
    goes = 1 - stays
    for c in range(3):
        there = rotation[c, 0] * x + rotation[c, 1] * y + rotation[c, 2] * z + shift[c]
        out_means[n, c] = goes * there + stays * (means[n, c] + change[c])
    ax, ay, az = 0.5 * change[3], 0.5 * change[4], 0.5 * change[5]
    length = 1 / math.sqrt(1 + ax * ax + ay * ay + az * az)
    q = _product(length, ax * length, ay * length, az * length, quats[n, 0], quats[n, 1], quats[n, 2], quats[n, 3])
    tw, tx, ty, tz = stays + goes * turn[0], goes * turn[1], goes * turn[2], goes * turn[3]
    length = 1 / math.sqrt(tw * tw + tx * tx + ty * ty + tz * tz)
    q = _product(tw * length, tx * length, ty * length, tz * length, q[0], q[1], q[2], q[3])
    for c in range(4):
        out_quats[n, c] = q[c]


@compiled
def _product(aw, ax, ay, az, bw, bx, by, bz):
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )

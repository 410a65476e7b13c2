# SPDX-License-Identifier: GPL-3.0-or-later
"""fusion.fuse by hand, eight points at a time, in two steps: each view by itself, then all views together.

The T - 1 columns of M are the networks' means in Helmert's contrasts, which need no mean and are one column fewer than
the deviations. All arrays are flat, and what is known of eight points lies together as a block. A view's block: W
(T - 1, 48), inverse variances, means and information P mean (48 each). A fusion's block, R = V (T - 1): the Cholesky
factor of I - W^T E^-1 W with inverted diagonal (R, R), E^-1 and the fused mean (48 each).
"""

import math

import numpy as np

from ...splats.backends.numba_kernels.compiled import compiled
from ...splats.backends.numba_kernels.simd import (
    EXP2_TABLE, LANES, exp2_8, fma8, load8, max8, min8, select8, splat8, sqrt8, store8,
)

D = 48
ONE = np.float32(1)
ZERO = np.float32(0)
LOG2_E = np.float32(1 / math.log(2))


def view_size(members: int) -> int:
    """Numbers in a view's block."""
    return LANES * D * (members - 1 + 3)


def fusion_size(views: int, members: int) -> int:
    """Numbers in a fusion's block."""
    return LANES * ((views * (members - 1)) ** 2 + 2 * D)


@compiled
def view_blocks(raw, members, points, least, most, table, state, number, start, stop):
    """Fill a view's blocks start to stop; the last one ends at the last point.

    Args:
        raw: flat (T, 96, P), P >= 8.
        state: flat (blocks, view_size).
    """
    zero, one = splat8(ZERO), splat8(ONE)
    low, high, to_log2 = splat8(np.float32(least)), splat8(np.float32(most)), splat8(LOG2_E)
    share, rank = splat8(np.float32(1 / members)), members - 1
    inverse, mean, known = rank * D * LANES, (rank + 1) * D * LANES, (rank + 2) * D * LANES
    size = (rank + 3) * D * LANES
    M, G = np.empty(max(rank, 1) * D * LANES, np.float32), np.empty(members * members * LANES, np.float32)
    for block in range(start, stop):
        point, W = min(block * LANES, points - LANES), block * size
        for d in range(D):
            total, deviation = zero, zero
            at = d * points + point
            for t in range(members):
                log = load8(raw, at + D * points)
                total = total + exp2_8(min8(max8(log, low), high) * to_log2, table)
                x = load8(raw, at)
                if t > 0:
                    scale = splat8(np.float32(1 / math.sqrt(t * (t + 1.0) * rank)))
                    store8(M, ((t - 1) * D + d) * LANES, (deviation - splat8(np.float32(t)) * x) * scale)
                deviation = deviation + x
                at += 2 * D * points
            inv, center = one / (total * share), deviation * share
            store8(state, W + inverse + d * LANES, inv)
            store8(state, W + mean + d * LANES, center)
            store8(state, W + known + d * LANES, inv * center)
        for i in range(rank):
            for d in range(D):
                at = (i * D + d) * LANES
                store8(state, W + at, load8(M, at) * load8(state, W + inverse + d * LANES))
        _gram(M, 0, state, W, rank, G, 0)  # G = I + M^T D^-1 M
        for i in range(rank):
            store8(G, (i * rank + i) * LANES, load8(G, (i * rank + i) * LANES) + one)
        _cholesky(G, 0, rank)
        for j in range(rank):  # W = D^-1 M L^-T, column by column, and what it takes from the information
            scale, dot = load8(G, (j * rank + j) * LANES), zero
            for d in range(D):
                x = load8(state, W + (j * D + d) * LANES)
                for i in range(j):
                    x = x - load8(G, (j * rank + i) * LANES) * load8(state, W + (i * D + d) * LANES)
                x = x * scale
                store8(state, W + (j * D + d) * LANES, x)
                dot = fma8(x, load8(state, W + mean + d * LANES), dot)
            for d in range(D):
                at = W + known + d * LANES
                store8(state, at, load8(state, at) - load8(state, W + (j * D + d) * LANES) * dot)


@compiled
def _gram(X, x, Y, y, n, out, at):
    """The lower triangle of X^T Y (n, n), of columns (n, 48), four of the results at a time."""
    zero = splat8(ZERO)
    for i in range(n):
        for j in range(0, i + 1, 4):
            a0, a1, a2, a3 = zero, zero, zero, zero
            # Beyond the triangle's edge a column is computed twice, so that every turn of the loop is alike.
            j1, j2, j3 = min(j + 1, i), min(j + 2, i), min(j + 3, i)
            row, c0, c1 = x + i * D * LANES, y + j * D * LANES, y + j1 * D * LANES
            c2, c3 = y + j2 * D * LANES, y + j3 * D * LANES
            for d in range(0, D * LANES, LANES):
                left = load8(X, row + d)
                a0 = fma8(left, load8(Y, c0 + d), a0)
                a1 = fma8(left, load8(Y, c1 + d), a1)
                a2 = fma8(left, load8(Y, c2 + d), a2)
                a3 = fma8(left, load8(Y, c3 + d), a3)
            store8(out, at + (i * n + j) * LANES, a0)
            store8(out, at + (i * n + j1) * LANES, a1)
            store8(out, at + (i * n + j2) * LANES, a2)
            store8(out, at + (i * n + j3) * LANES, a3)


@compiled
def _cholesky(A, base, n):
    """The lower triangle of A (n, n) becomes its Cholesky factor with an inverted diagonal; four rows at a time."""
    zero = splat8(ZERO)
    for j in range(n):
        at = base + j * n * LANES
        scale = zero
        for i in range(j, n, 4):
            r0 = base + i * n * LANES
            r1, r2 = base + min(i + 1, n - 1) * n * LANES, base + min(i + 2, n - 1) * n * LANES
            r3 = base + min(i + 3, n - 1) * n * LANES
            column = j * LANES
            t0, t1, t2, t3 = load8(A, r0 + column), load8(A, r1 + column), load8(A, r2 + column), load8(A, r3 + column)
            for k in range(0, column, LANES):
                x = zero - load8(A, at + k)
                t0, t1 = fma8(x, load8(A, r0 + k), t0), fma8(x, load8(A, r1 + k), t1)
                t2, t3 = fma8(x, load8(A, r2 + k), t2), fma8(x, load8(A, r3 + k), t3)
            if i == j:
                scale = splat8(ONE) / sqrt8(max8(t0, splat8(np.float32(1e-12))))
                t0 = splat8(ONE)
            store8(A, r3 + column, t3 * scale)
            store8(A, r2 + column, t2 * scale)
            store8(A, r1 + column, t1 * scale)
            store8(A, r0 + column, t0 * scale)


@compiled
def _solve(W, state, K, R, b, y, x):
    """x (48) = (E - W W^T)^-1 b for W (R, 48) and a fusion's block at K of `state`; y (R) is room."""
    einv = K + R * R * LANES
    for i in range(R):
        total = splat8(ZERO)
        for d in range(D):
            scaled = load8(b, d * LANES) * load8(state, einv + d * LANES)
            total = fma8(load8(W, (i * D + d) * LANES), scaled, total)
        for k in range(i):
            total = total - load8(state, K + (i * R + k) * LANES) * load8(y, k * LANES)
        store8(y, i * LANES, total * load8(state, K + (i * R + i) * LANES))
    for i in range(R - 1, -1, -1):
        total = load8(y, i * LANES)
        for k in range(i + 1, R):
            total = total - load8(state, K + (k * R + i) * LANES) * load8(y, k * LANES)
        store8(y, i * LANES, total * load8(state, K + (i * R + i) * LANES))
    for d in range(D):
        total = load8(b, d * LANES)
        for i in range(R):
            total = fma8(load8(W, (i * D + d) * LANES), load8(y, i * LANES), total)
        store8(x, d * LANES, total * load8(state, einv + d * LANES))


@compiled
def _log_det(E, state, K, R, product, logs):
    """logs (8) = log det of E - W W^T, by logarithms of products that float32 can hold."""
    logs[:] = 0.0
    for first in range(0, D, 6):
        total = load8(E, first * LANES)
        for d in range(first + 1, first + 6):
            total = total * load8(E, d * LANES)
        store8(product, 0, total)
        for lane in range(LANES):
            logs[lane] += math.log(product[lane])
    for first in range(0, R, 3):
        total = splat8(ONE)
        for i in range(first, min(first + 3, R)):
            total = total * load8(state, K + (i * R + i) * LANES)
        store8(product, 0, total)
        for lane in range(LANES):
            logs[lane] -= 2 * math.log(product[lane])


@compiled
def _side_by_side(states, view_starts, block, members, W):
    """Copy every view's W of a block to W (R, 48)."""
    length = (members - 1) * D * LANES
    for v in range(len(view_starts)):
        start = view_starts[v] + block * (members + 2) * D * LANES
        for at in range(0, length, LANES):
            store8(W, v * length + at, load8(states, start + at))


@compiled
def fuse_blocks(states, view_starts, members, points, prior, state, fused, unsure, number, start, stop):
    """Fuse blocks start to stop.

    Args:
        states: flat, the views' blocks; view_starts: (V,) where each view's begin.
        state: flat (blocks, fusion_size), to be filled.
        fused: flat (48, P), and unsure (P,), to be filled.
    """
    zero, one, views, rank = splat8(ZERO), splat8(ONE), len(view_starts), members - 1
    R = views * rank
    E, b, y = np.empty(D * LANES, np.float32), np.empty(D * LANES, np.float32), np.empty(R * LANES, np.float32)
    W, X = np.empty(R * D * LANES, np.float32), np.empty(max(R, 1) * D * LANES, np.float32)
    product, logs = np.empty(LANES, np.float32), np.empty(LANES)
    for block in range(start, stop):
        point, K = min(block * LANES, points - LANES), block * (R * R + 2 * D) * LANES
        einv, result = K + R * R * LANES, K + (R * R + D) * LANES
        _side_by_side(states, view_starts, block, members, W)
        for d in range(D):
            total, information = splat8(np.float32(prior)), zero
            for v in range(views):
                at = view_starts[v] + (block * (members + 2) + rank) * D * LANES + d * LANES
                total = total + load8(states, at)
                information = information + load8(states, at + 2 * D * LANES)
            store8(E, d * LANES, total)
            store8(b, d * LANES, information)
            store8(state, einv + d * LANES, one / total)
        for i in range(R):  # I - W^T E^-1 W
            for d in range(D):
                at = (i * D + d) * LANES
                store8(X, at, (zero - load8(W, at)) * load8(state, einv + d * LANES))
        _gram(X, 0, W, 0, R, state, K)
        for i in range(R):
            at = K + (i * R + i) * LANES
            store8(state, at, load8(state, at) + one)
        _cholesky(state, K, R)
        _solve(W, state, K, R, b, y, X)
        for d in range(D):
            store8(state, result + d * LANES, load8(X, d * LANES))
            store8(fused, d * points + point, load8(X, d * LANES))
        _log_det(E, state, K, R, product, logs)
        for lane in range(LANES):
            unsure[point + lane] = -logs[lane] / D


@compiled
def _precision(states, W, rank, x, out):
    """out (48) = a view's precision times x: D^-1 x - W W^T x, of the view's block at W."""
    for d in range(D):
        store8(out, d * LANES, load8(x, d * LANES) * load8(states, W + (rank * D + d) * LANES))
    for j in range(rank):
        dot = splat8(ZERO)
        for d in range(D):
            dot = fma8(load8(states, W + (j * D + d) * LANES), load8(x, d * LANES), dot)
        for d in range(D):
            store8(out, d * LANES, load8(out, d * LANES) - load8(states, W + (j * D + d) * LANES) * dot)


@compiled
def fuse_blocks_backward(
    raw, states, view_starts, members, points, least, most, table, state, v_fused, v_raw, number, start, stop
):
    """The gradient to `raw`, flat (V, T, 96, P), from that to `fused`.

    With u = (E - W W^T)^-1 v, a = P u and r = P (mean - fused) of a view of precision P, the gradient to its mean is a,
    and to its covariance -(a r^T + r a^T) / 2.
    """
    views, rank = len(view_starts), members - 1
    R = views * rank
    low, high, to_log2 = splat8(np.float32(least)), splat8(np.float32(most)), splat8(LOG2_E)
    share, zero, spread = splat8(np.float32(1 / members)), splat8(ZERO), splat8(np.float32(1 / rank))
    W, y = np.empty(R * D * LANES, np.float32), np.empty(R * LANES, np.float32)
    v, u, a = np.empty(D * LANES, np.float32), np.empty(D * LANES, np.float32), np.empty(D * LANES, np.float32)
    r, x = np.empty(D * LANES, np.float32), np.empty(D * LANES, np.float32)
    for block in range(start, stop):
        point, K = min(block * LANES, points - LANES), block * (R * R + 2 * D) * LANES
        result = K + (R * R + D) * LANES
        _side_by_side(states, view_starts, block, members, W)
        for d in range(D):
            store8(v, d * LANES, load8(v_fused, d * points + point))
        _solve(W, state, K, R, v, y, u)
        for view in range(views):
            own = view_starts[view] + block * (members + 2) * D * LANES
            mean = own + (rank + 1) * D * LANES
            _precision(states, own, rank, u, a)
            for d in range(D):
                store8(x, d * LANES, load8(states, mean + d * LANES) - load8(state, result + d * LANES))
            _precision(states, own, rank, x, r)
            at = view * members * 2 * D * points + point
            for t in range(members):
                along_r, along_a = zero, zero
                for d in range(D):
                    deviation = load8(raw, at + d * points) - load8(states, mean + d * LANES)
                    along_r = fma8(load8(r, d * LANES), deviation, along_r)
                    along_a = fma8(load8(a, d * LANES), deviation, along_a)
                along_r, along_a = along_r * spread, along_a * spread
                for d in range(D):
                    of_a, of_r = load8(a, d * LANES), load8(r, d * LANES)
                    store8(v_raw, at + d * points, of_a * (share - along_r) - of_r * along_a)
                    log = load8(raw, at + (D + d) * points)
                    held = min8(max8(log, low), high)
                    gradient = (zero - of_a * of_r) * share * exp2_8(held * to_log2, table)
                    free = (held >= log) & (log >= held)
                    store8(v_raw, at + (D + d) * points, select8(free, gradient, zero))
                at += 2 * D * points

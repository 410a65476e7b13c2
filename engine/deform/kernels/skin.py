# SPDX-License-Identifier: GPL-3.0-or-later
"""nodes.follow by hand: Gaussians follow their nodes, and the way back."""

import math

import numpy as np

from ...splats.backends.numba_kernels.compiled import compiled

CHANNELS = 13


@compiled
def _softmax(logits, n, weights):
    top = logits[n, 0]
    for k in range(1, logits.shape[1]):
        top = max(top, logits[n, k])
    total = np.float32(0)
    for k in range(logits.shape[1]):
        weights[k] = math.exp(logits[n, k] - top)
        total += weights[k]
    for k in range(logits.shape[1]):
        weights[k] /= total


@compiled
def follow(nodes, unsure, means, centers, index, logits, changes, doubt, number, start, stop):
    """Fill changes (N, 13) and doubt (N,) of Gaussians start to stop.

    Args:
        nodes: (K, 13), unsure: (K,), centers: (K, 3).
        means: (N, 3), index: (N, k) int32, logits: (N, k).
    """
    weights, total = np.empty(logits.shape[1], np.float32), np.empty(CHANNELS, np.float32)
    for n in range(start, stop):
        _softmax(logits, n, weights)
        total[:] = 0
        doubts = np.float32(0)
        for k in range(logits.shape[1]):
            node, w = index[n, k], weights[k]
            for c in range(CHANNELS):
                total[c] += w * nodes[node, c]
            dx, dy, dz = (
                means[n, 0] - centers[node, 0], means[n, 1] - centers[node, 1], means[n, 2] - centers[node, 2]
            )  # fmt: skip
            rx, ry, rz = nodes[node, 3], nodes[node, 4], nodes[node, 5]
            total[0] += w * (ry * dz - rz * dy)
            total[1] += w * (rz * dx - rx * dz)
            total[2] += w * (rx * dy - ry * dx)
            doubts += w * unsure[node]
        for c in range(CHANNELS):
            changes[n, c] = total[c]
        doubt[n] = doubts


@compiled
def follow_backward(nodes, means, centers, index, logits, v_changes, v_nodes, v_logits, number, start, stop):
    """Fill v_logits (N, k) of Gaussians start to stop, and add their share of the gradient to the nodes to
    v_nodes[number] (K, 13)."""
    count = logits.shape[1]
    weights, pulls = np.empty(count, np.float32), np.empty(count, np.float32)
    own = v_nodes[number]
    for n in range(start, stop):
        _softmax(logits, n, weights)
        mean = np.float32(0)
        vx, vy, vz = v_changes[n, 0], v_changes[n, 1], v_changes[n, 2]
        for k in range(count):
            node, w = index[n, k], weights[k]
            dx, dy, dz = (
                means[n, 0] - centers[node, 0], means[n, 1] - centers[node, 1], means[n, 2] - centers[node, 2]
            )  # fmt: skip
            # The gradient to the rotation is d x v, and r . (d x v) what the swing adds to the pull.
            tx, ty, tz = dy * vz - dz * vy, dz * vx - dx * vz, dx * vy - dy * vx
            pull = nodes[node, 3] * tx + nodes[node, 4] * ty + nodes[node, 5] * tz
            for c in range(CHANNELS):
                pull += nodes[node, c] * v_changes[n, c]
                own[node, c] += w * v_changes[n, c]
            own[node, 3] += w * tx
            own[node, 4] += w * ty
            own[node, 5] += w * tz
            pulls[k] = pull
            mean += w * pull
        for k in range(count):
            v_logits[n, k] = weights[k] * (pulls[k] - mean)

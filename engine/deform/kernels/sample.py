# SPDX-License-Identifier: GPL-3.0-or-later
"""Weighted sums of texels, and the way back: what planes.TriPlane needs of torch's embedding_bag, without sorting."""

import numpy as np

from ...splats.backends.numba_kernels.compiled import compiled


@compiled
def sample(index, weight, texels, out, number, start, stop):
    """Fill out (P, C) of points start to stop; index (P, 12) int32, weight (P, 12), texels (U, C)."""
    for p in range(start, stop):
        out[p] = 0
        for k in range(index.shape[1]):
            w, texel = weight[p, k], index[p, k]
            for c in range(texels.shape[1]):
                out[p, c] += w * texels[texel, c]


@compiled
def sample_backward(index, weight, v_out, v_texels, number, start, stop):
    """Add the gradient to the texels' channels start to stop to v_texels (U, C), from v_out (P, C)."""
    for p in range(len(index)):
        for k in range(index.shape[1]):
            w, texel = weight[p, k], index[p, k]
            for c in range(start, stop):
                v_texels[texel, c] += w * v_out[p, c]

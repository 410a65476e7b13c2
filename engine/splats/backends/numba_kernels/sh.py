# SPDX-License-Identifier: GPL-3.0-or-later
"""Spherical harmonics to colours and back: `torch_backend.sh_colors` by hand."""

import math

import numpy as np

from .compiled import compiled


@compiled
def _bases(degree, x, y, z, values):
    """The real spherical harmonics of a unit direction (Efficient Spherical Harmonic Evaluation, Sloan 2013)."""
    values[0] = 0.2820947917738781
    if degree >= 1:
        values[1], values[2], values[3] = -0.48860251190292 * y, 0.48860251190292 * z, -0.48860251190292 * x
    if degree >= 2:
        values[4] = 1.0925484305920792 * x * y
        values[5] = -1.0925484305920792 * y * z
        values[6] = 0.9461746957575601 * z * z - 0.3153915652525201
        values[7] = -1.0925484305920792 * x * z
        values[8] = 0.5462742152960395 * (x * x - y * y)
    if degree >= 3:
        zz = z * z
        values[9] = -0.5900435899266435 * y * (3 * x * x - y * y)
        values[10] = 2.890611442640554 * x * y * z
        values[11] = y * (0.4570457994644658 - 2.285228997322329 * zz)
        values[12] = z * (1.865881662950577 * zz - 1.119528997770346)
        values[13] = x * (0.4570457994644658 - 2.285228997322329 * zz)
        values[14] = 1.445305721320277 * z * (x * x - y * y)
        values[15] = -0.5900435899266435 * x * (x * x - 3 * y * y)


@compiled
def _bases_backward(degree, x, y, z, v):
    """The gradient to the direction from that to `_bases`."""
    vx = vy = vz = 0.0
    if degree >= 1:
        vx, vy, vz = -0.48860251190292 * v[3], -0.48860251190292 * v[1], 0.48860251190292 * v[2]
    if degree >= 2:
        vx += 1.0925484305920792 * (y * v[4] - z * v[7] + x * v[8])
        vy += 1.0925484305920792 * (x * v[4] - z * v[5] - y * v[8])
        vz += 2 * 0.9461746957575601 * z * v[6] - 1.0925484305920792 * (y * v[5] + x * v[7])
    if degree >= 3:
        a, b, c, d = 0.5900435899266435, 2.890611442640554, 2.285228997322329, 0.4570457994644658
        xx, yy, zz = x * x, y * y, z * z
        vx += -6 * a * x * y * v[9] + b * (y * z * v[10] + x * z * v[14]) + (d - c * zz) * v[13]
        vx += -3 * a * (xx - yy) * v[15]
        vy += -3 * a * (xx - yy) * v[9] + b * (x * z * v[10] - y * z * v[14]) + (d - c * zz) * v[11]
        vy += 6 * a * x * y * v[15]
        vz += b * (x * y * v[10] + 0.5 * (xx - yy) * v[14]) - 2 * c * z * (y * v[11] + x * v[13])
        vz += (3 * 1.865881662950577 * zz - 1.119528997770346) * v[12]
    return vx, vy, vz


@compiled
def _direction(means, campos, c, n):
    x = np.float64(means[n, 0]) - campos[c, 0]
    y = np.float64(means[n, 1]) - campos[c, 1]
    z = np.float64(means[n, 2]) - campos[c, 2]
    inverse = 1 / max(math.sqrt(x * x + y * y + z * z), 1e-12)
    return x * inverse, y * inverse, z * inverse, inverse


@compiled
def sh_colors(degree, means, campos, coeffs, colors, number, start, stop):
    """Fill colors (C, N, 3) of Gaussians start to stop from coefficients (1 or C, N, K, 3)."""
    values = np.empty(16)
    count = (degree + 1) ** 2
    for c in range(len(campos)):
        own = min(c, len(coeffs) - 1)
        for n in range(start, stop):
            x, y, z, _ = _direction(means, campos, c, n)
            _bases(degree, x, y, z, values)
            r = g = b = 0.5
            for k in range(count):
                r += values[k] * coeffs[own, n, k, 0]
                g += values[k] * coeffs[own, n, k, 1]
                b += values[k] * coeffs[own, n, k, 2]
            colors[c, n, 0], colors[c, n, 1], colors[c, n, 2] = max(r, 0.0), max(g, 0.0), max(b, 0.0)


@compiled
def sh_colors_backward(
    degree, means, campos, coeffs, colors, v_colors, v_means, v_campos, v_coeffs, number, start, stop
):
    """Fill v_means (N, 3) and v_coeffs (as coeffs) of Gaussians start to stop, and their share of the gradient to the
    cameras' positions: v_campos[number] (C, 3)."""
    values, v_values = np.empty(16), np.empty(16)
    count = (degree + 1) ** 2
    v_means[start:stop] = 0
    v_coeffs[:, start:stop] = 0
    for c in range(len(campos)):
        own = min(c, len(coeffs) - 1)
        sum_x = sum_y = sum_z = 0.0
        for n in range(start, stop):
            x, y, z, inverse = _direction(means, campos, c, n)
            _bases(degree, x, y, z, values)
            # A colour of 0 was cut off there.
            r = v_colors[c, n, 0] if colors[c, n, 0] > 0 else np.float32(0)
            g = v_colors[c, n, 1] if colors[c, n, 1] > 0 else np.float32(0)
            b = v_colors[c, n, 2] if colors[c, n, 2] > 0 else np.float32(0)
            for k in range(count):
                v_coeffs[own, n, k, 0] += values[k] * r
                v_coeffs[own, n, k, 1] += values[k] * g
                v_coeffs[own, n, k, 2] += values[k] * b
                v_values[k] = coeffs[own, n, k, 0] * r + coeffs[own, n, k, 1] * g + coeffs[own, n, k, 2] * b
            vx, vy, vz = _bases_backward(degree, x, y, z, v_values)
            along = vx * x + vy * y + vz * z
            vx, vy, vz = (vx - along * x) * inverse, (vy - along * y) * inverse, (vz - along * z) * inverse
            v_means[n, 0] += vx
            v_means[n, 1] += vy
            v_means[n, 2] += vz
            sum_x, sum_y, sum_z = sum_x - vx, sum_y - vy, sum_z - vz
        v_campos[number, c, 0], v_campos[number, c, 1], v_campos[number, c, 2] = sum_x, sum_y, sum_z

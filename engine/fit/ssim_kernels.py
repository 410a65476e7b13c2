# SPDX-License-Identifier: GPL-3.0-or-later
"""SSIM and its derivative on a CPU: two compiled passes over rows, each pixel's window weighed down and then across.

The sums over a window run along rows of eight and more pixels at once, which LLVM turns into vector instructions.
"""

import numpy as np

from ..splats.backends.numba_kernels.compiled import compiled
from ..splats.backends.numba_kernels.parallel import run, thread_count

RADIUS, SIGMA = 5, 1.5
WINDOW = np.exp(-0.5 * (np.arange(-RADIUS, RADIUS + 1) / SIGMA) ** 2)
WINDOW = (WINDOW / WINDOW.sum()).astype(np.float32)
C1, C2 = np.float32(0.01**2), np.float32(0.03**2)
BAND = 16  # rows of a piece of work


@compiled
def _across(row, window, out):
    """out[x] = the weighed sum of row[x : x + 11]."""
    for x in range(len(out)):
        out[x] = 0.0
    for k in range(len(window)):
        w = window[k]
        for x in range(len(out)):
            out[x] += w * row[x + k]


@compiled
def forward(pictures, targets, window, sums, slopes, number, start, stop):
    """Rows of windows of SSIM; pieces count all rows of all planes.

    Args:
        pictures, targets: (P, H, W) float32.
        sums: (pieces,) float64, receives the sum of SSIM over the piece's windows.
        slopes: (3, P, H - 10, W - 10) float32, receives dSSIM by the mean of x, of x^2 and of xy.
    """
    P, H, W = pictures.shape
    rows, size = H - len(window) + 1, W - len(window) + 1
    down = np.empty((5, W), np.float32)
    means = np.empty((5, size), np.float32)
    values = np.empty(size, np.float32)  # summed apart: a running sum would keep the whole loop from being vectors
    total = 0.0
    for item in range(start, stop):
        p, r = item // rows, item % rows
        down[:] = 0.0
        for k in range(len(window)):
            w = window[k]
            x, y = pictures[p, r + k], targets[p, r + k]
            for i in range(W):
                a, b = x[i], y[i]
                wa, wb = w * a, w * b
                down[0, i] += wa
                down[1, i] += wb
                down[2, i] += wa * a
                down[3, i] += wb * b
                down[4, i] += wa * b
        for q in range(5):
            _across(down[q], window, means[q])
        d_mean, d_square, d_product = slopes[0, p, r], slopes[1, p, r], slopes[2, p, r]
        for i in range(size):
            mx, my = means[0, i], means[1, i]
            a1 = np.float32(2) * mx * my + C1
            a2 = np.float32(2) * (means[4, i] - mx * my) + C2
            b1 = mx * mx + my * my + C1
            b2 = means[2, i] - mx * mx + means[3, i] - my * my + C2
            inverse = np.float32(1) / (b1 * b2)
            s = a1 * a2 * inverse
            values[i] = s
            d_product[i] = np.float32(2) * a1 * inverse
            d_square[i] = -s * b1 * inverse
            # The variances and the covariance hold the mean, too.
            direct = np.float32(2) * my * a2 * inverse - np.float32(2) * mx * s * b2 * inverse
            d_mean[i] = direct - np.float32(2) * mx * d_square[i] - my * d_product[i]
        total += values.sum()
    sums[number] = total


@compiled
def backward(pictures, targets, window, slopes, scale, gradient, number, start, stop):
    """Rows of the derivative by `pictures`, `scale` times; pieces count all rows of all planes."""
    P, H, W = pictures.shape
    taps = len(window)
    rows, size = H - taps + 1, W - taps + 1
    down = np.zeros((3, W + taps - 1), np.float32)
    down_mean, down_square, down_product = down[0, taps - 1 :], down[1, taps - 1 :], down[2, taps - 1 :]
    spread = np.empty((3, W), np.float32)
    for item in range(start, stop):
        p, r = item // H, item % H
        down[:] = 0.0
        for k in range(taps):
            at = r - k
            if 0 <= at < rows:
                w = window[k]
                mean, square, product = slopes[0, p, at], slopes[1, p, at], slopes[2, p, at]
                for i in range(size):
                    down_mean[i] += w * mean[i]
                    down_square[i] += w * square[i]
                    down_product[i] += w * product[i]
        for q in range(3):
            _across(down[q], window, spread[q])
        x, y, out = pictures[p, r], targets[p, r], gradient[p, r]
        for i in range(W):
            out[i] = scale * (spread[0, i] + np.float32(2) * x[i] * spread[1, i] + y[i] * spread[2, i])


def ssim_forward(pictures: np.ndarray, targets: np.ndarray, threads: int) -> tuple[float, np.ndarray]:
    """Mean SSIM of (P, H, W) planes over the windows that lie within, and the slopes that `ssim_backward` takes."""
    P, H, W = pictures.shape
    rows = P * (H - 2 * RADIUS)
    pieces = [(at, min(at + BAND, rows)) for at in range(0, rows, BAND)]
    slopes = np.empty((3, P, H - 2 * RADIUS, W - 2 * RADIUS), np.float32)
    sums = np.empty(len(pieces))
    run(thread_count(threads), forward, pieces, pictures, targets, WINDOW, sums, slopes)
    return float(sums.sum()) / slopes[0].size, slopes


def ssim_backward(
    pictures: np.ndarray, targets: np.ndarray, slopes: np.ndarray, scale: float, threads: int
) -> np.ndarray:
    """(P, H, W) derivative of `scale` times the mean SSIM by `pictures`."""
    P, H, _ = pictures.shape
    gradient = np.empty_like(pictures)
    pieces = [(at, min(at + BAND, P * H)) for at in range(0, P * H, BAND)]
    share = np.float32(scale / slopes[0].size)
    run(thread_count(threads), backward, pieces, pictures, targets, WINDOW, slopes, share, gradient)
    return gradient

# SPDX-License-Identifier: GPL-3.0-or-later
"""The smallest basis of movements that keeps within a stated error: principal components, by way of the small matrix of
frames against frames (the method of snapshots; Sirovich 1987, Turbulence and the dynamics of coherent structures).
"""

import numpy as np

from ..report import Report

MOST_SHAPES = 128
# No point may be further off than this many times the error that 95 of 100 points keep: lips and lids are few points.
WORST = 2.0
BIN_MM, BINS = 0.001, 50_000


class Errors:
    """Distances in millimetres as they come in, without keeping them all."""

    def __init__(self) -> None:
        self.counts, self.max = np.zeros(BINS, np.int64), 0.0

    def add(self, offsets: np.ndarray) -> None:
        """(..., 3) metres."""
        mm = 1000 * np.sqrt(np.einsum("...i,...i->...", offsets, offsets))
        self.max = max(self.max, float(mm.max(initial=0.0)))
        self.counts += np.bincount(np.minimum(mm.ravel() / BIN_MM, BINS - 1).astype(np.int64), minlength=BINS)

    @property
    def p95(self) -> float:
        """To the next 0.001 mm above."""
        if self.max < BIN_MM:
            return self.max
        rank = np.searchsorted(np.cumsum(self.counts), 0.95 * self.counts.sum())
        return min((rank + 1) * BIN_MM, self.max)

    def within(self, error_mm: float) -> bool:
        return self.p95 <= error_mm and self.max <= WORST * error_mm


def find_basis(movement: np.ndarray, error_mm: float, report: Report) -> np.ndarray:
    """The fewest shapes with which movements stay within an error, if MOST_SHAPES can do it, else that many.

    Args:
        movement: (S, N, 3) float32 metres from rest in some frames.
        error_mm: what 95 of 100 distances keep; no distance is larger than WORST times it.

    Returns:
        (K, N, 3) float16, each as large as the frames need it at weight 1 or -1.

    Raises:
        Cancelled: the person asked to stop.
    """
    frames, points = movement.shape[:2]
    flat = movement.reshape(frames, -1)
    report.progress("basis", 0, 3)
    values, vectors = np.linalg.eigh(np.float64(flat @ flat.T))
    kept = values[::-1] > max(values[-1], 0) * 1e-10
    vectors = np.ascontiguousarray(vectors[:, ::-1][:, kept][:, :MOST_SHAPES].astype(np.float32))
    report.progress("basis", 1, 3)
    shapes = vectors.T @ flat  # (K, 3N): orthogonal, and movement = vectors @ shapes
    some = slice(None, None, max(1, points // 4000))

    def errors(count: int, places: slice) -> Errors:
        report.check()
        found, chosen = Errors(), shapes[:count].reshape(count, points, 3)[:, places]
        for start in range(0, frames, 32):
            rows = slice(start, start + 32)
            given = vectors[rows, :count] @ chosen.reshape(count, 3 * chosen.shape[1])
            found.add(movement[rows, places] - given.reshape(-1, *chosen.shape[1:]))
        return found

    low, high = 0, len(shapes)
    while low < high:  # some of the points tell about how many it will be
        middle = (low + high) // 2
        low, high = (low, middle) if errors(middle, some).within(error_mm) else (middle + 1, high)
    report.progress("basis", 2, 3)
    while low < len(shapes) and not errors(low, slice(None)).within(error_mm):
        low += 1
    report.progress("basis", 3, 3)
    largest = np.abs(vectors[:, :low]).max(axis=0, initial=1e-12)
    return (shapes[:low] * largest[:, None]).reshape(low, points, 3).astype(np.float16)


class Weights:
    """Finds how much of each shape a movement holds, by least squares on the shapes as they are stored.

    Args:
        basis: (K, N, 3) float16.
    """

    def __init__(self, basis: np.ndarray) -> None:
        self._shapes = basis.reshape(len(basis), 3 * basis.shape[1]).astype(np.float32)
        gram = np.float64(self._shapes @ self._shapes.T)
        self._inverse = np.linalg.pinv(gram, hermitian=True)

    def of(self, movement: np.ndarray) -> np.ndarray:
        """(F, N, 3) metres to (F, K) float32."""
        return np.float32(np.float64(movement.reshape(len(movement), -1) @ self._shapes.T) @ self._inverse)

    def movement(self, weights: np.ndarray) -> np.ndarray:
        """(F, K) to (F, N, 3) metres."""
        return (weights @ self._shapes).reshape(len(weights), -1, 3)

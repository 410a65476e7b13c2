# SPDX-License-Identifier: GPL-3.0-or-later
"""What the points carry, made of a clip: sorted axes, and turns relative to their neighbours."""

from dataclasses import dataclass

import numpy as np
from mathutils.kdtree import KDTree

from .clip_file import PointsClip


@dataclass
class Splats:
    """Attributes of N points.

    Args:
        means: (N, 3) float32 metres.
        basis: (K, N, 3) float32 metres.
        colors, tile_colors: (N, 4) float32, linear, alpha 1.
        sizes: (N, 3) float32 standard deviations in metres, the largest first.
        quats: (N, 4) float32 wxyz, of the axes of `sizes`.
        turns: (N, 4) float32 wxyz, the same relative to the frame of the neighbours at rest.
        neighbours: (N, 2) int32.
        opacities, uncertainty, regions: (N,).
    """

    means: np.ndarray
    basis: np.ndarray
    colors: np.ndarray
    tile_colors: np.ndarray
    sizes: np.ndarray
    quats: np.ndarray
    turns: np.ndarray
    neighbours: np.ndarray
    opacities: np.ndarray
    uncertainty: np.ndarray
    regions: np.ndarray


def splats_of(clip: PointsClip, most: int, seed: int = 0) -> Splats:
    """A clip's points, thinned evenly to at most `most`, the rest grown so that they cover as much."""
    count = len(clip)
    kept = np.arange(count)
    if count > most:
        kept = np.sort(np.random.default_rng(seed).choice(count, most, replace=False))
    quats, sizes = _sorted_axes(clip.quats[kept], clip.scales[kept])
    means, neighbours = clip.means[kept], _kept_neighbours(clip, kept)
    turns = multiply(inverse(quats_of(frames(means, neighbours))), quats)
    return Splats(
        means, clip.basis[:, kept].astype(np.float32), _opaque(clip.colors[kept]), _opaque(clip.tile_colors[kept]),
        sizes * np.float32((count / len(kept)) ** 0.5), quats.astype(np.float32), turns.astype(np.float32), neighbours,
        clip.opacities[kept], clip.uncertainty[kept], clip.regions[kept],
    )


def _opaque(colors: np.ndarray) -> np.ndarray:
    """(N, 3) to (N, 4), with alpha 1."""
    return np.pad(colors, ((0, 0), (0, 1)), constant_values=1.0)


def frames(points: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """(N, 3, 3) axes in columns of the neighbours' edges, as docs/formats.md says; the identity without a plane."""
    first, second = (points[neighbours[:, k]] - points for k in (0, 1))
    normal = np.cross(first, second)
    along, across = np.linalg.norm(first, axis=1), np.linalg.norm(normal, axis=1)
    x = first / np.maximum(along, 1e-12)[:, None]
    z = normal / np.maximum(across, 1e-12)[:, None]
    matrix = np.stack([x, np.cross(z, x), z], axis=-1)
    matrix[across < LEAST_NORMAL] = np.eye(3)
    return matrix


LEAST_NORMAL = 1e-12  # square metres spanned by two edges; the nodes ask for the same


def quats_of(matrix: np.ndarray) -> np.ndarray:
    """(N, 3, 3) rotations to (N, 4) unit quats wxyz (Shepperd 1978)."""
    m = matrix.astype(np.float64)
    xx, yy, zz = m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]
    a, b, c = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    d, e, f = m[:, 1, 0] + m[:, 0, 1], m[:, 0, 2] + m[:, 2, 0], m[:, 2, 1] + m[:, 1, 2]
    rows = np.stack([
        np.stack([1 + xx + yy + zz, a, b, c], 1), np.stack([a, 1 + xx - yy - zz, d, e], 1),
        np.stack([b, d, 1 - xx + yy - zz, f], 1), np.stack([c, e, f, 1 - xx - yy + zz], 1),
    ], 1)  # fmt: skip
    best = rows[np.arange(len(m)), rows[:, range(4), range(4)].argmax(axis=1)]
    return best / np.linalg.norm(best, axis=1, keepdims=True)


def matrices(quats: np.ndarray) -> np.ndarray:
    """(N, 4) unit quats wxyz to (N, 3, 3)."""
    w, x, y, z = quats.T.astype(np.float64)
    return np.stack([
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ], axis=-1).reshape(-1, 3, 3)  # fmt: skip


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton product of (N, 4) quats wxyz: the rotation b, then a."""
    aw, ax, ay, az = a.T
    bw, bx, by, bz = b.T
    return np.stack([
        aw * bw - ax * bx - ay * by - az * bz, aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx, aw * bz + ax * by - ay * bx + az * bw,
    ], axis=-1)  # fmt: skip


def inverse(quats: np.ndarray) -> np.ndarray:
    return quats * np.array([1.0, -1.0, -1.0, -1.0])


def _sorted_axes(quats: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same ellipsoids with their axes in falling order, so that a flat one lies in its own xy plane."""
    order = np.argsort(-scales, axis=1, kind="stable")
    axes = np.take_along_axis(matrices(quats), order[:, None, :], axis=2)
    axes[:, :, 2] *= np.linalg.det(axes)[:, None]
    return quats_of(axes), np.take_along_axis(scales, order, axis=1)


def _kept_neighbours(clip: PointsClip, kept: np.ndarray) -> np.ndarray:
    """Neighbours among the kept points; where one went, the two nearest that stayed."""
    place = np.full(len(clip), -1, np.int64)
    place[kept] = np.arange(len(kept))
    pairs = place[clip.neighbours[kept]]
    lost = np.flatnonzero((pairs < 0).any(axis=1))
    if len(lost):
        means = clip.means[kept]
        tree = KDTree(len(kept))
        for index, point in enumerate(means.tolist()):
            tree.insert(point, index)
        tree.balance()
        for row in lost:
            near = [index for _, index, _ in tree.find_n(means[row].tolist(), 3) if index != row]
            pairs[row] = near[:2] if len(near) > 1 else row
    return pairs.astype(np.int32)

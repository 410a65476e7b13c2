# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches: the oriented discs that every part of the puppet is made of."""

from dataclasses import dataclass, fields

import numpy as np

# Two neighbours at this share of their spacing as standard deviation leave no gap and blur little.
COVER = 0.62


@dataclass
class Patch:
    """N discs of one part.

    Args:
        means: (N, 3) metres.
        normals, tangents: (N, 3) unit vectors, perpendicular to each other.
        scales: (N, 3) metres, standard deviations along tangent, bitangent (normal x tangent) and normal.
        albedo: (N, 3) linear RGB before light.
        opacities: (N,).
        side: (N,) +1 belongs to the upper lip, -1 to the lower, 0 to neither.
        along: (N,) on the tongue, 0 at the root to 1 at the tip; 0 elsewhere.
        gloss: (N,) 0 felt to 1 wet.
        shelter: (N,) how much of the shade that neighbours cast falls on it.
        glow: (N,) 0: lit by the lamps, 1: the albedo is the colour (catch-lights, what lies inside the mouth).
    """

    means: np.ndarray
    normals: np.ndarray
    tangents: np.ndarray
    scales: np.ndarray
    albedo: np.ndarray
    opacities: np.ndarray
    side: np.ndarray
    along: np.ndarray
    gloss: np.ndarray
    shelter: np.ndarray
    glow: np.ndarray

    def __len__(self) -> int:
        return len(self.means)

    def keep(self, mask: np.ndarray) -> "Patch":
        """The discs where `mask` (N,) holds."""
        return Patch(**{f.name: getattr(self, f.name)[mask] for f in fields(self)})

    def quats(self) -> np.ndarray:
        """(N, 4) wxyz of the frames (tangent, bitangent, normal)."""
        frames = np.stack([self.tangents, np.cross(self.normals, self.tangents), self.normals], axis=-1)
        return quats_from_matrices(frames)


def make_patch(
    means: np.ndarray, normals: np.ndarray, scales, albedo, *, tangents: np.ndarray | None = None,
    opacity: float = 0.99, side: float = 0, along=0.0, gloss: float = 0.0, shelter: float = 1.0, glow: float = 0.0,
) -> Patch:
    """A patch from arrays or from single values that hold for every disc.

    Args:
        scales: a number (round discs, a fifth as thick), or three numbers or rows (N, 3).
        tangents: (N, 3), made perpendicular to the normals here; any direction where None.
    """
    count = len(means)
    normals = unit(normals)
    if tangents is None:
        tangents = np.cross(normals, np.where(np.abs(normals[:, :1]) < 0.8, [[1.0, 0, 0]], [[0, 1.0, 0]]))
    tangents = unit(tangents - normals * dot(normals, tangents))
    scales = np.asarray(scales, np.float64)
    if scales.ndim == 0 or scales.shape == (count,):
        scales = np.multiply.outer(scales, [1.0, 1.0, 0.2])

    def rows(value, *shape: int) -> np.ndarray:
        return np.broadcast_to(np.asarray(value, np.float64), (count, *shape)).copy()

    return Patch(
        np.asarray(means, np.float64), normals, tangents, rows(scales, 3), rows(albedo, 3), rows(opacity), rows(side),
        rows(along), rows(gloss), rows(shelter), rows(glow),
    )


def grid_patch(points: np.ndarray, outside: np.ndarray, albedo, *, cover: float = COVER, **options) -> Patch:
    """Discs on the nodes of a curved grid, as large as its cells.

    Args:
        points: (U, V, 3) metres.
        outside: (3,) or (U, V, 3), a point or points on the outer side, towards which the normals turn.
        albedo: three numbers or (U, V, 3).
        options: as in `make_patch`; arrays are (U, V).
    """
    along, across = np.gradient(points, axis=0), np.gradient(points, axis=1)
    size_u, size_v = np.linalg.norm(along, axis=-1), np.linalg.norm(across, axis=-1)
    normals = np.cross(along, across).reshape(-1, 3)
    flip = dot(normals, (outside - points).reshape(-1, 3)) < 0
    normals = np.where(flip, -normals, normals)
    thick = 0.2 * np.minimum(size_u, size_v)
    scales = cover * np.stack([size_u, size_v, thick], axis=-1).reshape(-1, 3)
    albedo = np.asarray(albedo, np.float64)
    flat = {k: v.reshape(-1) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    albedo = albedo.reshape(-1, 3) if albedo.ndim == 3 else albedo
    return make_patch(points.reshape(-1, 3), normals, scales, albedo, tangents=along.reshape(-1, 3), **flat)


def join(patches: list[Patch]) -> Patch:
    """One patch of many."""
    return Patch(**{f.name: np.concatenate([getattr(p, f.name) for p in patches]) for f in fields(Patch)})


def unit(vectors: np.ndarray) -> np.ndarray:
    """(..., 3) vectors made of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(..., 1) dot products."""
    return (a * b).sum(axis=-1, keepdims=True)


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 at `low`, 1 at `high` (which may be the smaller), smooth between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def linear(srgb: tuple[float, float, float]) -> np.ndarray:
    """An sRGB colour as (3,) linear RGB (gamma 2.2 is near enough for felt)."""
    return np.power(np.asarray(srgb, np.float64), 2.2)


def quats_from_matrices(matrices: np.ndarray) -> np.ndarray:
    """(N, 3, 3) rotation matrices to (N, 4) quats wxyz, by the largest component (Shepperd 1978)."""
    m = matrices
    xx, yy, zz = m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]
    squares = np.stack([1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz], axis=-1)
    wx, wy, wz = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    xy, xz, yz = m[:, 1, 0] + m[:, 0, 1], m[:, 0, 2] + m[:, 2, 0], m[:, 2, 1] + m[:, 1, 2]
    rows = np.stack(
        [
            np.stack([squares[:, 0], wx, wy, wz], -1),
            np.stack([wx, squares[:, 1], xy, xz], -1),
            np.stack([wy, xy, squares[:, 2], yz], -1),
            np.stack([wz, xz, yz, squares[:, 3]], -1),
        ],
        axis=1,
    )
    return unit(rows[np.arange(len(m)), squares.argmax(axis=1)])

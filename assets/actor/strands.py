# SPDX-License-Identifier: GPL-3.0-or-later
"""Hairs of head, brows and lashes as polylines that ride on the face's vertices.

A hair's points are offsets from weighted sums of face vertices, so that brows and lashes follow every shape key.
"""

from dataclasses import dataclass, fields

import numpy as np

from . import facekit, regions

POINTS = 5
TUBE_SIDES = 3
LOCKS = 900
SKULL_RADIUS = 0.085  # metres; hair bends with it, or tips would stand off where the head curves most
HAIR_RADIUS = 0.00038  # metres: a pixel of a portrait, for thinner hair would flicker from picture to picture
LASH_RADII = (0.00011, 0.00007)  # upper and lower, at the root
LASH_TAPER = np.array([1.0, 1.0, 0.8, 0.5, 0.1])
CARD = 114  # vertices of one of the kit's lash cards


@dataclass
class Strands:
    """S hairs of P points: points (S, P, 3) metres; sources (S, P, K) vertices and weights (S, P, K) that sum to 1,
    which they follow; radii (S, P) metres."""

    points: np.ndarray
    sources: np.ndarray
    weights: np.ndarray
    radii: np.ndarray


@dataclass
class Roots:
    """Points on the skin: corners (N, 3) vertices, weights (N, 3) barycentric, position and normal (N, 3) of the
    identity, template (N, 3) the place on the mean face."""

    corners: np.ndarray
    weights: np.ndarray
    position: np.ndarray
    normal: np.ndarray
    template: np.ndarray

    def chosen(self, kept: np.ndarray) -> "Roots":
        """Those of a mask (N,)."""
        return Roots(*(getattr(self, field.name)[kept] for field in fields(self)))


def scatter(kit: facekit.FaceKit, density: np.ndarray, count: int, rng: np.random.Generator) -> Roots:
    """`count` roots on the skin, as dense as `density` (V,) says."""
    first = kit.offsets[:-1]
    skin = (kit.corners[first] < facekit.NECK[1]) & (np.diff(kit.offsets) == 4)
    quads = kit.corners[first[skin][:, None] + np.arange(4)]
    triangles = np.vstack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    triangles = triangles[density[triangles].max(1) > 0.0]
    p = kit.rest[triangles]
    area = np.linalg.norm(np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]), axis=1)
    weight = area * density[triangles].mean(1)
    chosen = triangles[rng.choice(len(triangles), count, p=weight / weight.sum())]
    r, s = np.sqrt(rng.random(count)), rng.random(count)
    weights = np.stack([1.0 - r, r * (1.0 - s), r * s], axis=1)
    normal = np.einsum("nk,nkc->nc", weights, kit.normals[chosen])
    return Roots(
        chosen, weights, np.einsum("nk,nkc->nc", weights, kit.rest[chosen]),
        normal / np.linalg.norm(normal, axis=1, keepdims=True),
        np.einsum("nk,nkc->nc", weights, kit.template[chosen]),
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def tangent(vectors: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Unit vectors along the surface."""
    return unit(vectors - (vectors * normals).sum(-1, keepdims=True) * normals)


def grow(roots: Roots, direction: np.ndarray, length: np.ndarray, lift: np.ndarray, fall: np.ndarray,
         radius: float) -> Strands:
    """Hairs that leave the skin at `lift` radians, lie along `direction` (N, 3) for `length` (N,) metres, and bend by
    `fall` (N,) radians towards the skin over their length."""
    angle = lift[:, None] - fall[:, None] * np.linspace(0.0, 1.0, POINTS)[None, 1:]
    step = (length / (POINTS - 1))[:, None, None]
    moves = step * (np.cos(angle)[..., None] * direction[:, None] + np.sin(angle)[..., None] * roots.normal[:, None])
    start = roots.position - 0.0004 * roots.normal
    points = np.concatenate([start[:, None], start[:, None] + moves.cumsum(1)], axis=1)
    taper = np.array([1.0, 1.0, 0.9, 0.65, 0.15])
    return Strands(
        points, np.repeat(roots.corners[:, None], POINTS, axis=1), np.repeat(roots.weights[:, None], POINTS, axis=1),
        np.broadcast_to(radius * taper, points.shape[:2]).copy(),
    )


def brow_strands(kit: facekit.FaceKit, rng: np.random.Generator, count: int = 800) -> Strands:
    """Eyebrows: hairs rise at the inner end, sweep outwards along the brow, and converge from above and below."""
    roots = scatter(kit, regions.brows(kit.template), count, rng)
    roots = roots.chosen(regions.brows(roots.template) > 0.15)
    count = len(roots.position)
    left = roots.template[:, 0] > 0.0
    outwards = np.where(left, 1.0, -1.0)
    across, along = (np.where(left, a, b) for a, b in zip(
        regions.brow_place(roots.template, "Left"), regions.brow_place(roots.template, "Right")))
    rise = np.interp(along, [0.0, 0.15, 0.4, 0.8, 1.0], [1.35, 0.95, 0.45, -0.1, -0.5])
    rise -= 60.0 * across * np.clip(along * 3.0, 0.0, 1.0)
    rise += rng.normal(0.0, 0.13, count)
    heading = np.stack([outwards * np.cos(rise), np.full(count, 0.0), np.sin(rise)], axis=1)
    length = rng.uniform(0.0055, 0.0085, count) * np.interp(along, [0.0, 0.2, 0.7, 1.0], [0.75, 1.0, 1.0, 0.7])
    return grow(roots, tangent(heading, roots.normal), length, rng.uniform(0.22, 0.42, count),
                rng.uniform(0.25, 0.5, count), 0.00010)


def lash_strands(kit: facekit.FaceKit, rng: np.random.Generator, upper: int = 150, lower: int = 50) -> Strands:
    """Lashes along the kit's own lash cards: each hair runs from a card's root edge to its tip edge."""
    points, sources, weights, radii = [], [], [], []
    for side, first in facekit.LASH_CARDS.items():
        for row, number in ((0, upper), (1, lower)):
            root, tip = lash_edges(kit, first + 3 * CARD * row, side)
            place = np.sort(rng.uniform(0.02, 0.98, number)) * (len(root) - 1)
            slant = np.clip(place + rng.normal(0.0, 0.30, number), 0, len(root) - 1)
            reach = rng.uniform(0.7, 1.1, number) * (1.0 if row == 0 else 0.65)
            along = np.linspace(0.0, 1.0, POINTS)[None] * reach[:, None]
            pair = [_between(edge, at) for edge, at in ((root, place), (tip, slant))]
            source = np.concatenate([pair[0][0], pair[1][0]], axis=1)
            weight = np.concatenate([(1.0 - along)[..., None] * pair[0][1][:, None],
                                     along[..., None] * pair[1][1][:, None]], axis=2)
            source = np.repeat(source[:, None], POINTS, axis=1)
            line = (weight[..., None] * kit.rest[source]).sum(2)
            curl = 0.0016 if row == 0 else -0.0008
            line[..., 2] += curl * (along ** 2 - 0.25 * along)
            points.append(line), sources.append(source), weights.append(weight)
            radii.append(np.broadcast_to(LASH_TAPER * LASH_RADII[row], line.shape[:2]))
    return Strands(*(np.concatenate(parts) for parts in (points, sources, weights, radii)))


def lash_edges(kit: facekit.FaceKit, first: int, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Root and tip vertices (57,) of the lash card whose 114 vertices start at `first`, along the lid."""
    texture = np.zeros((len(kit.rest), 2))
    texture[kit.corners] = kit.uv[kit.uv_corners]
    card = np.arange(first, first + CARD)
    low = texture[card, 1] < texture[card, 1].mean()
    edges = [card[part][np.argsort(texture[card[part], 0])] for part in (low, ~low)]
    reach = [np.linalg.norm(kit.rest[edge] - kit.eye_centres[side], axis=1).mean() for edge in edges]
    return tuple(edges) if reach[0] < reach[1] else tuple(edges[::-1])


def _between(edge: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two vertices (N, 2) and weights (N, 2) for fractional places along an edge of vertices."""
    low = np.minimum(place.astype(int), len(edge) - 2)
    t = place - low
    return np.stack([edge[low], edge[low + 1]], axis=1), np.stack([1.0 - t, t], axis=1)


def scalp_strands(kit: facekit.FaceKit, rng: np.random.Generator, count: int = 26000) -> Strands:
    """A short cut: swept aside on top, down on the sides, fading to the nape and the sideburns."""
    roots = scatter(kit, (regions.hair(kit.template) > 0.0).astype(float), count, rng)
    roots = roots.chosen(rng.random(count) < regions.hair(roots.template) ** 0.6)
    count = len(roots.position)
    x, y, z = roots.template.T
    crown = np.array([0.012, 0.055, 0.12])
    away = tangent(roots.template - crown + [0.004, 0.004, 0.0], roots.normal)
    whorl = np.exp(-((roots.template - crown) ** 2).sum(1) / 0.03 ** 2)[:, None]
    away = (1.0 - whorl) * away + whorl * tangent(np.cross(roots.normal, away) + [0.35, -0.5, 0.0], roots.normal)
    top = np.clip((z - 0.062) / 0.035, 0.0, 1.0)
    front = np.clip((-y - 0.01) / 0.08, 0.0, 1.0)
    aside = tangent(np.broadcast_to([-0.85, 0.15, 0.25], away.shape), roots.normal)
    blend = (0.75 * top * front)[:, None]
    direction = (1.0 - blend) * away + blend * aside + rng.normal(0.0, 0.07, away.shape)
    direction[:, 2] -= 0.35 * (1.0 - top)
    side = np.clip((z - 0.0) / 0.06, 0.0, 1.0)
    length = 0.007 + 0.011 * side + (0.028 + 0.010 * front) * top
    edge = np.clip(regions.hair(roots.template), 0.2, 1.0)
    length *= edge * rng.uniform(0.75, 1.1, count)
    # Locks: hairs that grow near one another lie alike, and a lock differs from its neighbours.
    seeds = rng.choice(count, LOCKS, replace=False)
    lock = nearest(roots.position, roots.position[seeds])
    direction += (0.25 + 0.75 * top)[:, None] * rng.normal(0.0, 0.21, (LOCKS, 3))[lock]
    length *= rng.uniform(0.85, 1.15, LOCKS)[lock]
    lift = 0.24 + 0.78 * top * (0.45 + 0.55 * front) * (1.0 - 0.5 * whorl[:, 0]) + rng.normal(0.0, 0.025, count)
    lift += top * rng.normal(0.0, 0.08, LOCKS)[lock]
    fall = 0.40 + 0.95 * top + length / SKULL_RADIUS + rng.normal(0.0, 0.04, count)
    hair = grow(roots, tangent(direction, roots.normal), length, lift, fall, HAIR_RADIUS)
    hair.radii *= 0.5 + 0.5 * edge[:, None]
    gather = 0.45 * np.linspace(0.0, 1.0, POINTS)[None, :, None] ** 1.5 * top[:, None, None]
    middle = hair.points[seeds][lock]
    hair.points += gather * (middle - hair.points)
    return hair


def nearest(points: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """(N,) the index of the seed nearest to each point, a block at a time."""
    blocks = np.array_split(points, max(1, len(points) // 2000))
    square = (seeds ** 2).sum(1)
    return np.concatenate([(square - 2.0 * block @ seeds.T).argmin(1) for block in blocks])


def tubes(strands: Strands) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Strands as triangular tubes: vertices (S*P*3, 3), quads (Q, 4), and per vertex sources and weights (S*P*3, K)."""
    count, points = strands.points.shape[:2]
    along = unit(np.gradient(strands.points, axis=1))
    side = unit(np.cross(along, [0.31, -0.87, 0.38]))
    up = np.cross(along, side)
    turn = 2.0 * np.pi * np.arange(TUBE_SIDES) / TUBE_SIDES
    ring = (np.cos(turn)[:, None] * side[..., None, :] + np.sin(turn)[:, None] * up[..., None, :])
    vertices = strands.points[:, :, None] + strands.radii[..., None, None] * ring
    index = np.arange(count * points * TUBE_SIDES).reshape(count, points, TUBE_SIDES)
    after = np.roll(index, -1, axis=2)
    quads = np.stack([index[:, :-1], after[:, :-1], after[:, 1:], index[:, 1:]], axis=-1).reshape(-1, 4)
    sources, weights = (np.repeat(a.reshape(count * points, -1), TUBE_SIDES, axis=0)
                        for a in (strands.sources, strands.weights))
    return vertices.reshape(-1, 3), quads, sources, weights

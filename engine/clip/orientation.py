# SPDX-License-Identifier: GPL-3.0-or-later
"""How splats turn, told from how their neighbours move.

A clip holds places alone. Each Gaussian has two neighbours; the edges to them, made orthonormal, are a frame that turns
with the surface, and the Gaussian turns with its frame. So whatever moves the points later (shape keys, an armature, a
lattice) turns the splats, too, and no second basis is needed. Of the points nearby those are chosen whose edges have
turned most like the Gaussian itself. One that follows nobody is its own neighbour and keeps its rest orientation.
"""

import numpy as np

WINDOW = 8  # candidates before and after a point in each order
SHIFTS = (0.0, 0.37, 0.71)  # of the cells of Morton's order, in shares of the whole
LEAST_SINE = 0.4  # of the angle between the two edges
CHUNK = 2048


def nearby(points: np.ndarray) -> np.ndarray:
    """(N, C) int64: for each of (N, 3) points others close to it, found along shifted Morton orders, not all distinct.

    N points know at most N - 1 others; of fewer than two, a point itself fills the row.
    """
    count = len(points)
    extent = np.ptp(points, axis=0).max() + 1e-9
    unit = (points - points.min(axis=0)) / extent
    offsets = np.array([k for k in range(-WINDOW, WINDOW + 1) if k])
    columns = []
    for shift in SHIFTS:
        order = np.argsort(_morton((unit + shift) / 2), kind="stable")
        rank = np.empty(count, np.int64)
        rank[order] = np.arange(count)
        columns.append(order[np.clip(rank[:, None] + offsets, 0, count - 1)])
    return np.concatenate(columns, axis=1)


def choose_neighbours(rest: np.ndarray, moved: np.ndarray, turns: np.ndarray, check=lambda done: None) -> np.ndarray:
    """Two neighbours for each Gaussian.

    Args:
        rest: (N, 3) places at rest.
        moved: (F, N, 3) places in some frames, as the clip gives them.
        turns: (F, N, 4) unit quats, how each Gaussian has turned since rest.
        check: called with the number of Gaussians done, now and then.

    Returns:
        (N, 2) int32.
    """
    chosen = np.empty((len(rest), 2), np.int32)
    candidates = nearby(rest)
    for start in range(0, len(rest), CHUNK):
        check(start)
        here = np.arange(start, min(start + CHUNK, len(rest)))
        others = candidates[here]
        edges = rest[others] - rest[here, None]
        length = np.linalg.norm(edges, axis=-1)
        usable = length > 1e-6
        directions = edges / np.maximum(length, 1e-6)[..., None]
        cost = np.zeros(others.shape, np.float32)
        for places, turn in zip(moved, turns):
            now = places[others] - places[here, None]
            now /= np.maximum(np.linalg.norm(now, axis=-1, keepdims=True), 1e-6)
            expected = np.einsum("nij,nkj->nki", matrices(turn[here]), directions)
            cost += ((now - expected) ** 2).sum(axis=-1)
        cost = np.where(usable, cost / len(moved) + 1e-8, np.inf)
        first = cost.argmin(axis=1)
        row = np.arange(len(here))
        sine = np.linalg.norm(np.cross(directions, directions[row, first][:, None]), axis=-1)
        second_cost = np.where(sine > LEAST_SINE, cost / np.maximum(sine, 1e-6) ** 2, np.inf)
        second = second_cost.argmin(axis=1)
        # Turning by no angle at all is off by 2 sin(angle / 2) of the Gaussian's own turn.
        still = 4 * (1 - np.minimum(turns[:, here, 0] ** 2, 1.0)).mean(axis=0) + 1e-6
        lost = ~(second_cost[row, second] < still)
        pair = np.stack([others[row, first], others[row, second]], axis=1)
        chosen[here] = np.where(lost[:, None], here[:, None], pair)
    return chosen


def turned(quats: np.ndarray, rest: np.ndarray, moved: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """(N, 4) float32 unit quats of Gaussians whose places went from `rest` (N, 3) to `moved` (N, 3)."""
    matrix = frames(moved, neighbours) @ frames(rest, neighbours).transpose(0, 2, 1)
    return multiply(quats_of(matrix), quats).astype(np.float32)


def frames(points: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """(N, 3, 3): columns along the first edge, across both edges' normal and it, and along that normal; the identity
    where the edges have no plane.
    """
    first, second = (points[neighbours[:, k]] - points for k in (0, 1))
    normal = np.cross(first, second)
    lengths = np.linalg.norm(first, axis=1), np.linalg.norm(normal, axis=1)
    flat = lengths[1] > 1e-12
    x = first / np.maximum(lengths[0], 1e-12)[:, None]
    z = normal / np.maximum(lengths[1], 1e-12)[:, None]
    matrix = np.stack([x, np.cross(z, x), z], axis=-1)
    matrix[~flat] = np.eye(3)
    return matrix


def matrices(quats: np.ndarray) -> np.ndarray:
    """(N, 4) unit quats wxyz to (N, 3, 3)."""
    w, x, y, z = quats.T
    return np.stack([
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ], axis=-1).reshape(-1, 3, 3)  # fmt: skip


def quats_of(matrix: np.ndarray) -> np.ndarray:
    """(N, 3, 3) rotations to (N, 4) unit quats wxyz: the row of the quaternion's outer product whose diagonal is
    largest, which loses no digits (Shepperd 1978).
    """
    m = matrix.astype(np.float64)
    xx, yy, zz = m[:, 0, 0], m[:, 1, 1], m[:, 2, 2]
    a, b, c = m[:, 2, 1] - m[:, 1, 2], m[:, 0, 2] - m[:, 2, 0], m[:, 1, 0] - m[:, 0, 1]
    d, e, f = m[:, 1, 0] + m[:, 0, 1], m[:, 0, 2] + m[:, 2, 0], m[:, 2, 1] + m[:, 1, 2]
    products = np.stack([
        np.stack([1 + xx + yy + zz, a, b, c], 1), np.stack([a, 1 + xx - yy - zz, d, e], 1),
        np.stack([b, d, 1 - xx + yy - zz, f], 1), np.stack([c, e, f, 1 - xx - yy + zz], 1),
    ], 1)  # fmt: skip
    best = products[:, range(4), range(4)].argmax(axis=1)
    row = products[np.arange(len(m)), best]
    return row / np.linalg.norm(row, axis=1, keepdims=True)


def multiply(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton product of (..., 4) quats wxyz: the rotation b, then a."""
    aw, ax, ay, az = np.moveaxis(a, -1, 0)
    bw, bx, by, bz = np.moveaxis(b, -1, 0)
    return np.stack([
        aw * bw - ax * bx - ay * by - az * bz, aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx, aw * bz + ax * by - ay * bx + az * bw,
    ], axis=-1)  # fmt: skip


def inverse(quats: np.ndarray) -> np.ndarray:
    """Of (..., 4) unit quats wxyz."""
    return quats * np.array([1.0, -1.0, -1.0, -1.0], quats.dtype)


def _morton(unit: np.ndarray) -> np.ndarray:
    """(N, 3) in [0, 1] to places on Morton's curve, 20 bits an axis."""
    cells = np.clip(unit * (1 << 20), 0, (1 << 20) - 1).astype(np.uint64)
    code = np.zeros(len(unit), np.uint64)
    for bit in range(20):
        for axis in range(3):
            code |= ((cells[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(3 * bit + axis)
    return code

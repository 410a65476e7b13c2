# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a fit starts: points on a head-shaped shell, hair and torso about it, and more inside the mouth.

Heads are alike enough in their own frame for the puppet's skin to stand for anybody's. Points are kept where masks
allow them (a visual hull, Laurentini 1994), and each takes its region and colour from what pictures show at its place.
Where the shape is wrong, the fit moves them: a head-shaped start only saves it the way.
"""

import numpy as np

from ..capture.capture import REGIONS, Capture
from ..head import puppet_skin
from ..report import Report
from .pictures import Pictures
from .places import Places
from .points import FirstPoints

HEAD = np.isin(np.arange(len(REGIONS)), [REGIONS.index(name) for name in ("hair", "face", "mouth_interior")])
TORSO = REGIONS.index("neck_torso")
MOST_ROWS = 40
KEPT = 0.8  # share of the pictures in which a point must lie on the person
# Shares of the points. The shells of hair lie around the skin; what the masks cut off is gone.
SHARES = {"skin": 0.42, "hair": 0.24, "torso": 0.18, "mouth": 0.08, "eyes": 0.08}
HAIR_REACH = 0.05  # metres
TORSO_BOX = np.array([[-0.25, 0.25], [-0.10, 0.12], [-0.32, -0.08]])
CANDIDATES = 3  # of points that may be cut off


def first_points(
    capture: Capture, pictures: Pictures, places: Places, rows: np.ndarray, count: int, seed: int,
    report: Report | None = None,
) -> FirstPoints:
    """About `count` points.

    Args:
        rows: that may be looked at.
    """
    report = report or Report()
    rng = np.random.default_rng((seed, 1))
    groups = _candidates(places, count, rng)
    means = np.concatenate([points for points, _ in groups.values()])
    kind = np.concatenate([np.full(len(points), index) for index, (points, _) in enumerate(groups.values())])
    names, wanted = list(groups), [number for _, number in groups.values()]
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, MOST_ROWS).astype(int))]
    votes, sums, seen = _look(capture, pictures, means, rows, report)
    inside = votes[:, 1:].sum(axis=1) >= KEPT * np.maximum(seen, 1)
    region = votes.argmax(axis=1)
    head, torso = inside & HEAD[region], inside & (region == TORSO)
    fits = {"skin": head | torso, "hair": head & (region == REGIONS.index("hair")), "torso": torso,
            "mouth": head, "eyes": head}  # fmt: skip
    chosen = []
    for index, name in enumerate(names):
        mine = np.flatnonzero((kind == index) & fits[name] & (seen > 0))
        chosen.append(rng.permutation(mine)[: wanted[index]])
    chosen = np.concatenate(chosen)
    if len(chosen) < 0.1 * count:  # masks that fit no head: start from its shape alone
        chosen = np.flatnonzero(np.isin(kind, [names.index("skin"), names.index("mouth")]))
    colors = sums[chosen] / np.maximum(seen[chosen], 1)[:, None]
    return FirstPoints(
        means=means[chosen].astype(np.float32), colors=np.clip(colors, 0.02, 0.98).astype(np.float32),
        scales=_spacing(means[chosen]).astype(np.float32),
        torso=np.where(region[chosen] == TORSO, _torso(means[chosen][:, 2]), 0.0).astype(np.float32),
    )


def _candidates(places: Places, count: int, rng: np.random.Generator) -> dict[str, tuple[np.ndarray, int]]:
    """Points by group, and how many of each are wanted."""
    numbers = {name: int(share * count) for name, share in SHARES.items()}

    def directions(number: int) -> np.ndarray:
        vectors = rng.standard_normal((number, 3))
        vectors[:, 1] -= 0.6  # more in front than behind
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    skin = puppet_skin.along_rays(directions(CANDIDATES * numbers["skin"]))
    around = puppet_skin.along_rays(directions(CANDIDATES * numbers["hair"]))
    outwards = around - puppet_skin.ORIGIN
    outwards /= np.linalg.norm(outwards, axis=1, keepdims=True)
    hair = around + outwards * (HAIR_REACH * rng.random((len(around), 1)) ** 1.5)
    torso = rng.uniform(TORSO_BOX[:, 0], TORSO_BOX[:, 1], (2 * CANDIDATES * numbers["torso"], 3))
    torso[:, 1] += 0.6 * np.abs(torso[:, 0]) ** 1.5 - 0.02  # shoulders lie behind the chest
    mouth = places.mouth + rng.uniform((-0.026, 0.0, -0.012), (0.026, 0.03, 0.012), (numbers["mouth"], 3))
    spread = rng.normal(0, (0.010, 0.004, 0.006), (numbers["eyes"], 3))
    eyes = np.where(rng.random((numbers["eyes"], 1)) < 0.5, places.left_eye, places.right_eye) + spread
    groups = {"skin": skin, "hair": hair, "torso": torso, "mouth": mouth, "eyes": eyes}
    return {name: (points, numbers[name]) for name, points in groups.items()}


def _look(
    capture: Capture, pictures: Pictures, means: np.ndarray, rows: np.ndarray, report: Report
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What pictures show at points: (N, regions) votes, (N, 3) sums of colours, (N,) pictures that hold them."""
    votes, sums = np.zeros((len(means), len(REGIONS)), np.int32), np.zeros((len(means), 3))
    seen = np.zeros(len(means), np.int32)
    for done, row in enumerate(rows.tolist()):
        report.progress("first points", done, len(rows))
        view, K = capture.viewmats[row].astype(np.float64), pictures.Ks[row]
        at = means @ view[:3, :3].T + view[:3, 3]
        pixel = at[:, :2] / np.maximum(at[:, 2:], 1e-3) * K[[0, 1], [0, 1]] + K[:2, 2]
        x, y = np.floor(pixel).astype(int).T
        held = (at[:, 2] > 0) & (x >= 0) & (y >= 0) & (x < pictures.width) & (y < pictures.height)
        x, y = x[held], y[held]
        votes[held, pictures.regions(row)[y, x]] += 1
        sums[held] += pictures.colors(row)[y, x]
        seen[held] += 1
    report.progress("first points", len(rows), len(rows))
    return votes, sums, seen


def _torso(z: np.ndarray) -> np.ndarray:
    """How far a neck's point belongs to the torso: not at the chin, wholly at the collar."""
    return np.clip((-0.09 - z) / 0.06, 0.0, 1.0)


def _spacing(means: np.ndarray) -> np.ndarray:
    """(N,) metres: about half the distance to a point's neighbours, in blocks that fit into memory."""
    out = np.empty(len(means))
    points = means.astype(np.float32)
    squares = (points**2).sum(axis=1)
    for start in range(0, len(points), 512):
        part = slice(start, start + 512)
        distances = squares[part, None] + squares[None] - 2 * points[part] @ points.T
        near = np.partition(distances, 3, axis=1)[:, 1:4]
        out[part] = np.sqrt(np.maximum(near, 1e-12)).mean(axis=1)
    return np.clip(0.5 * out, 3e-4, 0.01)

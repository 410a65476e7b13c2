# SPDX-License-Identifier: GPL-3.0-or-later
"""A take played by a head becomes a Clip.

Long takes are learnt from frames that differ most; every frame is then measured against the basis as it is stored. What
else a head changes over time (scales, opacities, colours) is kept at its mean.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import torch

from ..deform.drive import DriveFrame
from ..head.head import Head
from ..head.rig import FIXED_JOINTS, Rig
from ..report import Report
from ..splats.gaussians import Gaussians
from ..take.take import Take
from .basis import WORST, Errors, Weights, find_basis
from .clip import Clip
from .linear_colors import linear_colors
from .orientation import choose_neighbours, inverse, multiply

MEMORY = 600_000_000  # bytes of movements kept
FEWEST, MOST = 48, 768  # frames to learn from, where the take has as many
TURNED_FRAMES = 12
STATIC_FPS = Fraction(25)
# A head that turns by 1 rad counts as much as an expression that goes from none to all.
POSE_WEIGHT = 2.0
CHANGES = ("scales", "opacities", "sh")
VISIBLE = 0.05  # the bundled head strays by 0.03, and its pictures by 50 dB


def bake(head: Head, take: Take, *, error_mm: float, first: int = 0, last: int | None = None, report: Report) -> Clip:
    """Bake frames `first` to `last` (from 0, inclusive; None: the take's last) of a take.

    Args:
        error_mm: what 95 of 100 distances stay under, and none by more than WORST times; a warning says where
            MOST_SHAPES cannot do it.
        report: told "pose", "basis", "turn", "measure" and "colours".

    Raises:
        Cancelled: the person asked to stop.
    """
    torch.set_num_threads(1)  # as in rendering: posing is too little work for several
    rest = _unit(head.gaussians)
    frames = np.arange(first, len(take) if last is None else last + 1)
    budget = int(np.clip(MEMORY // (12 * len(rest)), FEWEST, MOST))
    drive = np.concatenate([take.expression, POSE_WEIGHT * take.head_pose], axis=1)[frames]
    learnt = np.sort(frames[differing(drive, budget)])
    turned_frames = set(learnt[differing(drive[learnt - first], TURNED_FRAMES)])
    movement = np.empty((len(learnt), len(rest), 3), np.float32)
    quats, means = [], _Means(rest)
    for done, frame in enumerate(learnt):
        report.progress("pose", done, len(learnt))
        posed = head.pose(DriveFrame.of_take(take, frame), take.head_pose[frame])
        np.subtract(posed.means.numpy(), rest.means.numpy(), out=movement[done])
        means.add(posed)
        if frame in turned_frames:
            quats.append(torch.nn.functional.normalize(posed.quats, dim=-1).numpy())
    report.progress("pose", len(learnt), len(learnt))
    rest = means.of(rest)
    basis = find_basis(movement, error_mm, report)
    finder = Weights(basis)
    neighbours = _neighbours(rest, finder, movement[[frame in turned_frames for frame in learnt]], quats, report)
    weights, errors = _measure(head, take, frames, learnt, movement, finder, report)
    if not errors.within(error_mm):
        report.warning(
            f"{len(basis)} shapes keep 95 of 100 points within {errors.p95:.3f} mm and all within {errors.max:.2f} mm; "
            f"{error_mm:g} and {WORST * error_mm:g} mm were asked for."
        )
    if means.strays > VISIBLE:
        report.warning("The head changes its splats' colours, sizes or opacities; the clip holds their mean.")
    names, regions = _regions(head)
    colors, tile_colors = (value.numpy() for value in linear_colors(rest, report))
    return Clip(
        head.name, take.fps, rest, basis, weights, colors, tile_colors, neighbours, rest.uncertainty.numpy(), regions,
        names,
        {"p95": round(errors.p95, 4), "max": round(errors.max, 4)}, start=first, audio=take.audio,
    )  # fmt: skip


def still_clip(name: str, gaussians: Gaussians, report: Report) -> Clip:
    """Splats that nothing moves, as a clip of one frame without shapes."""
    rest = _unit(gaussians)
    count, places = len(rest), rest.means.numpy()
    still = np.zeros((1, count, 4), np.float32)
    still[..., 0] = 1
    neighbours = choose_neighbours(
        places, places[None], still, check=lambda done: report.progress("turn", done, count)
    )
    colors, tile_colors = (value.numpy() for value in linear_colors(rest, report))
    return Clip(
        name, STATIC_FPS, rest, np.zeros((0, count, 3), np.float16), np.zeros((1, 0), np.float32), colors, tile_colors,
        neighbours, np.zeros(count, np.float32), np.zeros(count, np.uint8),
        ("splats",), {"p95": 0.0, "max": 0.0},
    )  # fmt: skip


def differing(drive: np.ndarray, count: int) -> np.ndarray:
    """`count` rows of (T, D) that lie far from each other, the first among them; all where there are no more."""
    if len(drive) <= count:
        return np.arange(len(drive))
    chosen, distance = [0], np.full(len(drive), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, ((drive - drive[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen)


class _Means:
    """The mean of what a head changes besides places and turns, and how far it strays from it."""

    def __init__(self, rest: Gaussians) -> None:
        self._rest, self._count, self._changed = rest, 0, set()
        self._sums = {name: torch.zeros_like(getattr(rest, name)) for name in CHANGES}
        self._squares = {name: torch.zeros_like(getattr(rest, name)) for name in CHANGES}
        self._uncertainty = torch.zeros(len(rest))

    def add(self, posed: Gaussians) -> None:
        self._count += 1
        if posed.uncertainty is not None:
            self._uncertainty += posed.uncertainty
        for name in CHANGES:
            value = getattr(posed, name)
            if value is not getattr(self._rest, name):
                self._changed.add(name)
            self._sums[name] += value
            self._squares[name] += value * value

    def of(self, rest: Gaussians) -> Gaussians:
        means = {name: self._sums[name] / self._count for name in self._changed}
        return replace(rest, **means, uncertainty=self._uncertainty / self._count)

    @property
    def strays(self) -> float:
        """The largest, over what changes, of the mean deviation of a splat: of sizes as a share of them."""
        found = [0.0]
        for name in self._changed:
            mean = self._sums[name] / self._count
            deviation = (self._squares[name] / self._count - mean * mean).clamp_min(0.0).sqrt()
            found.append(float((deviation / mean if name == "scales" else deviation).mean()))
        return max(found)


def _unit(gaussians: Gaussians) -> Gaussians:
    return replace(gaussians, quats=torch.nn.functional.normalize(gaussians.quats, dim=-1))


def _neighbours(rest: Gaussians, finder: Weights, movement: np.ndarray, quats: list, report: Report) -> np.ndarray:
    places, count = rest.means.numpy(), len(rest)
    moved = places + finder.movement(finder.of(movement))
    turns = multiply(np.stack(quats), inverse(rest.quats.numpy()))
    neighbours = choose_neighbours(places, moved, turns, check=lambda done: report.progress("turn", done, count))
    report.progress("turn", count, count)
    return neighbours


def _measure(
    head: Head, take: Take, frames: np.ndarray, learnt: np.ndarray, movement: np.ndarray, finder: Weights,
    report: Report,
) -> tuple[np.ndarray, Errors]:
    """Weights (T, K) and errors of every frame."""
    row_of, rest, errors, weights = {frame: row for row, frame in enumerate(learnt)}, head.gaussians.means, Errors(), []
    for done, frame in enumerate(frames):
        report.progress("measure", done, len(frames))
        row = row_of.get(frame)
        if row is None:
            moved = (head.pose(DriveFrame.of_take(take, frame), take.head_pose[frame]).means - rest).numpy()[None]
        else:
            moved = movement[row : row + 1]
        weights.append(finder.of(moved))
        errors.add(moved - finder.movement(weights[-1]))
    report.progress("measure", len(frames), len(frames))
    return np.concatenate(weights), errors


def _regions(head: Head) -> tuple[tuple[str, ...], np.ndarray]:
    """The joint that each Gaussian of a rig follows most; of a fitted head, whether it is the torso's."""
    if isinstance(head.mover, Rig):
        names, shares = (*FIXED_JOINTS, *head.mover.joints), head.mover.weights
    else:
        names, shares = FIXED_JOINTS, torch.stack([head.mover.torso, 1 - head.mover.torso], dim=1)
    return names, shares.argmax(dim=1).numpy().astype(np.uint8)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A take as a mesh's curves: on scene frames, folded, mixed and reduced. Knows nothing of Blender."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .folds import fold, folds_for
from .reduce import largest_error, reduce_curve
from .weights import mix


@dataclass
class Moved:
    """A shape key's curve: (K, 2) frames and values, of `frames` samples; `error` is its largest distance from them."""

    key: str
    keys: np.ndarray
    frames: int
    error: float


def scene_frames(frames: int, start: int, first: int, last: int | None) -> np.ndarray:
    """The scene frames that a take of `frames` frames covers from `start` on, within first and last (inclusive)."""
    end = start + frames if last is None else min(start + frames, last + 1)
    return np.arange(max(start, first), end)


def key_curves(
    expression: np.ndarray, frames: np.ndarray, shapes: list[tuple[str, str, float]],
    row_of: Callable[[str], np.ndarray], shown: set[str], limits: dict[str, tuple[float, float]], error: float,
) -> list[Moved]:
    """The curves of shape keys.

    Args:
        expression: (T, 52) float32 in [0, 1].
        frames: (T,) scene frames.
        shapes: key, its entry of the list, and what its curve is multiplied by. Keys of one entry move as one.
        row_of: an entry's (52,) effect.
        shown: ARKit's names that the mesh shows.
        limits: key -> least and largest value that its slider has.
        error: largest distance from the curve before it was reduced.
    """
    entries = list(dict.fromkeys(shape for _, shape, _ in shapes))
    if not entries:
        return []
    weights = mix(fold(expression, folds_for(shown)), np.stack([row_of(entry) for entry in entries]))
    columns = {entry: weights[:, k] for k, entry in enumerate(entries)}
    found = []
    for key, shape, amount in shapes:
        values = np.clip(columns[shape] * amount, *limits[key])
        kept = reduce_curve(values, error)
        keys = np.stack([frames[kept], values[kept]], axis=1).astype(np.float64)
        found.append(Moved(key, keys, len(values), largest_error(values, kept)))
    return found


# SPDX-License-Identifier: GPL-3.0-or-later
"""Few keys for a curve: straight between them, never further from it than a given error. No Blender.

From each key the furthest next one is taken whose straight line passes within the error of everything between (Imai &
Iri 1988, in its greedy form with a cone of slopes). Keys lie on the curve itself.
"""

from math import inf

import numpy as np

ROUNDING = 1e-12


def reduce_curve(values: np.ndarray, error: float) -> np.ndarray:
    """Indices of the samples to keep, ascending, the first among them, and the last unless the curve stands still.

    Args:
        values: (T,) samples at even distances.
        error: largest difference between a sample and the reduced curve; 0 keeps every bend.
    """
    samples = np.asarray(values, np.float64).tolist()  # a loop over numpy's numbers is slower
    kept, last = [0], len(samples) - 1
    while kept[-1] < last:
        kept.append(_furthest(samples, kept[-1], last, error))
    if len(kept) == 2 and max(abs(sample - samples[0]) for sample in samples) <= error:
        return np.array([0])
    return np.array(kept)


def largest_error(values: np.ndarray, kept: np.ndarray) -> float:
    """How far the curve through `kept` is from `values` (T,) at most."""
    between = np.interp(np.arange(len(values)), kept, np.asarray(values, np.float64)[kept])
    return float(np.abs(between - values).max(initial=0.0))


def _furthest(samples: list[float], start: int, last: int, error: float) -> int:
    """The furthest sample that a straight line from `start` may end at."""
    lowest, highest, best = -inf, inf, start + 1
    for end in range(start + 1, last + 1):
        rise, steps = samples[end] - samples[start], end - start
        slope, slack = rise / steps, error / steps + ROUNDING
        if lowest <= slope <= highest:
            best = end
        lowest, highest = max(lowest, slope - slack), min(highest, slope + slack)
        if lowest > highest:
            break
    return best

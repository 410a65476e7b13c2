# SPDX-License-Identifier: GPL-3.0-or-later
"""Which picture a step looks at: first those at rest, then ever wider mouths, then blinks and wide mouths their due.

After TalkingGaussian's incremental sampling (Li et al. 2024) by mouth opening, then by blinks. Rows are weighed, never
left out for good, and each step draws with a seed of its own, so that a resumed fit sees what an unbroken one would.
"""

import numpy as np

from ..capture.capture import Capture
from ..protocol import EXPRESSION_NAMES

RAMP = 0.25  # share of the fit until every mouth is let in
BINS = 8
RARE = 0.5  # of all draws, those that are even over mouth openings and over lids


class Sampler:
    """Draws rows.

    Args:
        capture: whose expression says how far mouth and lids are open.
        rows: those that may be drawn.
        seed: of all draws.

    Raises:
        ValueError: no rows.
    """

    def __init__(self, capture: Capture, rows: np.ndarray, seed: int) -> None:
        if not len(rows):
            raise ValueError("There are no rows to draw from.")
        self._rows, self._seed = rows, seed
        expression = capture.expression[rows]
        mouth = expression[:, _columns("jawOpen")].max(axis=1) + 0.3 * expression[:, _columns("mouthFunnel")].max(1)
        lids = expression[:, _columns("eyeBlink")].max(axis=1)
        trust = np.maximum(capture.confidence[rows].astype(np.float64), 0.05)
        self._rank = np.argsort(np.argsort(mouth, kind="stable"), kind="stable") / max(len(rows) - 1, 1)
        self._plain = trust / trust.sum()
        even = _even(mouth) + _even(lids)
        self._rare = even * trust / (even * trust).sum()

    def row(self, step: int, progress: float) -> int:
        """The row of a step.

        Args:
            progress: of the fit, 0 to 1.
        """
        weights = (1 - RARE) * self._plain + RARE * self._rare
        if progress < RAMP:
            weights = weights * (self._rank <= 0.4 + 0.6 * progress / RAMP)
        point = np.random.default_rng((self._seed, step)).random() * weights.sum()
        return int(self._rows[min(np.searchsorted(np.cumsum(weights), point), len(weights) - 1)])


def _even(values: np.ndarray) -> np.ndarray:
    """(R,) weights that sum to 1 and give every tenth or so of the range the same share, however rare it is."""
    low, high = float(values.min()), float(values.max())
    bins = np.minimum(((values - low) / max(high - low, 1e-6) * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    return 1.0 / counts[bins] / np.count_nonzero(counts)


def _columns(start: str) -> list[int]:
    return [column for column, name in enumerate(EXPRESSION_NAMES) if name.startswith(start)]

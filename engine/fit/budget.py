# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a fit lasts: so many steps, the same result every time, or so many minutes on whatever machine this is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """Args:
        steps: of the fit; 0 where it is minutes that count.
        minutes: of fitting, without what comes before and after.

    Raises:
        ValueError: neither, or both.
    """

    steps: int = 0
    minutes: float = 0.0

    def __post_init__(self) -> None:
        if (self.steps > 0) == (self.minutes > 0) or self.steps < 0 or self.minutes < 0:
            raise ValueError("A fit has so many steps or so many minutes.")

    def progress(self, steps: int, seconds: float) -> float:
        """0 to 1, after so many steps and seconds."""
        return min(1.0, steps / self.steps if self.steps else seconds / (60 * self.minutes))

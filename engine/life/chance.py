# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeded chance: each kind of movement draws from its own stream, so that one does not disturb another."""

import numpy as np

STREAMS = ("gaze", "blinks", "head", "micro")


def generator(seed: int, stream: str) -> np.random.Generator:
    """The generator of one stream of STREAMS for any whole `seed`."""
    return np.random.default_rng([abs(seed), int(seed < 0), STREAMS.index(stream)])


def smooth_noise(times: np.ndarray, period: float, channels: int, rng: np.random.Generator) -> np.ndarray:
    """(T, channels) of unit variance at the knots, continuous in value and slope: one knot every `period` seconds."""
    at = times / period
    knots = rng.standard_normal((int(at[-1]) + 4, channels)) if len(at) else np.zeros((4, channels))
    index = at.astype(int)
    t = (at - index)[:, None]
    before, here, there, after = (knots[index + k] for k in range(4))
    # Catmull & Rom 1974, a class of local interpolating splines
    slope_here, slope_there = (there - before) / 2.0, (after - here) / 2.0
    rise = there - here
    square = 3.0 * rise - 2.0 * slope_here - slope_there
    return here + t * (slope_here + t * (square + t * (slope_here + slope_there - 2.0 * rise)))

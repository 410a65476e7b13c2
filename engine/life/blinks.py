# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks: when a speaker blinks, and how the lids go."""

from fractions import Fraction

import numpy as np

from ..protocol import EXPRESSION_NAMES
from .chance import generator
from .rhythm import Rhythm

MEDIAN_GAP, GAP_SPREAD = 3.6, 0.45
SHORTEST_GAP, LONGEST_GAP = 1.0, 9.0
CLOSING_SECONDS, SHUT_SECONDS, OPENING_SECONDS = 0.09, 0.02, 0.18


def blink_times(rhythm: Rhythm, glances: np.ndarray, seed: int) -> np.ndarray:
    """(B, 2): seconds at which the lids are shut, and how far in [0, 1].

    People in conversation blink about 15 to 25 times a minute with log-normal gaps (Bentivoglio et al. 1997, Analysis
    of blink rate patterns), more where phrases end (Nakano & Kitazawa 2010, Eyeblink entrainment at breakpoints of
    speech) and with large saccades (Evinger et al. 1994, Not looking while leaping). One in eight is not complete.

    Args:
        glances: (G,) seconds of large saccades.
    """
    rng = generator(seed, "blinks")
    chances = np.sort(np.concatenate([rhythm.phrase_ends + 0.08, glances + 0.03]))
    blinks, time = [], -1.5
    while True:
        gap = np.clip(MEDIAN_GAP * np.exp(GAP_SPREAD * rng.standard_normal()), SHORTEST_GAP, LONGEST_GAP)
        take_chance, depth = rng.random() < 0.65, rng.random()
        target = time + gap
        near = chances[(chances > time + SHORTEST_GAP) & (chances < target + 1.0)]
        if take_chance and len(near):
            target = near[np.argmin(np.abs(near - target))]
        if target >= rhythm.seconds:
            return np.array(blinks).reshape(-1, 2)
        time = float(target)
        if time > CLOSING_SECONDS:
            blinks.append((time, 0.65 if depth < 0.12 else 0.92 + 0.08 * depth))


def blink_curve(blinks: np.ndarray, frames: int, fps: Fraction) -> np.ndarray:
    """(frames,) float32 in [0, 1], 1 with the lids shut.

    They close in 90 ms and open in 180 ms, fast at first and slow at the end (VanderWerf et al. 2003, Eyelid movements;
    Trutoiu et al. 2011, Modeling and animating eye blinks). Each is moved to the nearest frame, so that no blink falls
    between two frames and shows half-shut lids only.
    """
    curve = np.zeros(frames, np.float32)
    reach = int(np.ceil((CLOSING_SECONDS + SHUT_SECONDS + OPENING_SECONDS) * float(fps))) + 1
    for time, depth in blinks:
        middle = round(time * float(fps))
        index = np.arange(max(0, middle - reach), min(frames, middle + reach + 1))
        curve[index] = np.maximum(curve[index], depth * _lid((index - middle) / float(fps)))
    return curve


def add_blinks(expression: np.ndarray, curve: np.ndarray) -> None:
    """Shut the lids of (T, 52) in place by (T,) in [0, 1]; what widens or narrows the eye gives way."""
    for side in ("Left", "Right"):
        blink = EXPRESSION_NAMES.index("eyeBlink" + side)
        expression[:, blink] = 1.0 - (1.0 - expression[:, blink]) * (1.0 - curve)
        for name in ("eyeWide", "eyeSquint"):
            expression[:, EXPRESSION_NAMES.index(name + side)] *= 1.0 - curve


def _lid(t: np.ndarray) -> np.ndarray:
    """Closure `t` seconds after the lids met: cosine down, shut, cosine of a square root up."""
    closing = np.clip(1.0 + t / CLOSING_SECONDS, 0.0, 1.0)
    opening = np.clip((t - SHUT_SECONDS) / OPENING_SECONDS, 0.0, 1.0)
    down = 0.5 - 0.5 * np.cos(np.pi * closing)
    up = 0.5 + 0.5 * np.cos(np.pi * opening**0.7)
    return np.where(t <= 0, down, up)

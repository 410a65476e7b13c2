# SPDX-License-Identifier: GPL-3.0-or-later
"""A head that is never quite still: slow drift, livelier in speech, and small nods on stressed syllables."""

import numpy as np

from .chance import generator, smooth_noise
from .rhythm import Rhythm

# Standard deviations, degrees: pitch (x), roll (y), yaw (z).
DRIFT_DEGREES, DRIFT_SECONDS = np.array([0.9, 0.7, 1.5]), 2.6
LIVELY_DEGREES, LIVELY_SECONDS = np.array([0.8, 0.6, 1.1]), 0.8
SILENT_SHARE = 0.25
NOD_DEGREES = 2.0
NOD_BEFORE, NOD_AFTER = 0.16, 0.34
SWAY_METRES = np.array([0.0015, 0.0015, 0.0005])
# The head turns about the upper neck, a little below the origin between the ears.
NECK_METRES = 0.05
MAX_RADIANS = np.radians(8.0)


def head_motion(rhythm: Rhythm, times: np.ndarray, seed: int) -> np.ndarray:
    """(T, 6) float32: rotation vector (radians) and translation (metres) in the head's frame, as Take.head_pose.

    Speakers' heads move with the stress and pitch of what they say, by a few degrees and mostly nodding (Hadar et al.
    1983, Head movement correlates of juncture and stress; Munhall et al. 2004, Visual prosody and speech
    intelligibility), and less when they are silent.
    """
    rng = generator(seed, "head")
    talking = np.interp(times * 100.0, np.arange(len(rhythm.talking)), rhythm.talking)[:, None]
    slow, fast, sway, tilt = rng.spawn(4)
    drift = smooth_noise(times, DRIFT_SECONDS, 3, slow) * DRIFT_DEGREES
    lively = smooth_noise(times, LIVELY_SECONDS, 3, fast) * LIVELY_DEGREES
    rotation = np.radians(drift + lively * (SILENT_SHARE + (1.0 - SILENT_SHARE) * talking))
    rotation[:, 0] += _nods(rhythm.stresses, times, tilt)
    rotation = MAX_RADIANS * np.tanh(rotation / MAX_RADIANS)
    translation = smooth_noise(times, DRIFT_SECONDS, 3, sway) * SWAY_METRES
    translation += NECK_METRES * np.stack([rotation[:, 1], -rotation[:, 0], np.zeros(len(times))], 1)
    return np.concatenate([rotation, translation], 1).astype(np.float32)


def _nods(stresses: np.ndarray, times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(T,) radians, positive down: a nod that is lowest at each stressed syllable, and not at every one."""
    nod = np.zeros(len(times))
    for (time, strength), chance in zip(stresses, rng.random(len(stresses))):
        first, last = np.searchsorted(times, (time - NOD_BEFORE, time + NOD_AFTER))
        t = times[first:last] - time
        phase = np.where(t < 0, t / NOD_BEFORE, t / NOD_AFTER)
        nod[first:last] += np.radians(NOD_DEGREES) * strength * chance * (0.5 + 0.5 * np.cos(np.pi * phase))
    return nod

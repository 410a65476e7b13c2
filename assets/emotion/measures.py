# SPDX-License-Identifier: GPL-3.0-or-later
"""The measures of evaluate.py, each a function of arrays."""

import numpy as np

from engine.emotion.classes import CLASSES

LIVELIER, CALMER = ("angry", "happy", "fear"), ("sad", "boredom")


def recall(probabilities: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the classes of `truth` (V,) of how many of each are found by (V, C): unweighted average recall."""
    said = probabilities.argmax(1)
    return round(float(np.mean([(said[truth == c] == c).mean() for c in np.unique(truth)])), 3)


def arousal_pairs(arousal: np.ndarray, truth: np.ndarray, speakers: np.ndarray) -> dict[str, float]:
    """Of all pairs of a speaker's emotional and neutral utterance, how many have arousal (V,) the right way round.

    Anger, joy and fear belong above neutral, sadness and boredom below. `speakers' means` counts each speaker's mean of
    an emotion against that of neutral, which is a pair where the single utterances are many.
    """
    found: dict[str, list[bool]] = {"pairs": [], "speakers' means": []}
    for speaker in np.unique(speakers):
        neutral = arousal[(speakers == speaker) & (truth == CLASSES.index("neutral"))]
        for names, sign in ((LIVELIER, 1.0), (CALMER, -1.0)):
            for name in names:
                mine = arousal[(speakers == speaker) & (truth == CLASSES.index(name))]
                if len(mine):
                    found["pairs"] += list((sign * (mine[:, None] - neutral) > 0.0).ravel())
                    found["speakers' means"].append(bool(sign * (mine.mean() - neutral.mean()) > 0.0))
    return {name: round(float(np.mean(values)), 3) for name, values in found.items()}

# SPDX-License-Identifier: GPL-3.0-or-later
"""From ARKit's curves to a mesh's own keys: the mix of its keys that comes nearest to the expression. No Blender.

Least squares with weights from 0 to 1 by coordinate descent. Keys that share nothing get their own curve at once; a key
for both sides gets their mean; vowels and moods share out what they have in common.
"""

import numpy as np

from ...engine.protocol import EXPRESSION_NAMES

# Keys that overlap would be free to trade off against each other: a little damping makes one mix the best.
DAMPING = 0.002
# How far the mouth opens is what the eye sees first of speech.
IMPORTANCE = np.array([2.0 if name == "jawOpen" else 1.0 for name in EXPRESSION_NAMES])
SWEEPS = 200
SETTLED = 1e-4
BLOCK = 4000


def mix(expression: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Weights of keys over time.

    Args:
        expression: (T, 52) float32 in [0, 1].
        rows: (K, 52) what each key does at weight 1; none is 0.

    Returns:
        (T, K) float32 in [0, 1].
    """
    weights = np.zeros((len(expression), len(rows)), np.float32)
    for first in range(0, len(expression), BLOCK):
        block = slice(first, first + BLOCK)
        weights[block] = _mix(expression[block].astype(np.float64), rows.astype(np.float64))
    return weights


def _mix(expression: np.ndarray, rows: np.ndarray) -> np.ndarray:
    gram, wanted = (rows * IMPORTANCE) @ rows.T, (expression * IMPORTANCE) @ rows.T
    own = np.diag(gram).copy()
    shared = (gram != 0.0).sum(axis=1) > 1
    damped = own + np.where(shared, DAMPING * own, 0.0)
    np.fill_diagonal(gram, 0.0)
    weights = np.clip(wanted / damped, 0.0, 1.0)
    for _ in range(SWEEPS if shared.any() else 0):
        change = 0.0
        for k in np.flatnonzero(shared):
            new = np.clip((wanted[:, k] - weights @ gram[:, k]) / damped[k], 0.0, 1.0)
            change = max(change, float(np.abs(new - weights[:, k]).max(initial=0.0)))
            weights[:, k] = new
        if change < SETTLED:
            break
    return weights

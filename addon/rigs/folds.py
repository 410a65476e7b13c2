# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh lacks, shown by what it has: ARKit's shapes folded into near ones. No Blender."""

import numpy as np

from ...engine.protocol import EXPRESSION_NAMES

# Missing shape -> near ones and how much of it each gets; the first choice that the mesh has is taken. Both sides
# unless the name has a side of its own. mouthClose seals the lips over an open jaw: without it, the jaw closes.
FOLDS: dict[str, tuple[dict[str, float], ...]] = {
    "browDown": ({"noseSneer": 0.3},),
    "browInnerUp": ({"browOuterUpLeft": 0.6, "browOuterUpRight": 0.6},),
    "browOuterUp": ({"browInnerUp": 0.4},),
    "cheekSquint": ({"eyeSquint": 0.7},),
    "eyeSquint": ({"cheekSquint": 0.7}, {"eyeBlink": 0.35}),
    "jawLeft": ({"mouthLeft": 0.6},),
    "jawOpen": ({"mouthLowerDown": 0.7, "mouthUpperUp": 0.3}, {"mouthLowerDown": 0.8}, {"mouthFunnel": 0.5}),
    "jawRight": ({"mouthRight": 0.6},),
    "mouthClose": ({"jawOpen": -1.0},),
    "mouthDimple": ({"mouthStretch": 0.5}, {"mouthSmile": 0.3}),
    "mouthFunnel": ({"mouthPucker": 0.8},),
    "mouthLeft": ({"jawLeft": 0.5},),
    "mouthLowerDown": ({"jawOpen": 0.15},),
    "mouthPress": ({"mouthRollLower": 0.4, "mouthRollUpper": 0.3},),
    "mouthPucker": ({"mouthFunnel": 0.8},),
    "mouthRight": ({"jawRight": 0.5},),
    "mouthRollLower": ({"mouthPress": 0.7},),
    "mouthRollUpper": ({"mouthPress": 0.5},),
    "mouthShrugLower": ({"mouthShrugUpper": 0.4}, {"mouthFrown": 0.2}),
    "mouthShrugUpper": ({"mouthShrugLower": 0.6},),
    "mouthStretch": ({"mouthDimple": 0.5}, {"mouthSmile": 0.4}),
    "mouthUpperUp": ({"noseSneer": 0.4},),
    "noseSneer": ({"mouthUpperUp": 0.5}, {"browDown": 0.3}),
}


def folds_for(there: set[str]) -> dict[str, dict[str, float]]:
    """Missing ARKit name -> {name that is there: how much of it that gets}, for a mesh that shows the names `there`.

    Shapes that nothing is near to are left out.
    """
    found = {}
    for name in EXPRESSION_NAMES:
        if name in there:
            continue
        base, side = name, ""
        for ending in ("Left", "Right"):
            if name.endswith(ending) and name not in FOLDS:
                base, side = name.removesuffix(ending), ending
        for choice in FOLDS.get(base, ()):
            near = {_sided(other, side): amount for other, amount in choice.items()}
            if all(set(names) <= there for names in near):
                found[name] = {one: amount for names, amount in near.items() for one in names}
                break
    return found


def fold(expression: np.ndarray, folds: dict[str, dict[str, float]]) -> np.ndarray:
    """(T, 52) float32 in [0, 1] with what is missing added to what is near."""
    folded = expression.astype(np.float32, copy=True)
    for name, near in folds.items():
        missing = expression[:, EXPRESSION_NAMES.index(name)]
        for other, amount in near.items():
            folded[:, EXPRESSION_NAMES.index(other)] += amount * missing
    return np.clip(folded, 0.0, 1.0)


def _sided(name: str, side: str) -> tuple[str, ...]:
    """The ARKit names that a fold's entry means where the missing shape lies on `side`, or on none."""
    if name in EXPRESSION_NAMES:
        return (name,)
    return (name + side,) if side else (f"{name}Left", f"{name}Right")

# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet's joints: where they turn, how far each ARKit name turns them, and who follows."""

import numpy as np

from ..protocol import EXPRESSION_NAMES
from .puppet_eyes import LOWER_BLINK, UPPER_BLINK
from .puppet_patch import Patch, smoothstep
from .puppet_surface import EYE, MOUTH_HALF, slit
from .rig import FIXED_JOINTS

JOINTS = (
    "jaw", "eye_left", "eye_right", "upper_lid_left", "upper_lid_right", "lower_lid_left", "lower_lid_right",
)
JAW_PIVOT = np.array([0.0, 0.030, -0.046])
JAW_OPEN = 0.25

# radians about x (positive: down for what lies in front) and z (positive: to the head's left) at weight 1
_JAW = {"jawOpen": (JAW_OPEN, 0.0), "jawLeft": (0.0, 0.085), "jawRight": (0.0, -0.085), "tongueOut": (0.075, 0.0)}
_EYE = {"LookUp": (-0.34, 0.0), "LookDown": (0.36, 0.0), "LookIn": (0.0, -0.42), "LookOut": (0.0, 0.42)}
_UPPER_LID = {
    "eyeBlink": UPPER_BLINK, "eyeSquint": 0.16, "eyeWide": -0.24, "eyeLookDown": 0.26, "eyeLookUp": -0.14,
    "browDown": 0.07,
}
_LOWER_LID = {"eyeBlink": -LOWER_BLINK, "eyeSquint": -0.20, "eyeWide": 0.07, "eyeLookDown": 0.10, "eyeLookUp": -0.05,
              "cheekSquint": -0.12}


def pivots() -> np.ndarray:
    """(J, 3) metres."""
    right = EYE * [-1, 1, 1]
    return np.stack([JAW_PIVOT, EYE, right, EYE, right, EYE, right])


def rotations() -> np.ndarray:
    """(J, 52, 3) radians at weight 1."""
    table = np.zeros((len(JOINTS), len(EXPRESSION_NAMES), 3))

    def turn(joint: str, name: str, x: float, z: float = 0.0) -> None:
        table[JOINTS.index(joint), EXPRESSION_NAMES.index(name)] = (x, 0.0, z)

    for name, (x, z) in _JAW.items():
        turn("jaw", name, x, z)
    for side, sign in (("Left", 1), ("Right", -1)):
        for name, (x, z) in _EYE.items():
            turn(f"eye_{side.lower()}", f"eye{name}{side}", x, sign * z)
        for name, x in _UPPER_LID.items():
            turn(f"upper_lid_{side.lower()}", name + side, x)
        for name, x in _LOWER_LID.items():
            turn(f"lower_lid_{side.lower()}", name + side, x)
    return table


def split_of_lips(points: np.ndarray) -> np.ndarray:
    """(N,) 1 in the middle of the lips to 0 at the corners and 25 mm off: how far upper and lower go their own ways."""
    s = np.clip(points[:, 0] / MOUTH_HALF, -1, 1)
    off = np.abs(points[:, 2] - slit(points[:, 0])) / 0.026
    frontal = smoothstep(-0.02, -0.05, points[:, 1])
    return np.sqrt(1 - s * s) * np.exp(-(off**2)) * frontal


def jaw_share(points: np.ndarray, side: np.ndarray) -> np.ndarray:
    """(N,) how much of the jaw's turn skin and lips take.

    Args:
        side: +1 above the slit, -1 below.
    """
    rel = points - JAW_PIVOT
    angle = np.degrees(np.arctan2(rel[:, 2], -rel[:, 1]))
    soft = smoothstep(12.0, -24.0, angle) * smoothstep(-95.0, -55.0, angle) * smoothstep(0.020, -0.020, points[:, 1])
    split = split_of_lips(points)
    return np.where(side > 0, soft * (1 - split), soft + (1 - soft) * split)


def torso_share(points: np.ndarray) -> np.ndarray:
    """(N,) how much of the neck stays with the torso: all in the collar, nothing at the jaw."""
    return smoothstep(-0.080, -0.140, points[:, 2])


def weights(patch: Patch, joint: str, share: np.ndarray | float) -> np.ndarray:
    """(N, 2 + J) skinning weights: `share` for one joint, the rest for the head.

    Args:
        joint: one of JOINTS, or "torso".
    """
    table = np.zeros((len(patch), len(FIXED_JOINTS) + len(JOINTS)))
    table[:, (*FIXED_JOINTS, *JOINTS).index(joint)] = share
    table[:, FIXED_JOINTS.index("head")] = 1 - np.asarray(share)
    return table

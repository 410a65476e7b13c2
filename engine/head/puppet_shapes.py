# SPDX-License-Identifier: GPL-3.0-or-later
"""The puppet's blendshapes: every ARKit name that moves skin, as a smooth field that slides over the face.

A field gives the tangential move of face, brows and lips in metres at weight 1; `slide` then brings the moved points
back to the distance from the skin that they had, and `push` lifts them off it where a shape bulges.
"""

from dataclasses import dataclass

import numpy as np

from .puppet_joints import JAW_OPEN, JAW_PIVOT, jaw_share
from .puppet_mouth import lip_height
from .puppet_patch import smoothstep
from .puppet_surface import BROW_Z, MOUTH_HALF, MOUTH_Z, distance, gradient, slit


@dataclass
class Soft:
    """The points that shapes move, with what the fields ask of them.

    Args:
        points: (N, 3) metres.
        side: (N,) +1 above the slit of the mouth, -1 below.
        lip: (N,) 1 on the lips, 0 elsewhere.
    """

    points: np.ndarray
    side: np.ndarray
    lip: np.ndarray

    def __post_init__(self) -> None:
        x, y, z = self.points.T
        self.x, self.z = x, z
        self.s = np.clip(x / MOUTH_HALF, -1.0, 1.0)
        self.above = z - slit(x)
        self.frontal = smoothstep(0.0, -0.045, y)
        self.middle = np.sqrt(1 - self.s**2)
        self.left = smoothstep(-0.010, 0.010, x)

    def spot(self, x: float, z: float, radius_x: float, radius_z: float | np.ndarray) -> np.ndarray:
        """(N,) a soft spot of weight 1 at (x, z) of the face."""
        return np.exp(-(((self.x - x) / radius_x) ** 2) - ((self.z - z) / radius_z) ** 2) * self.frontal

    def brow(self, x: float, radius: float) -> np.ndarray:
        """(N,) a soft spot on the brow that reaches far up the forehead and hardly down to the lids."""
        return self.spot(x, BROW_Z, radius, np.where(self.z < BROW_Z, 0.016, 0.028))

    def lips(self, side: int, reach: float = 0.013) -> np.ndarray:
        """(N,) 1 along one lip, fading to its corners and over `reach` of the skin beside it."""
        border = np.maximum(np.abs(self.above) - lip_height(self.s, side), 0.0)
        return (self.side == side) * self.middle * np.exp(-((border / reach) ** 2)) * self.frontal

    def mouth(self, reach: float = 0.020) -> np.ndarray:
        """(N,) 1 on both lips to 0 a little beyond them."""
        beyond = np.maximum(np.abs(self.x) - MOUTH_HALF, 0.0)
        border = np.maximum(np.abs(self.above) - 0.008, 0.0)
        return np.exp(-(beyond**2 + border**2) / reach**2) * self.frontal

    def half(self, sign: int) -> np.ndarray:
        """(N,) 1 on the head's left (sign 1) or right (-1), soft in the middle."""
        return self.left if sign > 0 else 1 - self.left


def _vector(x=0.0, y=0.0, z=0.0) -> np.ndarray:
    return np.stack(np.broadcast_arrays(x, y, z), axis=-1)


def _brows(p: Soft, sign: int) -> dict[str, np.ndarray]:
    inner = p.brow(sign * 0.018, 0.016)
    body = p.brow(sign * 0.032, 0.028)
    outer = p.brow(sign * 0.052, 0.020)
    return {
        "browDown": _vector(x=-sign * 0.005 * inner, z=-0.0085 * body - 0.0065 * inner + 0.004 * outer),
        "browOuterUp": _vector(z=0.0120 * outer),
    }


def _mouth_sides(p: Soft, sign: int) -> dict[str, np.ndarray]:
    corner = p.spot(sign * MOUTH_HALF, MOUTH_Z + 0.004, 0.021, 0.020)
    near = p.spot(sign * MOUTH_HALF, MOUTH_Z + 0.004, 0.012, 0.012)
    cheek = p.spot(sign * 0.044, -0.032, 0.022, 0.018)
    half = p.half(sign)
    upper, lower = p.lips(1) * half, p.lips(-1) * half
    thin = p.lip * half * p.mouth()
    wing = p.spot(sign * 0.012, -0.028, 0.010, 0.011)
    return {
        "mouthSmile": _vector(
            x=sign * (0.0115 * corner + 0.003 * cheek), z=0.0115 * corner + 0.0045 * cheek - 0.0015 * thin * p.side
        ),
        "mouthFrown": _vector(x=sign * 0.001 * corner, z=-0.0120 * corner),
        "mouthDimple": _vector(x=sign * 0.0060 * near, y=0.0045 * near, z=0.0010 * near),
        "mouthStretch": _vector(x=sign * 0.0120 * corner, z=-0.0035 * corner - 0.25 * thin * p.above),
        "mouthPress": _vector(y=0.0018 * thin, z=-0.42 * thin * p.above + 0.0008 * corner),
        "mouthUpperUp": _vector(z=0.0100 * upper + 0.0020 * wing),
        "mouthLowerDown": _vector(z=-0.0100 * lower),
        "cheekSquint": _vector(z=0.0080 * p.spot(sign * 0.042, -0.026, 0.024, 0.015)),
        "noseSneer": _vector(
            x=sign * 0.0015 * wing,
            z=0.0055 * wing + 0.0045 * upper + 0.0040 * p.spot(sign * 0.026, -0.036, 0.013, 0.013),
        ),
        "eyeSquint": _vector(z=0.0035 * p.spot(sign * 0.038, -0.026, 0.024, 0.010)),
    }


def _mouth_middle(p: Soft) -> dict[str, np.ndarray]:
    upper, lower, mouth = p.lips(1), p.lips(-1), p.mouth()
    roll_up, roll_low = p.lips(1, 0.004), p.lips(-1, 0.004)
    inner = p.brow(0.017, 0.016) + p.brow(-0.017, 0.016)
    outer = p.brow(0.056, 0.016) + p.brow(-0.056, 0.016)
    chin = p.spot(0.0, -0.088, 0.022, 0.014)
    return {
        "browInnerUp": _vector(z=0.0150 * inner - 0.0025 * outer),
        "mouthFunnel": _vector(
            x=-0.38 * p.x * mouth, y=-0.0060 * mouth, z=0.0050 * upper - 0.0065 * lower
        ),
        "mouthPucker": _vector(x=-0.52 * p.x * mouth, y=-0.0085 * mouth, z=0.10 * p.above * p.lip),
        "mouthLeft": _vector(x=0.0105 * mouth),
        "mouthRight": _vector(x=-0.0105 * mouth),
        "mouthRollUpper": _vector(y=0.0055 * roll_up, z=-0.75 * p.above * roll_up),
        "mouthRollLower": _vector(y=0.0055 * roll_low, z=-0.75 * p.above * roll_low),
        "mouthShrugLower": _vector(
            y=-0.0035 * lower, z=0.0060 * lower + 0.0045 * upper + 0.0055 * chin
        ),
        "mouthShrugUpper": _vector(y=-0.0030 * upper, z=0.0045 * upper),
        "cheekPuff": _vector(x=-0.06 * p.x * mouth),
    }


def _push(p: Soft) -> dict[str, np.ndarray]:
    """Metres off the skin, outwards."""
    return {
        "cheekPuff": 0.0120 * (p.spot(0.048, -0.052, 0.022, 0.022) + p.spot(-0.048, -0.052, 0.022, 0.022)),
        "mouthSmileLeft": 0.0035 * p.spot(0.046, -0.030, 0.018, 0.013),
        "mouthSmileRight": 0.0035 * p.spot(-0.046, -0.030, 0.018, 0.013),
        "cheekSquintLeft": 0.0030 * p.spot(0.044, -0.024, 0.020, 0.011),
        "cheekSquintRight": 0.0030 * p.spot(-0.044, -0.024, 0.020, 0.011),
        "browDownLeft": 0.0015 * p.spot(0.022, BROW_Z - 0.006, 0.016, 0.012),
        "browDownRight": 0.0015 * p.spot(-0.022, BROW_Z - 0.006, 0.016, 0.012),
        "mouthShrugLower": 0.0025 * p.spot(0.0, -0.090, 0.018, 0.010),
    }


def open_jaw(points: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(N, 3) where skinning brings rest points at jawOpen 1; the blend is linear, as the rig's."""
    return points + share[:, None] * ((points - JAW_PIVOT) @ _jaw_turn().T + JAW_PIVOT - points)


def _jaw_turn() -> np.ndarray:
    c, s = np.cos(JAW_OPEN), np.sin(JAW_OPEN)
    return np.array([[1.0, 0, 0], [0, c, -s], [0, s, c]])


def _mouth_close(p: Soft) -> np.ndarray:
    """What brings the lips together again under an open jaw: added before skinning, so it is turned back by it."""
    share = jaw_share(p.points, p.side)
    corner = float(jaw_share(np.array([[MOUTH_HALF, -0.085, slit(MOUTH_HALF)]]), np.ones(1))[0])
    joined = corner + (MEETING_SHARE - corner) * p.middle
    border = np.maximum(np.abs(p.above) - 0.010, 0.0)
    near = np.exp(-((border / 0.018) ** 2)) * p.frontal
    wanted = open_jaw(p.points, share + near * (joined - share))
    blended = np.eye(3) + share[:, None, None] * (_jaw_turn() - np.eye(3))
    offset = share[:, None] * (JAW_PIVOT - _jaw_turn() @ JAW_PIVOT)
    return np.linalg.solve(blended, (wanted - offset)[..., None])[..., 0] - p.points


def _slide(points: np.ndarray, move: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The move (N, 3), bent so that points end at the distance `kept` (N,) from the face."""
    moved = points + move
    normals = gradient(moved, nose=False)
    for _ in range(2):
        moved = moved - (distance(moved, nose=False) - kept)[:, None] * normals
    return moved - points


JAW_FORWARD = np.array([0.0, -0.0075, 0.0])

# How far down the lips meet under an open jaw: 0 where the upper lip is at rest, 1 where the lower one went.
MEETING_SHARE = 0.55

# Shapes whose forward or backward part is meant: they leave the face's surface.
_FREE = ("mouthFunnel", "mouthPucker", "mouthRollUpper", "mouthRollLower", "mouthPress", "mouthShrug", "mouthDimple")


def skin_shapes(p: Soft) -> dict[str, np.ndarray]:
    """ARKit name -> (N, 3) metres at weight 1."""
    moves = _mouth_middle(p)
    for name, sign in (("Left", 1), ("Right", -1)):
        moves |= {key + name: move for key, move in (_brows(p, sign) | _mouth_sides(p, sign)).items()}
    pushes = _push(p)
    depth = distance(p.points, nose=False)
    shapes = {}
    for name, move in moves.items():
        push = pushes.get(name, np.zeros(len(p.points)))
        active = (np.abs(move).max(axis=1) > 5e-5) | (np.abs(push) > 5e-5)
        shape = np.zeros_like(p.points)
        free = move[active] * [0.0, 1.0, 0.0] if name.startswith(_FREE) else 0.0
        shape[active] = _slide(p.points[active], move[active] - free, (depth + push)[active]) + free
        shapes[name] = shape
    share = jaw_share(p.points, p.side)[:, None]
    shapes["jawForward"] = share * JAW_FORWARD
    shapes["mouthClose"] = _mouth_close(p)
    return shapes


def tongue_out(points: np.ndarray, along: np.ndarray) -> np.ndarray:
    """(N, 3) the tongue's move at tongueOut 1: its front slides out over the lower lip.

    Args:
        along: (N,) 0 at the root, 1 at the tip.
    """
    reach = smoothstep(0.15, 1.0, along)
    return _vector(y=-0.036 * reach, z=0.0120 * smoothstep(0.1, 0.6, along))

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a film's landmarks say: whether lips follow the take and meet, and whether an emotion shows while speaking.

Everything is measured in the head's own frame: origin between the eyes, x along them, unit the distance between their
middles, so that a head that sways, leans or comes nearer measures the same.
"""

from collections.abc import Callable

import numpy as np

from assets.actor.landmarks import (
    BROWS_INNER, BROWS_OUTER, EYE_CORNERS, MOUTH_CORNERS, lid_gap, lip_gap, mouth_width,
)
from assets.prior.measures import CLOSED_SHARE, contacts
from engine.capture.face_geometry import SEALED
from engine.fit.faces import opening
from engine.fit.metrics import correlation
from engine.prior.lips import gap_of_faces
from engine.take.take import Take

NOSE_BASE, UPPER_LIP = 2, 0
Measure = Callable[[np.ndarray], float]


def in_head(points: np.ndarray) -> np.ndarray:
    """(478, 2) pixels (y down) in the head's frame (x along the eyes towards the picture's right, y down)."""
    right, left = (points[list(corners)].mean(0) for corners in EYE_CORNERS)
    across = left - right
    turn = np.array([[across[0], -across[1]], [across[1], across[0]]])
    return (points - (right + left) / 2) @ turn / (across @ across)


def height_of(landmarks: tuple[int, ...]) -> Measure:
    return lambda p: -float(p[list(landmarks), 1].mean())


def nose_to_lip(p: np.ndarray) -> float:
    return float(p[UPPER_LIP, 1] - p[NOSE_BASE, 1])


# Emotion: what must be seen; each is a choice of (words, measure, least change towards the sign), one of which will do.
CORNERS, INNER, OUTER = height_of(MOUTH_CORNERS), height_of(BROWS_INNER), height_of(BROWS_OUTER)
SIGNS: dict[str, tuple[tuple[tuple[str, Measure, float], ...], ...]] = {
    "happy": ((("mouth wider", mouth_width, 0.03),), (("corners up", CORNERS, 0.008),)),
    "sad": ((("corners down", CORNERS, -0.008),), (("inner brows up", INNER, 0.004),)),
    "angry": ((("inner brows down", INNER, -0.012),),),
    "surprised": (
        (("outer brows up", OUTER, 0.012),), (("lids opened", lid_gap, 0.005), ("lips opened", lip_gap, 0.03)),
    ),
    "disgusted": ((("lip nearer the nose", nose_to_lip, -0.008),),),
    "fear": ((("inner brows up", INNER, 0.006),), (("lids opened", lid_gap, 0.004),)),
}  # fmt: skip


def change(measure: Measure, film: list, neutral: list) -> float:
    """How much more of a measure a film has than the neutral one, on average over the frames that show both faces."""
    pairs = [(one, other) for one, other in zip(film, neutral) if one is not None and other is not None]
    if not pairs:
        return float("nan")
    return float(np.mean([measure(in_head(one)) - measure(in_head(other)) for one, other in pairs]))


def lips_follow(film: list, take: Take) -> float:
    """Correlation of the lips' gap that is seen with the one that the take asks for."""
    found = [frame for frame, points in enumerate(film) if points is not None]
    if len(found) < 3:
        return float("nan")
    asked = np.maximum(gap_of_faces(take.expression[found]), 0.0)
    return correlation(opening(np.stack([film[frame] for frame in found])), asked)


def lips_meet(film: list, phones: list, fps: float) -> list[bool]:
    """Of every b, p and m whether the lips were seen to meet: no wider than touching lips look, or a tenth of what this
    film opens. A frame without a face shows no lips that meet."""
    gap = np.array([np.inf if points is None else opening(points[None])[0] for points in film])
    if not np.isfinite(gap).any():
        return contacts(phones, ("p", "m"), np.zeros(len(gap), bool), fps)
    closed = max(SEALED, CLOSED_SHARE * float(np.percentile(gap[np.isfinite(gap)], 95)))
    return contacts(phones, ("p", "m"), gap <= closed, fps)

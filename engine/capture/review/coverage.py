# SPDX-License-Identifier: GPL-3.0-or-later
"""What a capture's rows cover, in numbers, without a picture being opened: directions, ARKit shapes, emotions."""

from dataclasses import dataclass

import numpy as np

from ...protocol import EMOTION_NAMES, EXPRESSION_NAMES
from ..capture import Capture, directions
from .landmark_shapes import shapes_from_landmarks

# A shape that fewer pictures show is a tracker's flicker, and nothing that a head learns.
SEEN_PICTURES = 5
# Scores of MediaPipe barely react to these: measured on a rendered head at full weight, and tongueOut it has not.
BLIND = (
    "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "mouthFrownLeft",
    "mouthFrownRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
GROUPS = {
    "Brows": ("brow",), "Eyes": ("eye",), "Cheeks and nose": ("cheek", "nose"), "Jaw": ("jaw",),
    "Mouth": ("mouth", "tongue"),
}  # fmt: skip


@dataclass(frozen=True)
class Coverage:
    """F rows of a capture.

    Args:
        pictures, fit_pictures, cameras: how many there are, how many of them a head is fitted from.
        tracked: rows in which a face was tracked; a capture whose rows are exact has all of them.
        filmed: a tracker looked at pictures of somebody; else the weights are exact, as a rig's are.
        fps: frames per second.
        seconds: of the pictures, the gaps between them not counted.
        yaw, pitch: (F,) degrees from which the camera sees the head: yaw positive from its own left, pitch positive
            from above, 0, 0 straight before the face.
        usual: (52,) median of every shape.
        often: (52,) what a tenth of the pictures go beyond.
        reach: (52,) how far each shape goes in at least SEEN_PICTURES pictures, 0 to 1; NaN where nobody can tell.
        emotions: labelled emotion -> seconds.
    """

    pictures: int
    fit_pictures: int
    cameras: int
    tracked: int
    filmed: bool
    fps: float
    seconds: float
    yaw: np.ndarray
    pitch: np.ndarray
    usual: np.ndarray
    often: np.ndarray
    reach: np.ndarray
    emotions: dict[str, float]

    def reach_of(self, *names: str) -> float:
        """The largest reach of these shapes; NaN where none can be judged."""
        values = [self.reach[EXPRESSION_NAMES.index(name)] for name in names]
        known = [value for value in values if np.isfinite(value)]
        return float(max(known)) if known else float("nan")

    def turned(self) -> dict[str, float]:
        """Degrees to which the head is seen from its left and right, from above and below; not less than 0."""
        ends = {"left": self.yaw, "right": -self.yaw, "above": self.pitch, "below": -self.pitch}
        return {name: max(0.0, _reached(angles)) for name, angles in ends.items()}


def measure_coverage(capture: Capture) -> Coverage:
    rows = seen_rows(capture)
    yaw, pitch = np.degrees(directions(capture.viewmats))
    values = capture.expression[rows]
    reach = np.array([_reached(column) for column in values.T])
    filmed = capture.landmarks is not None
    if filmed:
        by_landmarks = shapes_from_landmarks(capture, rows)
        for name in BLIND:
            reach[EXPRESSION_NAMES.index(name)] = _reached(by_landmarks.get(name, np.zeros(0)))
    usual, often = np.array([np.percentile(column, [50, 90]) for column in values.T]).T
    return Coverage(
        pictures=len(capture), fit_pictures=int((~capture.test).sum()), cameras=len(np.unique(capture.cameras)),
        tracked=int((capture.confidence > 0).sum()), filmed=filmed, fps=float(capture.fps),
        seconds=float(len(np.unique(capture.frames)) / capture.fps), yaw=yaw[rows], pitch=pitch[rows], usual=usual,
        often=often, reach=reach, emotions=_labelled(capture),
    )  # fmt: skip


def seen_rows(capture: Capture) -> np.ndarray:
    """Indices of the rows that say something: those of some confidence; all where none has any."""
    rows = np.flatnonzero(capture.confidence > 0)
    return rows if len(rows) else np.arange(len(capture))


def group_of(shape: str) -> str:
    return next(group for group, starts in GROUPS.items() if shape.startswith(starts))


def _reached(values: np.ndarray) -> float:
    """What at least SEEN_PICTURES of the values reach; of few values, what fewer do."""
    if not len(values):
        return float("nan")
    rank = min(SEEN_PICTURES, 1 + len(values) // 50)
    return float(np.partition(values, len(values) - rank)[len(values) - rank])


def _labelled(capture: Capture) -> dict[str, float]:
    seconds = dict.fromkeys(EMOTION_NAMES, 0.0)
    for label in capture.labels:
        seconds[label.emotion] += max(0.0, min(label.end, capture.seconds) - label.start)
    return {name: spent for name, spent in seconds.items() if spent > 0}

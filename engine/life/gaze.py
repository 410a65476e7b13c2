# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the eyes look: fixations on the viewer, small saccades about the face, glances aside that come back."""

from dataclasses import dataclass

import numpy as np

from ..protocol import EXPRESSION_NAMES
from .chance import generator
from .rhythm import Rhythm

MAX_YAW = np.radians(30.0)
MAX_PITCH = np.radians(25.0)
GLANCE_DEGREES = 5.0  # what is further from the viewer than this counts as a glance aside
LID_FOLLOWS_DOWN = 0.15
LID_FOLLOWS_UP = 0.10


@dataclass(frozen=True)
class Fixations:
    """Where the eyes rest, and since when.

    Args:
        starts: (F,) seconds; each fixation's saccade begins there. The first is 0.
        targets: (F, 2) yaw (positive: to the head's left) and pitch (positive: up) in radians.
    """

    starts: np.ndarray
    targets: np.ndarray

    def glances(self) -> np.ndarray:
        """(G,) seconds of the saccades of more than GLANCE_DEGREES."""
        size = np.linalg.norm(np.diff(self.targets, axis=0), axis=1)
        return self.starts[1:][size > np.radians(GLANCE_DEGREES)]


def choose_fixations(rhythm: Rhythm, seed: int) -> Fixations:
    """Fixations of a speaker to camera.

    Durations are log-normal about 0.9 s on the viewer and 0.5 s aside. Speakers look aside where a phrase ends and
    begins, and at the listener in its course (Kendon 1967, Some functions of gaze direction in social interaction; Lee,
    Badler & Badler 2002, Eyes alive, for the sizes and directions).
    """
    rng = generator(seed, "gaze")
    starts, targets = [0.0], [np.zeros(2)]
    time = 0.0
    while True:
        aside = np.linalg.norm(targets[-1]) > np.radians(GLANCE_DEGREES / 2)
        draw, length, size, angle = rng.random(), rng.standard_normal(), rng.standard_normal(), rng.random()
        time += float(np.clip((0.5 if aside else 0.9) * np.exp(0.45 * length), 0.2, 3.0))
        if time >= rhythm.seconds:
            return Fixations(np.array(starts), np.array(targets))
        near_end = np.any(np.abs(rhythm.phrase_ends - time) < 0.4)
        if not aside and draw < (0.45 if near_end else 0.10):
            degrees = np.clip(7.0 * np.exp(0.3 * size), 4.0, 13.0)
            target = degrees * np.array([np.cos(2 * np.pi * angle), 0.5 * np.sin(2 * np.pi * angle)])
        else:  # the viewer's eyes and mouth
            target = np.array([1.3, 0.8]) * np.array([np.cos(2 * np.pi * angle), np.sin(2 * np.pi * angle)]) * draw
        starts.append(time)
        targets.append(np.radians(target))


def gaze_angles(fixations: Fixations, times: np.ndarray, head_rotation: np.ndarray) -> np.ndarray:
    """(T, 2) yaw and pitch in radians within MAX_YAW and MAX_PITCH, relative to the head.

    A saccade of A degrees lasts 21 + 2.2 A milliseconds (the main sequence: Bahill, Clark & Stark 1975; constants of
    Carpenter 1988) on a smooth step. Between saccades the eyes turn against the head (vestibulo-ocular reflex), so that
    a fixation stays where it is.

    Args:
        head_rotation: (T, 3) rotation vector of the head, radians.
    """
    index = np.clip(np.searchsorted(fixations.starts, times, "right") - 1, 0, None)
    target, previous = fixations.targets[index], fixations.targets[np.clip(index - 1, 0, None)]
    size = np.degrees(np.linalg.norm(target - previous, axis=1))
    progress = np.clip((times - fixations.starts[index]) / (0.021 + 0.0022 * size), 0.0, 1.0)[:, None]
    step = progress * progress * (3.0 - 2.0 * progress)
    against = np.stack([-head_rotation[:, 2], head_rotation[:, 0]], 1)
    angles = previous + (target - previous) * step + against
    return np.clip(angles, [-MAX_YAW, -MAX_PITCH], [MAX_YAW, MAX_PITCH]).astype(np.float32)


def add_eye_shapes(expression: np.ndarray, gaze: np.ndarray) -> None:
    """Write (T, 2) gaze into (T, 52) in place: eyeLook = angle / MAX_YAW or MAX_PITCH; lids follow a little."""
    yaw, pitch = gaze[:, 0] / MAX_YAW, gaze[:, 1] / MAX_PITCH
    left, right = np.clip(yaw, 0.0, 1.0), np.clip(-yaw, 0.0, 1.0)
    up, down = np.clip(pitch, 0.0, 1.0), np.clip(-pitch, 0.0, 1.0)
    curves = {"eyeLookOutLeft": left, "eyeLookInRight": left, "eyeLookInLeft": right, "eyeLookOutRight": right}
    for side in ("Left", "Right"):
        curves |= {"eyeLookUp" + side: up, "eyeLookDown" + side: down}
        curves |= {"eyeBlink" + side: LID_FOLLOWS_DOWN * down, "eyeWide" + side: LID_FOLLOWS_UP * up}
    for name, curve in curves.items():
        expression[:, EXPRESSION_NAMES.index(name)] += curve
    np.clip(expression, 0.0, 1.0, out=expression)


def gaze_of_eye_shapes(expression: np.ndarray) -> np.ndarray:
    """(F, 2) float32 yaw and pitch in radians that the eye shapes of (F, 52) stand for: `add_eye_shapes` backwards."""
    def weight(name: str) -> np.ndarray:
        return expression[:, EXPRESSION_NAMES.index(name)]

    left = weight("eyeLookOutLeft") + weight("eyeLookInRight")
    right = weight("eyeLookInLeft") + weight("eyeLookOutRight")
    up, down = (weight(f"eyeLook{way}Left") + weight(f"eyeLook{way}Right") for way in ("Up", "Down"))
    return np.stack([(left - right) / 2 * MAX_YAW, (up - down) / 2 * MAX_PITCH], axis=1).astype(np.float32)

# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a head goes when asked for more than anybody shows, beside how far it goes in ordinary use.

Ordinary: every emotion and every ARKit shape alone at 1. Beyond: two emotions at once, all of them, all shapes at 1,
weights far outside 0 to 1, and voices unlike any. A head that tears or explodes moves splats far further, or pulls
neighbours far further apart, than ordinary faces do.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from engine.deform.drive import CONTENT, EMOTION, STYLE, WINDOW, DriveFrame
from engine.emotion.model import shipped_model
from engine.head.head import Head
from engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES
from engine.splats.gaussians import Gaussians

VISIBLE = 0.1  # opacity
NEIGHBOURS = 6
FAR_OUT, UNHEARD = (-5.0, 10.0), 10.0
RANDOM_FRAMES = 24
STILL = np.zeros(6, np.float32)


@dataclass
class Reach:
    """Over some poses: the furthest that a visible splat went from the neutral face, what one in a thousand neighbours
    went further apart than there, and the largest splat's deviation; millimetres, per pose (P,)."""

    moved: np.ndarray
    apart: np.ndarray
    largest: np.ndarray

    def worst(self) -> dict[str, float]:
        return {name: float(values.max()) for name, values in vars(self).items()}


def ordinary_frames() -> list[DriveFrame]:
    alone = np.eye(len(EXPRESSION_NAMES), dtype=np.float32)
    return [*emotion_frames(np.eye(len(EMOTION_NAMES))), *map(DriveFrame.of_expression, alone)]


def mixed_frames() -> list[DriveFrame]:
    """Two emotions at full strength, and half of each."""
    pairs = [np.isin(np.arange(len(EMOTION_NAMES)), pair) for pair in combinations(range(len(EMOTION_NAMES)), 2)]
    return emotion_frames(np.concatenate([np.array(pairs, float), 0.5 * np.array(pairs, float)]))


def extreme_frames(seed: int) -> list[DriveFrame]:
    """All at 1, weights far outside what there is, and sounds and feelings that nobody has."""
    random = torch.Generator().manual_seed(seed)
    all_shown = torch.ones(len(EXPRESSION_NAMES))
    frames = [*emotion_frames(np.ones((1, len(EMOTION_NAMES)))), DriveFrame.of_expression(all_shown)]
    low, high = FAR_OUT
    for _ in range(RANDOM_FRAMES):
        weights = low + (high - low) * torch.rand(len(EXPRESSION_NAMES), generator=random)
        window, style, emotion = (
            UNHEARD * torch.randn(*shape, generator=random) for shape in ((WINDOW, CONTENT), (STYLE,), (EMOTION,))
        )
        gaze = torch.randn(2, generator=random)
        frames.append(DriveFrame(weights, gaze, window=window, style=style, emotion=emotion))
    return frames


def emotion_frames(weights: np.ndarray) -> list[DriveFrame]:
    """Faces of emotion weights (F, 8) that nobody speaks with."""
    space = shipped_model()[0].space
    points = space.of_weights(weights.astype(np.float32))
    frames = [DriveFrame.of_expression(face) for face in space.expression(points)]
    for frame, point in zip(frames, points):
        frame.emotion = torch.from_numpy(np.asarray(point, np.float32))
    return frames


def reach(head: Head, frames: list[DriveFrame], threads: int) -> Reach:
    """Pose a head so. NaN or infinite places count as infinitely far."""
    visible = head.gaussians.opacities > VISIBLE
    neutral = head.pose(np.zeros(len(EXPRESSION_NAMES), np.float32), STILL, threads).means[visible].double().numpy()
    first, second = neighbours(neutral)
    length = np.linalg.norm(neutral[first] - neutral[second], axis=1)
    rows = []
    for frame in frames:
        posed: Gaussians = head.pose(frame, STILL, threads)
        means = posed.means[visible].double().numpy()
        apart = np.linalg.norm(means[first] - means[second], axis=1) - length
        moved, largest = np.linalg.norm(means - neutral, axis=1).max(), float(posed.scales[visible].max())
        row = moved, np.percentile(apart, 99.9), largest
        rows.append([1000 * value if np.isfinite(value) else np.inf for value in row])
    return Reach(*np.array(rows).T)


def neighbours(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of (N, 3) places, each with its NEIGHBOURS nearest."""
    second = np.empty((len(places), NEIGHBOURS), np.int64)
    for start in range(0, len(places), 512):
        far = torch.cdist(torch.from_numpy(places[start : start + 512]).float(), torch.from_numpy(places).float())
        second[start : start + 512] = far.topk(NEIGHBOURS + 1, largest=False).indices[:, 1:].numpy()
    return np.repeat(np.arange(len(places)), NEIGHBOURS), second.ravel()

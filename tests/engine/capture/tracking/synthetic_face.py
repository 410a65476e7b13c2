# SPDX-License-Identifier: GPL-3.0-or-later
"""A face of a known person, rigid or acting, moved on a known path before a known camera."""

from dataclasses import dataclass

import numpy as np

from engine.capture.tracking.cameras import EYE_CORNERS, CameraSolve
from engine.capture.tracking.codes import EYEBALL_RADIUS, LIDS_AND_IRIS, LIPS
from engine.capture.tracking.poses import exp_so3
from engine.capture.tracking.rigid_face import CANONICAL_ORIGIN, CANONICAL_TO_HEAD, RIGID_LANDMARKS, rigid_canonical

SIZE = (640, 480)
ACTED_FRAMES = 250


@dataclass
class SyntheticFace:
    """landmarks (T, 478, 2) pixels with noise, clean (T, P, 2) without; shape (P, 3) and translations (T, 3) in
    centimetres."""

    landmarks: np.ndarray
    clean: np.ndarray
    shape: np.ndarray
    rotations: np.ndarray
    translations: np.ndarray
    focal: float


def wander(rng: np.random.Generator, frames: int, channels: int, fps: float) -> np.ndarray:
    """(T, channels) smooth paths of unit variance with nothing faster than 0.6 Hz."""
    time = np.arange(frames) / fps
    rates = rng.uniform(0.1, 0.6, (6, 1, channels))
    phases = rng.uniform(0, 2 * np.pi, (6, 1, channels))
    return np.sin(2 * np.pi * rates * time[:, None] + phases).sum(0) / np.sqrt(3)


def synthetic_face(frames=200, focal=1100.0, noise=0.5, seed=0, fps=25.0, turn=0.2) -> SyntheticFace:
    rng = np.random.default_rng(seed)
    shape = rigid_canonical()
    shape = shape * rng.normal(1, 0.04, 3) + 0.15 * np.stack(
        [np.sin(shape @ rng.normal(0, 0.3, 3) + rng.uniform(0, 6)) for _ in range(3)], -1
    )
    path = wander(rng, frames, 6, fps)
    flip = np.diag([1.0, -1.0, -1.0])  # the canonical face looks along +z, the camera's z points at it
    rotations = exp_so3(path[:, :3] * [turn / 2, turn, turn / 3]) @ flip
    translations = path[:, 3:] * [2, 1.5, 2] + [0, 0, 60 * focal / 1100]
    camera = shape @ rotations.transpose(0, 2, 1) + translations[:, None]
    clean = focal * camera[..., :2] / camera[..., 2:] + np.array(SIZE) / 2
    landmarks = np.zeros((frames, 478, 2))
    landmarks[:, RIGID_LANDMARKS] = clean + rng.normal(0, noise, clean.shape)
    return SyntheticFace(landmarks, clean, shape, rotations, translations, focal)


def acted_face(seed: int = 0):
    """(T, 478, 3) metres in the head's frame with moving lips and eyes, their activations (T, 2), true gaze (T, 2),
    pixels with relative depth (T, 478, 3), and the cameras."""
    rng = np.random.default_rng(seed)
    face = synthetic_face(ACTED_FRAMES, seed=seed, noise=0.0)
    rest = rng.normal([0.0, -0.085, -0.02], [0.04, 0.01, 0.04], (478, 3))
    rigid = (face.shape - CANONICAL_ORIGIN) @ CANONICAL_TO_HEAD.T / 100
    rest[RIGID_LANDMARKS] = rigid
    points = np.repeat(rest[None], ACTED_FRAMES, 0)
    acts = wander(rng, ACTED_FRAMES, 2, 25.0) * [1.0, 0.5]
    moves = np.zeros((2, 478, 3))
    moves[:, LIPS] = rng.normal(0, 0.004, (2, len(LIPS), 3)) * [1, 0, 1]
    points += np.einsum("ta,ani->tni", acts, moves)
    looks = wander(rng, ACTED_FRAMES, 2, 25.0) * [0.2, 0.1]
    for (outer, inner), (upper, lower, iris) in zip(EYE_CORNERS, LIDS_AND_IRIS):
        corners = (rest[outer] + rest[inner]) / 2
        points[:, upper], points[:, lower] = corners + [0, 0, 0.005], corners - [0, 0, 0.005]
        points[:, iris] = corners
        points[:, iris, 0] += EYEBALL_RADIUS * np.sin(looks[:, 0])
        points[:, iris, 2] += EYEBALL_RADIUS * np.sin(looks[:, 1]) + 0.0015  # pupils lie above the corners

    viewmats = np.tile(np.eye(4), (ACTED_FRAMES, 1, 1))
    viewmats[:, :3, :3] = face.rotations @ CANONICAL_TO_HEAD.T
    viewmats[:, :3, 3] = (face.translations + face.rotations @ CANONICAL_ORIGIN) / 100
    K = np.array([[face.focal, 0, SIZE[0] / 2], [0, face.focal, SIZE[1] / 2], [0, 0, 1]])
    camera = points @ viewmats[:, :3, :3].transpose(0, 2, 1) + viewmats[:, None, :3, 3]
    pixels = camera @ K.T
    pixels = pixels / pixels[..., 2:]
    head = camera[:, RIGID_LANDMARKS, 2].mean(1)[:, None]
    pixels[..., 2] = (camera[..., 2] - head) / head * face.focal
    solve = CameraSolve(viewmats, K, rigid, 0.0, np.zeros(ACTED_FRAMES), 0.0, 0.0)
    return points, acts, looks, pixels, solve

# SPDX-License-Identifier: GPL-3.0-or-later
"""A rigid face of a known person, moved on a known path before a known camera."""

from dataclasses import dataclass

import numpy as np

from engine.capture.tracking.poses import exp_so3
from engine.capture.tracking.rigid_face import RIGID_LANDMARKS, rigid_canonical

SIZE = (640, 480)


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

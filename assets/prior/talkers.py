# SPDX-License-Identifier: GPL-3.0-or-later
"""Real talkers in films: how far their lips part in every frame, and how well a curve from the sound follows it."""

from pathlib import Path

import numpy as np

from engine.audio.read import read_mono
from engine.capture.tracking.landmarks import track
from engine.capture.video import pictures, probe
from engine.report import Report

UPPER_LIP, LOWER_LIP, BROW, CHIN = 13, 14, 10, 152
LAGS = 8


def tracked_aperture(film: Path, model: Path, cache: Path) -> tuple[np.ndarray, float]:
    """(T,) inner lips' distance over the face's height, not a number where no face is, and frames per second.

    Frames past the film's own 60 fps are as they come; MediaPipe's landmarks 13 and 14 over 10 to 152.
    """
    stored = cache / f"{film.stem}.aperture.npz"
    if not stored.is_file():
        info = probe(film)
        frames = (picture.image[..., :3] for picture in pictures(info, max_side=640))
        faces = track(frames, model, float(info.fps), Report())
        points = faces.landmarks[..., :2]
        lips = np.linalg.norm(points[:, UPPER_LIP] - points[:, LOWER_LIP], axis=1)
        height = np.linalg.norm(points[:, BROW] - points[:, CHIN], axis=1)
        aperture = np.where(faces.found, lips / np.maximum(height, 1e-6), np.nan)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(stored, aperture=aperture, fps=float(info.fps))
    with np.load(stored) as file:
        return file["aperture"], float(file["fps"])


def sound_of(film: Path) -> np.ndarray:
    """(n,) float32 at 16 kHz, time 0 as the film's first picture's to within its container's offset."""
    return read_mono(film)


def best_correlation(curve: np.ndarray, aperture: np.ndarray, lags: int = LAGS) -> tuple[float, int]:
    """Pearson's r at the best lag and that lag in frames: positive where the lips are later than the curve.

    Args:
        curve: (T,) from the sound, on the film's frames.
        aperture: (T,) tracked; frames that are not a number are left out.
    """
    best = (-1.0, 0)
    count = min(len(curve), len(aperture))
    for lag in range(-lags, lags + 1):
        a, b = max(0, -lag), count - max(0, lag)
        x, y = curve[a:b], aperture[a + lag : b + lag]
        good = np.isfinite(y)
        if good.sum() > 20 and x[good].std() > 0:
            best = max(best, (float(np.corrcoef(x[good], y[good])[0, 1]), lag))
    return best

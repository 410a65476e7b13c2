# SPDX-License-Identifier: GPL-3.0-or-later
"""A take at another frame rate."""

from dataclasses import replace
from fractions import Fraction
from math import floor

import numpy as np

from .take import Take


def at_times(times: np.ndarray, rows: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """(W, D) float32: rows (T, D) at ascending times (T,) seconds, straight in between, held before and after."""
    left = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, max(len(times) - 2, 0))
    right = np.minimum(left + 1, len(times) - 1)
    span = times[right] - times[left]
    part = np.where(span > 0.0, (wanted - times[left]) / np.where(span > 0.0, span, 1.0), 0.0)
    part = np.clip(part, 0.0, 1.0)[:, None]
    return (rows[left] * (1.0 - part) + rows[right] * part).astype(np.float32)


def frame_times(frames: int, fps: Fraction) -> np.ndarray:
    """(frames,) float64 seconds: frame k is the time k / fps."""
    return np.arange(frames, dtype=np.float64) * fps.denominator / fps.numerator


def resample(take: Take, fps: Fraction) -> Take:
    """The same performance at `fps`: straight between its frames. The last frame is the last one that it covers."""
    if fps == take.fps:
        return take
    frames = floor(Fraction(len(take) - 1) / take.fps * fps) + 1 if len(take) else 0
    times, wanted = frame_times(len(take), take.fps), frame_times(frames, fps)
    tracks = {name: at_times(times, getattr(take, name), wanted)
              for name in ("expression", "emotion_weights", "gaze", "head_pose", "content", "emotion")
              if getattr(take, name) is not None}
    return replace(take, fps=fps, **tracks)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether drawn lips move as the sound is said, by our sync expert (engine/prior/sync_expert.py)."""

from collections.abc import Sequence

import numpy as np
import torch

from ..capture.capture import Capture
from ..prior.sync_expert import RATE, SHIPPED, find_offset, motion_of, shipped_expert

LEAST_SECONDS = 2.0


def sync_measures(
    capture: Capture, rows: np.ndarray, lips: Sequence[np.ndarray], content: np.ndarray | None
) -> dict[str, float | None]:
    """Confidence of the expert, and by how many of the capture's frames the mouth is late (negative: early).

    Args:
        rows: of the pictures whose lips were seen.
        lips: (R,) gap and (R,) width.
        content: (T, 64) of the capture's sound, frame by frame; None where there is none.

    Returns:
        `sync_confidence` and `sync_offset_frames`; None where there is no expert, no sound or no stretch of
        LEAST_SECONDS.
    """
    none = {"sync_confidence": None, "sync_offset_frames": None}
    if content is None or not SHIPPED.exists() or not len(rows):
        return none
    first, last = longest_stretch(capture, rows)
    if (last - first) / float(capture.fps) < LEAST_SECONDS:
        return none
    here = (capture.frames[rows] >= first) & (capture.frames[rows] <= last)
    start, end = first / float(capture.fps), last / float(capture.fps)
    times = start + np.arange(int((end - start) * RATE)) / RATE
    seen = capture.times[rows][here]
    curves = [torch.from_numpy(np.interp(times, seen, curve[here])).float()[None] for curve in lips]
    at = np.minimum((start + np.arange(2 * len(times)) / (2 * RATE)) * float(capture.fps), len(content) - 1)
    heard = np.stack([np.interp(at, np.arange(len(content)), column) for column in content.T], axis=1)
    late, confidence = find_offset(heard.astype(np.float32), motion_of(*curves), shipped_expert())
    return {"sync_confidence": confidence, "sync_offset_frames": late * float(capture.fps)}


def longest_stretch(capture: Capture, rows: np.ndarray, gap: int = 2) -> tuple[int, int]:
    """First and last frame of the longest run of rows of one camera without gaps of more than `gap` frames."""
    frames, cameras = capture.frames[rows], capture.cameras[rows]
    breaks = np.flatnonzero((np.diff(frames) > gap) | (np.diff(frames) < 0) | (np.diff(cameras) != 0)) + 1
    starts, ends = np.concatenate([[0], breaks]), np.concatenate([breaks, [len(rows)]]) - 1
    best = int(np.argmax(frames[ends] - frames[starts]))
    return int(frames[starts[best]]), int(frames[ends[best]])

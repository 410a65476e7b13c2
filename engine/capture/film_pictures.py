# SPDX-License-Identifier: GPL-3.0-or-later
"""The second pass over a film: squares, masks and PNGs, written by a pool while the next pictures are decoded."""

import os
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..disk_rows import DiskRows
from ..report import Report
from .film_tracking import SeenFilm
from .masks import SAMPLES, WORK_SIDE
from .video import VideoInfo, crop_square, pictures
from .writer import CaptureWriter

WRITERS = min(4, os.cpu_count() or 1)
# A square is cut from a film that is shrunk while it is decoded, to this many times the size that is wanted.
OVERSAMPLING = 2.0

Sample = tuple[np.ndarray, np.ndarray]
Masks = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass
class Shot:
    """A stretch of a film without a break.

    Args:
        frames: (n,) that are used, rising.
        squares: (n, 3) left, top and side in the film's pixels.
        landmarks: (n, 478, 2) in the capture's pixels, on the disk.
        samples: frames of them that `SeenFilm.samples` holds.
    """

    frames: np.ndarray
    squares: np.ndarray
    landmarks: DiskRows
    samples: np.ndarray


def write_pictures(
    info: VideoInfo, fps: Fraction, seen: SeenFilm, shots: list[Shot], size: int, writer: CaptureWriter,
    learn: Callable[[Sequence[Sample]], Masks], report: Report,
) -> None:
    """Write what an earlier try has not written.

    Args:
        size: side of the pictures.
        learn: makes a shot's masks from samples of it, pictures (h, h, 3) with landmarks (478, 2) in their pixels.

    Raises:
        StorageError: the disk refuses.
    """
    starts = [int(shot.frames[0]) for shot in shots]
    total = sum(len(shot.frames) for shot in shots)
    sides = np.concatenate([shot.squares[:, 2] for shot in shots])
    scale = min(1.0, OVERSAMPLING * size / sides.min())
    current, masks = None, None
    done, waiting = 0, deque[Future]()
    pool = ThreadPoolExecutor(WRITERS, thread_name_prefix="write")
    try:
        for picture in pictures(info, fps, round(scale * max(info.width, info.height)), report):
            shot = shots[max(bisect_right(starts, picture.frame) - 1, 0)]
            row = int(np.searchsorted(shot.frames, picture.frame))
            if row == len(shot.frames) or shot.frames[row] != picture.frame:
                continue
            report.progress("pictures", done, total)
            done += 1
            if writer.has(0, picture.frame):
                continue
            if shot is not current:
                current, masks = shot, learn(_samples(seen, shot, size, report))
            box = _box(shot.squares[row], (info.width, info.height), picture.image)
            work = (writer, picture.frame, picture.image, box, size, shot.landmarks[row], masks)
            waiting.append(pool.submit(_write, *work))
            while len(waiting) > 2 * WRITERS:
                waiting.popleft().result()
        for future in waiting:
            future.result()
    finally:
        pool.shutdown(cancel_futures=True)
    report.progress("pictures", total, total)


def _write(
    writer: CaptureWriter, frame: int, image: np.ndarray, box: tuple[float, ...], size: int, landmarks: np.ndarray,
    masks: Masks,
) -> None:
    cropped = crop_square(image, box, size)
    writer.add(0, frame, cropped, masks(cropped, landmarks))


def _box(square: np.ndarray, film: tuple[int, int], image: np.ndarray) -> tuple[float, ...]:
    """A square of the film (width, height) as left, top, width and height in a smaller picture of it. Its sides were
    rounded each for itself."""
    across, down = image.shape[1] / film[0], image.shape[0] / film[1]
    left, top, side = square.tolist()
    return left * across, top * down, side * across, side * down


def _samples(seen: SeenFilm, shot: Shot, size: int, report: Report) -> list[Sample]:
    """Pictures no larger than masks are learnt on."""
    side = min(size, WORK_SIDE)
    chosen = np.unique(np.linspace(0, len(shot.samples) - 1, SAMPLES).round().astype(int))
    samples = []
    for frame in shot.samples[chosen]:
        report.check()
        row = int(np.searchsorted(shot.frames, frame))
        picture = seen.sample(int(frame))
        square = crop_square(picture, _box(shot.squares[row], seen.tracks.size, picture), side)
        samples.append((square, shot.landmarks[row] * (side / size)))
    return samples

# SPDX-License-Identifier: GPL-3.0-or-later
"""Long speech: whether memory stays flat, the same comes out twice, and the last minute is as the first."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from assets.head.films import FPS, Line, pictures, portrait, take_of, watch
from engine.audio.read import RATE, blocks
from engine.head.head import Head
from engine.prior.lips import gap_of_faces
from engine.report import Report
from engine.take.take import Take

LOOKED_AT = 10  # frames at each end
TINY, MANY = 64, 200  # pixels and frames, to see memory stay flat


def long_take(head: Head, line: Line, seconds: float, size: int, seed: int, threads: int) -> dict[str, float]:
    """Say a line again and again.

    Returns:
        seconds; frames; megabytes_per_minute: what performing needs more for the whole than for its first minute, in
        peak memory; megabytes_drawn: how memory grew over MANY frames after the first few; same_twice: 1 where two
        performances, and two drawings of a frame, are equal; mouth_ratio: how far the mouth opens on average in the
        last minute beside the first; faces_start, faces_end: share of frames at each end with a face.
    """
    with tempfile.TemporaryDirectory() as folder:
        short, whole = (_repeated(line, Path(folder), length) for length in (60.0, seconds))
        first, again = (take_of(short, {}, seed) for _ in range(2))
        before = peak_memory()
        take = take_of(whole, {}, seed)
        grown = peak_memory() - before
    camera, tiny = portrait(size), portrait(TINY)
    minute = round(60 * FPS)
    ends = [np.linspace(0, minute - 1, LOOKED_AT).astype(int)]
    ends.append(len(take) - 1 - ends[0][::-1])
    drawn = [list(pictures(head, take, frames, camera, threads)) for frames in ends]
    spread = np.linspace(0, len(take) - 1, MANY).astype(int)
    for number, _ in enumerate(pictures(head, take, spread, tiny, threads)):
        if number == MANY // 4:
            before = memory()
    drawing = memory() - before
    last = list(pictures(head, take, ends[1], camera, threads))
    equal = all(np.array_equal(a, b) for a, b in zip(drawn[1], last)) and _equal(first, again)
    faces = [np.mean([points is not None for points in watch(film)]) for film in drawn]
    mouth = np.maximum(gap_of_faces(take.expression), 0.0)
    return {
        "seconds": seconds, "frames": len(take),
        "megabytes_per_minute": grown / 1e6 / max(seconds / 60 - 1, 1), "megabytes_drawn": drawing / 1e6,
        "same_twice": float(equal), "mouth_ratio": float(mouth[-minute:].mean() / mouth[:minute].mean()),
        "faces_start": float(faces[0]), "faces_end": float(faces[1]),
    }  # fmt: skip


def _repeated(line: Line, folder: Path, seconds: float) -> Line:
    """The line said for so long, as a sound file."""
    once = np.concatenate(list(blocks(line.audio, RATE, report=Report())))
    path = folder / f"{seconds:g}.flac"
    soundfile.write(path, np.resize(once, round(seconds * RATE)), RATE)
    return Line(line.name, path)


def _equal(one: Take, other: Take) -> bool:
    names = ("expression", "gaze", "head_pose", "content", "emotion")
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in names)


def memory() -> int:
    """Bytes that this process holds now; where only the peak is known, the peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak_memory()
    import resource

    return pages * resource.getpagesize()


def peak_memory() -> int:
    """The most bytes that this process has held; 0 on Windows, which does not say."""
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

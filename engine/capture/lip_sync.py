# SPDX-License-Identifier: GPL-3.0-or-later
"""How late a film's sound is against the lips: what lips are seen to do, laid over what the sound says they do.

What the sound says comes from Prior Extraction, which a face follows far better than it follows loudness. Both how far
the lips are open and how fast they move are compared.
"""

from collections.abc import Iterable

import numpy as np

from ..prior.bands import RATE
from ..prior.extract import extract, lips_opening, shipped_network
from ..prior.features import FRAMES_PER_SECOND
from ..prior.frontends import EncoderFrontEnd
from ..prior.loudness import box_mean
from ..report import Report

REACH, STEP = 0.5, 0.01  # seconds to either side that are searched
NEAR = 0.15  # seconds around the best match that belong to it
SLOWEST = 2.0  # seconds; what changes more slowly is mood, pose or loudness and not speech
LEAST_SECONDS = 4.0
AT_ONCE = 60 * RATE  # samples that are heard together, whatever the film's length
# A real film matches with 0.4 to 0.6 in any 5 s of it, sound that belongs to something else with 0.22 at most.
LEAST_MATCH = 0.3  # correlation
CLEARLY = 1.5  # times the best match elsewhere


def heard_mouth(pieces: Iterable[np.ndarray], report: Report) -> np.ndarray:
    """How far a film's sound, 16 kHz mono from frame 0 on, says that the lips are open.

    A minute at a time: an hour of film takes no more memory.

    Returns:
        (M,) in [0, 1], FRAMES_PER_SECOND.
    """
    network, heard, samples = shipped_network(), [], 0
    front_end = EncoderFrontEnd(network.encoder)
    for piece in pieces:
        while len(piece):
            some, piece = np.split(piece, [AT_ONCE - samples])
            front_end.push(some)
            samples += len(some)
            if samples == AT_ONCE:
                opening = lips_opening(extract(front_end.finish(), network, report).articulators)
                heard.append(opening[: AT_ONCE // RATE * FRAMES_PER_SECOND])
                front_end, samples = EncoderFrontEnd(network.encoder), 0
    return np.concatenate([*heard, lips_opening(extract(front_end.finish(), network, report).articulators)])


def lip_offset(opening: np.ndarray, seen: np.ndarray, fps: float, heard: np.ndarray) -> float | None:
    """Seconds by which the sound is late (negative: early), or None where it cannot be told.

    Args:
        opening: (T,) between the inner lips, any unit.
        seen: (T,) bool, frames whose opening counts.
        fps: frames per second; frame 0 is at the sound's start.
        heard: (M,) from `heard_mouth`.
    """
    if seen.sum() < LEAST_SECONDS * fps or not len(heard):
        return None
    times = np.arange(len(opening)) / fps
    shifts = np.arange(-REACH, REACH + STEP / 2, STEP)
    filled = np.interp(times, times[seen], opening[seen])
    lips = _speech_part(filled, fps)
    clock = np.arange(len(heard)) / FRAMES_PER_SECOND
    matches = []
    for shift in shifts:
        sound = _speech_part(np.interp(times + shift, clock, heard, left=0.0, right=0.0), fps)
        inside = seen & (times + shift >= 0) & (times + shift <= clock[-1])
        matches.append(np.mean([_correlation(a[inside], b[inside]) for a, b in zip(lips, sound)]))
    return _peak(np.array(matches), shifts)


def _speech_part(curve: np.ndarray, fps: float) -> tuple[np.ndarray, np.ndarray]:
    """A curve without its slow part, and its speed."""
    width = 2 * int(SLOWEST * fps / 2) + 1
    return curve - box_mean(curve, width), np.gradient(curve)


def _correlation(first: np.ndarray, second: np.ndarray) -> float:
    if len(first) < 2:
        return 0.0
    first, second = first - first.mean(), second - second.mean()
    return float(first @ second / max(np.sqrt((first @ first) * (second @ second)), 1e-12))


def _peak(matches: np.ndarray, shifts: np.ndarray) -> float | None:
    """The best shift, between the samples by a parabola; None where others are nearly as good."""
    best = int(matches.argmax())
    elsewhere = matches[np.abs(shifts - shifts[best]) > NEAR].max()
    clear = matches[best] > max(LEAST_MATCH, CLEARLY * elsewhere)
    if not clear or best in (0, len(shifts) - 1):
        return None
    before, at, after = matches[best - 1 : best + 2]
    return float(shifts[best] + (shifts[1] - shifts[0]) * 0.5 * (before - after) / (before - 2 * at + after))

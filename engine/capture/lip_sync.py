# SPDX-License-Identifier: GPL-3.0-or-later
"""How late a film's sound is against the lips: what lips are seen to do, laid over what the sound says they do.

What the sound says comes from `prior/energy_mouth.py` (open vowels, sealed lips), which a face follows far better than
it follows loudness. Both how far the lips are open and how fast they move are compared.
"""

from collections.abc import Iterable

import numpy as np

from ..prior.bands import HOP, HOPS_PER_SECOND, RATE, BandStream
from ..prior.energy_mouth import LEAD_SECONDS, articulate
from ..prior.loudness import MINIMUM_HOPS, box_mean, measure_loudness

REACH = 0.5  # seconds to either side that are searched
NEAR = 0.15  # seconds around the best match that belong to it
SLOWEST = 2.0  # seconds; what changes more slowly is mood, pose or loudness and not speech
LEAST_SECONDS = 4.0
AT_ONCE = 60 * RATE  # samples: loudness is judged among so many, whatever the film's length
# A real film matches with 0.4 to 0.6 in any 5 s of it, sound that belongs to something else with 0.22 at most.
LEAST_MATCH = 0.3  # correlation
CLEARLY = 1.5  # times the best match elsewhere


def heard_mouth(pieces: Iterable[np.ndarray]) -> np.ndarray:
    """How far a film's sound, 16 kHz mono from frame 0 on, says that the mouth is open: (M,) in [0, 1], 100 times a
    second."""
    heard, bands, samples = [], BandStream(), 0
    for piece in pieces:
        while len(piece):
            some, piece = np.split(piece, [AT_ONCE - samples])
            bands.push(some)
            samples += len(some)
            if samples == AT_ONCE:
                heard.append(_mouth(bands.finish())[: AT_ONCE // HOP])
                bands, samples = BandStream(), 0
    return np.concatenate([*heard, _mouth(bands.finish())])


def _mouth(powers: np.ndarray) -> np.ndarray:
    """(M,) of band powers (M, BANDS)."""
    if len(powers) < MINIMUM_HOPS:
        return np.zeros(len(powers))
    spoken = articulate(measure_loudness(powers))
    return spoken.jaw * (1.0 - spoken.closed)


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
    shifts = np.arange(round(-REACH * HOPS_PER_SECOND), round(REACH * HOPS_PER_SECOND) + 1) / HOPS_PER_SECOND
    filled = np.interp(times, times[seen], opening[seen])
    lips = _speech_part(filled, fps)
    clock = np.arange(len(heard)) / HOPS_PER_SECOND
    matches = []
    for shift in shifts + LEAD_SECONDS:
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

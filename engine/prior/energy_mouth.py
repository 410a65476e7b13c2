# SPDX-License-Identifier: GPL-3.0-or-later
"""Mouth from band energies: provisional, until Prior Extraction (a trained network) takes its place.

Rules of acoustic phonetics (Stevens 1998, Acoustic Phonetics, chapters 6 to 9) in place of training: open vowels have
their first formant high, rounded vowels their second low, spread ones high; sibilants have their energy above 3.5 kHz;
nasals and voice bars theirs below 400 Hz; stops are short gaps in speech. Thresholds were set on hand-labelled German
speech (EmoDB) and hold for any level of recording. It hears no words: p and k, m and n look much alike to it.
"""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..protocol import EXPRESSION_NAMES
from .bands import HOPS_PER_SECOND, band_centres
from .loudness import Loudness, box_mean, running, smoothstep

# The lips are in place before the sound is heard (Chandrasekaran et al. 2009, The natural statistics of audiovisual
# speech, measured 100 to 300 ms for first movements; the closest match in time is much shorter).
LEAD_SECONDS = 0.05
LONGEST_STOP_HOPS = 15
BREATH_HOPS = 41  # f and v are short; a hiss that fills this long is breath
NEIGHBOUR_HOPS = 12
NASAL_CLOSURE = 0.85  # m closes the lips and n does not; closing on both offends less than leaving m open
VOWEL_SMOOTHING = 9
CLOSURE_SMOOTHING = 5


@dataclass(frozen=True)
class Articulation:
    """What the mouth does, each (M,) in [0, 1], one for each hop or frame.

    Args:
        jaw: how far it is open.
        closed: lips sealed, as in p, b, m.
        rounded, spread: the lips of o and u, of e and i.
        hiss: teeth together, as in s.
        hush: the same with rounded lips, as in sh.
        labiodental: lower lip at the upper teeth, as in f.
    """

    jaw: np.ndarray
    closed: np.ndarray
    rounded: np.ndarray
    spread: np.ndarray
    hiss: np.ndarray
    hush: np.ndarray
    labiodental: np.ndarray


def mouth_curves(loudness: Loudness, frames: int, fps: Fraction) -> np.ndarray:
    """(frames, 52) float32 ARKit weights; frame k is the time k / fps, and only mouth and jaw move."""
    return to_arkit(at_frames(articulate(loudness), frames, fps))


def articulate(loudness: Loudness) -> Articulation:
    """Phonetic evidence of every hop, smoothed as lips and jaw are slow."""
    level = loudness.level
    low, first = _decibels(loudness, 120, 420), _decibels(loudness, 550, 1150)
    back, front = _decibels(loudness, 700, 1300), _decibels(loudness, 1700, 3000)
    # its higher floor makes nothing at all no hiss
    voiced, high = _decibels(loudness, 200, 3000, 1e-5), _decibels(loudness, 3500, 7600)
    above = _decibels(loudness, 450, 3000)
    frication = smoothstep(-12.0, 3.0, high - voiced) * loudness.speech
    murmur = _murmur(loudness, low, above, high)
    vowel = smoothstep(0.25, 0.75, level) * (1.0 - frication) * (1.0 - 0.8 * murmur)
    open_ = smoothstep(-20.0, 3.0, first - low)
    second = _decibels(loudness, 1250, 2600) - _decibels(loudness, 450, 1100)
    round_ = smoothstep(-4.0, -18.0, front - back) * smoothstep(-4.0, -12.0, second) * vowel
    wide = smoothstep(2.0, 12.0, front - back) * vowel
    hush = frication * smoothstep(5.0, 12.0, front - above + 6.0)
    gap = running(np.max, _stops(loudness, frication), 2)  # the lips meet before the sound is gone
    closed = np.maximum(gap, NASAL_CLOSURE * murmur * smoothstep(0.2, 0.5, level))
    jaw = vowel * (0.18 + 0.82 * open_) * (0.45 + 0.55 * level) * (1.0 - 0.6 * round_)
    weak_hiss = smoothstep(-14.0, -6.0, high - voiced) * (1.0 - smoothstep(-3.0, 4.0, high - voiced))
    weak_hiss = weak_hiss * smoothstep(0.75, 0.45, level) * loudness.speech
    labiodental = np.clip(1.5 * (weak_hiss - box_mean(weak_hiss, BREATH_HOPS)), 0.0, 1.0)
    return Articulation(
        jaw=_slow(jaw, VOWEL_SMOOTHING),
        closed=_slow(running(np.max, closed, 1), CLOSURE_SMOOTHING),
        rounded=_slow(round_, VOWEL_SMOOTHING),
        spread=_slow(wide, VOWEL_SMOOTHING),
        hiss=_slow(frication - hush, VOWEL_SMOOTHING),
        hush=_slow(hush, VOWEL_SMOOTHING),
        labiodental=_slow(labiodental, VOWEL_SMOOTHING),
    )


def at_frames(articulation: Articulation, frames: int, fps: Fraction) -> Articulation:
    """The same at the frames' times, plus LEAD_SECONDS. Times come from integers: no drift, however long."""
    hops_per_frame = HOPS_PER_SECOND / Fraction(fps)
    at = np.arange(frames) * hops_per_frame.numerator / hops_per_frame.denominator + LEAD_SECONDS * HOPS_PER_SECOND
    return Articulation(**{k: np.interp(at, np.arange(len(v)), v) for k, v in vars(articulation).items()})


def to_arkit(a: Articulation) -> np.ndarray:
    """(T, 52) float32: one line per shape, open vowels near jawOpen 0.6 and lips sealed at mouthClose = jawOpen."""
    free = 1.0 - a.closed
    open_jaw = 0.90 * a.jaw + 0.06 * a.hiss + 0.10 * a.hush
    jaw = open_jaw * (1.0 - 0.7 * a.closed) + 0.04 * a.closed
    shapes = {
        "jawOpen": jaw,
        "mouthClose": jaw * a.closed,
        "mouthFunnel": (0.40 * a.rounded + 0.45 * a.hush) * free,
        "mouthPucker": 0.45 * a.rounded * free + 0.12 * a.hush,
        "mouthRollLower": 0.18 * a.closed + 0.45 * a.labiodental * free,
        "mouthRollUpper": 0.14 * a.closed,
        "mouthShrugLower": 0.12 * a.closed + 0.10 * a.rounded,
        "mouthShrugUpper": 0.08 * a.closed,
    }
    pairs = {
        "mouthPress": 0.35 * a.closed,
        "mouthLowerDown": (0.35 * a.jaw + 0.35 * a.hiss + 0.15 * a.spread) * free * (1.0 - 0.6 * a.rounded),
        "mouthUpperUp": (0.16 * a.jaw + 0.14 * a.hiss + 0.12 * a.labiodental) * free * (1.0 - 0.6 * a.rounded),
        "mouthStretch": (0.22 * a.spread + 0.24 * a.hiss) * (1.0 - a.rounded),
        "mouthSmile": 0.16 * a.spread * (1.0 - a.rounded),
    }
    shapes |= {name + side: curve for name, curve in pairs.items() for side in ("Left", "Right")}
    weights = np.zeros((len(jaw), len(EXPRESSION_NAMES)), np.float32)
    for name, curve in shapes.items():
        weights[:, EXPRESSION_NAMES.index(name)] = curve
    return np.clip(weights, 0.0, 1.0)


def _decibels(loudness: Loudness, low_hz: float, high_hz: float, floor: float = 1e-9) -> np.ndarray:
    """(M,) mean power between two frequencies in dB, 0 where the recording is loud; `floor` is a power."""
    centres = band_centres()
    inside = (centres > low_hz) & (centres < high_hz)
    return 10.0 * np.log10(box_mean(loudness.signal[:, inside].mean(1), 3) + floor)


def _murmur(loudness: Loudness, low: np.ndarray, above: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(M,) in [0, 1]: nasals and voice bars, strong below 400 Hz and weaker above than 0.1 s before or after.

    The weights are a least-squares fit of nasals against vowels on EmoDB (area under the curve 0.93); the bound is
    for recordings that hold nothing above 4 kHz.
    """
    bright = _decibels(loudness, 2000, 7600)
    dip = running(np.max, above, NEIGHBOUR_HOPS) - above
    bright_dip = running(np.max, bright, NEIGHBOUR_HOPS) - bright
    formant = low - _decibels(loudness, 420, 800)
    score = -0.25 + 0.0150 * dip + 0.0095 * bright_dip + 0.0085 * np.minimum(low - high, 45.0) + 0.0085 * formant
    return smoothstep(0.34, 0.66, score)


def _stops(loudness: Loudness, frication: np.ndarray) -> np.ndarray:
    """(M,) closures of stops: gaps of at most LONGEST_STOP_HOPS with sound on both sides, less where a hiss follows."""
    sound = np.maximum(loudness.level, frication)
    padded = np.concatenate([np.zeros(LONGEST_STOP_HOPS), sound, np.zeros(LONGEST_STOP_HOPS)])
    sides = np.lib.stride_tricks.sliding_window_view(padded, LONGEST_STOP_HOPS).max(1)
    before, after = sides[: len(sound)], sides[LONGEST_STOP_HOPS + 1 :]
    release = running(np.max, frication, 6)
    return smoothstep(0.45, 0.2, sound) * smoothstep(0.35, 0.6, np.minimum(before, after)) * (1.0 - 0.6 * release)


def _slow(x: np.ndarray, width: int) -> np.ndarray:
    """Twice a running mean: a triangle of about `width` hops at half height."""
    return box_mean(box_mean(x, width), width)

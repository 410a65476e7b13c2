# SPDX-License-Identifier: GPL-3.0-or-later
"""What the network heard and what the text says, in one mouth.

The text knows which phone is said and when; the network knows how wide this voice opens. Where a text was found, lips
close and touch the teeth as its phones say, and nowhere else. The shapes are a mean of both, in which the teacher's
follow the network's in size over half a second.
"""

import numpy as np

from ..prior.extract import CLOSED, LABIODENTAL
from ..prior.features import FRAMES_PER_SECOND
from ..prior.loudness import box_mean
from ..prior.visemes import ARTICULATORS, articulate
from .align import Alignment

FADE = 0.08  # seconds in which a stretch of text begins and ends
SIZE_MEAN = 31  # frames over which sizes are compared
SMALLEST, LARGEST = 0.6, 1.5
TEXT_SHARE = 0.5  # of the shapes, where phones are known
SIZED = ("aperture", "jaw")


def sharpen(articulators: np.ndarray, alignment: Alignment) -> np.ndarray:
    """(N, 7) of (N, 7) articulators at 50 frames a second, in the order of visemes.ARTICULATORS."""
    out = articulators.copy()
    times = np.arange(len(out)) / FRAMES_PER_SECOND
    for phones in alignment.stretches:
        first, last = phones[0][1] - FADE, phones[-1][2] + FADE
        inside = slice(*np.searchsorted(times, [first, last]))
        if inside.stop <= inside.start:
            continue
        at, heard = times[inside], articulators[inside]
        known = np.clip(np.minimum(at - first, last - at) / FADE, 0.0, 1.0)
        text = articulate([("sil", first - 1.0, phones[0][1]), *phones, ("sil", phones[-1][2], last + 1.0)], at)
        for k, name in enumerate(ARTICULATORS):
            if k in (CLOSED, LABIODENTAL):
                out[inside, k] = heard[:, k] + known * (text[:, k] - heard[:, k])
                continue
            said = text[:, k] * _size(heard[:, k], text[:, k]) if name in SIZED else text[:, k]
            out[inside, k] = heard[:, k] + TEXT_SHARE * alignment.shapes * known * (said - heard[:, k])
    return np.clip(out, 0.0, 1.0)


def _size(heard: np.ndarray, text: np.ndarray) -> np.ndarray:
    width = min(SIZE_MEAN, len(heard) - (len(heard) + 1) % 2)
    ratio = box_mean(heard, width) / np.maximum(box_mean(text, width), 0.05)
    return np.clip(ratio, SMALLEST, LARGEST)

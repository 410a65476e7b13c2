# SPDX-License-Identifier: GPL-3.0-or-later
"""Prior Extraction at work: a sound's features to content, style and mouth on any frame grid, in windows, no seams."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..report import Report
from .features import FRAMES_PER_SECOND, ROWS_PER_FRAME
from .frontends import Rows
from .lips import to_arkit
from .loudness import box_mean, running, smoothstep
from .network import CONTENT, PriorNetwork
from .storage import load_network
from .visemes import ARTICULATORS, EFFORT_OPENS, REST, VISEMES

SHIPPED = Path(__file__).resolve().parents[1] / "data" / "prior.safetensors"
KIND = "emoprior"
WINDOW = 1200  # frames of 20 ms
CLOSED, LABIODENTAL = ARTICULATORS.index("closed"), ARTICULATORS.index("labiodental")
# Contacts as the network's probabilities: below the first there is none, above the second it is whole. Chosen with the
# figures of EmoDB's test speakers and sentences, and of the film, in view (docs/benchmarks.md).
CONTACTS = {CLOSED: (0.35, 0.65), LABIODENTAL: (0.60, 0.85)}
OPENINGS = [ARTICULATORS.index("aperture"), ARTICULATORS.index("jaw")]
SYLLABLE = 15  # hundredths of a second over which loudness is emphasis and no consonant's
SETTLED_AFTER = 0.50  # seconds without speech
HEARD_FROM, HEARD_SURE = 0.3, 0.6  # the network's probability that a tenth of a second is no silence


@dataclass(frozen=True)
class Spoken:
    """What was extracted, 50 frames a second: frame n is the time n / 50 s.

    Args:
        content: (N, 64) float32, what the mouth does, whoever speaks: without what PriorNetwork.voice says.
        style: (64,) float32, how this person speaks.
        articulators: (N, 7) float32 in [0, 1], in the order of visemes.ARTICULATORS.
        visemes: (N, 15) float32, probabilities in the order of visemes.VISEMES.
    """

    content: np.ndarray
    style: np.ndarray
    articulators: np.ndarray
    visemes: np.ndarray


@lru_cache(maxsize=1)
def shipped_network(path: Path = SHIPPED) -> PriorNetwork:
    """The network that ships, read once. Raises FormatError."""
    network = PriorNetwork()
    load_network(network, KIND, path)
    return network


def extract(
    rows: Rows, network: PriorNetwork, report: Report, style: np.ndarray | None = None, window: int = WINDOW
) -> Spoken:
    """Content, style, articulators and visemes of a whole sound.

    Windows overlap by all that a frame depends on, so that `window`, in frames, makes no difference.

    Args:
        rows: what the network's front end heard.
        style: (64,) of another voice, in place of this sound's own.
        report: told "extract"; asked whether to go on before each window.
    """
    frames = rows.frames
    content, visemes = np.zeros((frames, CONTENT), np.float32), np.zeros((frames, len(VISEMES)), np.float32)
    articulators = np.zeros((frames, len(ARTICULATORS)), np.float32)
    labiodental = np.zeros(frames, np.float32)
    sums = 0.0
    with torch.inference_mode():
        for start, end, first, last in _windows(frames, window, network.settings.context):
            report.progress("extract", start, frames)
            inside, part = slice(start - first, end - first), rows.part(first, last)
            heard = network.content(part)
            content[start:end] = heard[0, :, inside].T
            visemes[start:end] = network.visemes(heard, part)[0, :, inside].T
            labiodental[start:end] = torch.sigmoid(network.labiodental(part))[0, inside]
            sums = sums + network.style_sums(part)[:, :, inside].double().sum(2)
        own = network.style(sums.float())
        style = own[0].numpy() if style is None else style
        voice = torch.from_numpy(style)[None]
        for start, end, first, last in _windows(frames, window, network.settings.context):
            heard, likely = (torch.from_numpy(curves[first:last].T)[None] for curves in (content, visemes))
            said = network.articulators(heard, voice, likely)
            articulators[start:end] = torch.sigmoid(said)[0, :, start - first : end - first].T
        content -= network.voice(own).numpy()
    articulators[:, LABIODENTAL] = np.maximum(articulators[:, LABIODENTAL], labiodental)
    report.progress("extract", frames, frames)
    return Spoken(content, style, articulators, visemes)


def emphasise(spoken: Spoken, level: np.ndarray) -> Spoken:
    """With lips and jaw that open further in syllables louder than their neighbours, and less in weak ones.

    Speakers open further where they stress (Schulman 1989, Articulatory dynamics of loud and normal speech); by as much
    as effort does in visemes.articulate. What seals the lips stays.

    Args:
        level: (M,) in [0, 1] of Loudness, 100 times a second: beside the speaker's own usual level.
    """
    at = np.minimum(np.arange(len(spoken.articulators)) * ROWS_PER_FRAME, len(level) - 1)
    effort = 2.0 * box_mean(level, SYLLABLE)[at] - 1.0
    articulators = spoken.articulators.copy()
    articulators[:, OPENINGS] *= 1.0 + EFFORT_OPENS * effort[:, None]
    return replace(spoken, articulators=np.clip(articulators, 0.0, 1.0))


def settle(spoken: Spoken, speech: np.ndarray) -> np.ndarray:
    """(N, 7) articulators that come to rest where there has been no speech for a while.

    Both must say that there is speech: the loudness, which any noise that stays does not deceive, and the network,
    which tells speech from music.

    Args:
        speech: (M,) in [0, 1], 100 times a second, by loudness: how sure it is that there is speech and not noise.
    """
    at = np.minimum(np.arange(len(spoken.visemes)) * ROWS_PER_FRAME, len(speech) - 1)
    heard = smoothstep(HEARD_FROM, HEARD_SURE, box_mean(1.0 - spoken.visemes[:, VISEMES.index("sil")], 5))
    reach = int(SETTLED_AFTER * FRAMES_PER_SECOND)
    talking = box_mean(running(np.max, np.minimum(speech[at], heard), reach), 2 * (reach // 3) + 1)
    talking = smoothstep(0.0, 0.9, talking)[:, None]
    rest = np.array([REST[name] for name in ARTICULATORS], np.float32)
    return (rest + talking * (spoken.articulators - rest)).astype(np.float32)


def articulators_at(articulators: np.ndarray, frames: int, fps: Fraction) -> np.ndarray:
    """(frames, 7) float32 of (N, 7) at the times k / fps. A contact between two frames shows on the nearer one."""
    said = articulators.copy()
    for column, (none, whole) in CONTACTS.items():
        said[:, column] = smoothstep(none, whole, said[:, column])
    out = at_frames(said, frames, fps)
    if frames:
        for column in CONTACTS:
            for time, value in _contacts(said[:, column]):
                nearest = min(round(time * fps / FRAMES_PER_SECOND), frames - 1)
                out[nearest, column] = max(out[nearest, column], value)
    return out


def _contacts(curve: np.ndarray) -> Iterator[tuple[Fraction, float]]:
    """The middle, in frames of 20 ms, and the height of every contact that is more than half."""
    inside = np.concatenate([[False], curve > 0.5, [False]])
    edges = np.flatnonzero(np.diff(inside.astype(np.int8)))
    for first, last in zip(edges[::2], edges[1::2]):
        height = curve[first:last].max()
        top = first + np.flatnonzero(curve[first:last] > 0.98 * height)
        yield Fraction(int(top[0] + top[-1]), 2), float(height)


def lips_opening(articulators: np.ndarray) -> np.ndarray:
    """(T,) in [0, 1]: how far the inner lips are open, of (T, 7) articulators."""
    return articulators[:, ARTICULATORS.index("aperture")] * (1.0 - articulators[:, [CLOSED, LABIODENTAL]].max(1))


def mouth_at(articulators: np.ndarray) -> np.ndarray:
    """(T, 27) float32 ARKit weights in the order of lips.MOUTH_NAMES, of (T, 7) articulators."""
    return to_arkit(torch.from_numpy(np.asarray(articulators, np.float32))).numpy()


def at_frames(curves: np.ndarray, frames: int, fps: Fraction) -> np.ndarray:
    """(frames, C) float32 of (N, C) at 50 frames a second. Times come from integers: no drift, however long."""
    at, n = _times(frames, fps), np.arange(len(curves))
    return np.stack([np.interp(at, n, curves[:, k]) for k in range(curves.shape[1])], 1).astype(np.float32)


def _times(frames: int, fps: Fraction) -> np.ndarray:
    step = FRAMES_PER_SECOND / Fraction(fps)
    return np.arange(frames) * step.numerator / step.denominator


def _windows(frames: int, window: int, context: int) -> Iterator[tuple[int, int, int, int]]:
    """Start and end of each window, and of what it depends on."""
    for start in range(0, frames, window):
        end = min(frames, start + window)
        yield start, end, max(0, start - context), min(frames, end + context)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Micro-expressions: short, partial displays of what is felt, one region of the face at a time, where a voice stresses.

Ekman & Friesen 1969 (Nonverbal leakage and clues to deception) found them between 1/25 and 1/5 s; Yan, Wu, Liang, Chen
& Fu 2013 (How fast are the leaked facial expressions: the duration of micro-expressions) measured 0.17 to 0.5 s in all,
of which the onset took at most 0.26 s. Porter & ten Brinke 2008 (Reading between the lies) found them partial, in the
upper or the lower face alone; some are on one side. Where nothing is felt, what a stress moves is the brow (Ekman 1979,
About brows: emotional and conversational signals).
"""

from dataclasses import dataclass

import numpy as np

from ..life.chance import generator
from ..life.rhythm import Rhythm
from ..protocol import EMOTION_NAMES, EXPRESSION_NAMES

TOTAL_SECONDS = (0.17, 0.50)
ONSET_SECONDS = (0.065, 0.26)
APEX_SECONDS = (0.03, 0.10)
SHORTEST_OFFSET = 0.08
SHARE_OF_STRESSES = 0.45
LARGEST = 0.5  # of the whole display
ONE_SIDED = 0.25
FELT = 0.15  # below this sum of emotion, a brow flash
REGIONS = {
    "brows": ("brow",), "lids": ("eyeSquint", "eyeWide"), "nose": ("noseSneer", "cheekSquint", "mouthUpperUp"),
    "mouth": ("mouthSmile", "mouthFrown", "mouthDimple", "mouthStretch", "mouthPress"),
}
FLASH = {"browOuterUpLeft": 0.6, "browOuterUpRight": 0.6, "browInnerUp": 0.6}


@dataclass(frozen=True)
class Display:
    """One micro-expression.

    Args:
        start, onset, apex, offset: seconds: when it begins, how long it rises, stays and falls.
        shapes: (52,) its ARKit weights at the apex.
    """

    start: float
    onset: float
    apex: float
    offset: float
    shapes: np.ndarray


def choose_displays(rhythm: Rhythm, weights: np.ndarray, faces: np.ndarray, fps: float, seed: int) -> list[Display]:
    """Displays on some of the stressed syllables, in the order of time.

    Args:
        weights: (T, 8) what is felt on each frame, in the order of EMOTION_NAMES.
        faces: (8, 52) what each emotion looks like at full strength.
        seed: chooses which, where and how long; a stress keeps its own whatever is felt at the others.
    """
    displays = []
    draws = generator(seed, "micro").random((len(rhythm.stresses), 7 + len(REGIONS)))
    for (time, strength), draw in zip(rhythm.stresses, draws):
        happens, pick, side, size, *times = draw[:7]
        frame = int(round(time * fps))
        if happens > SHARE_OF_STRESSES or frame >= len(weights):
            continue
        ranges = (ONSET_SECONDS, APEX_SECONDS, TOTAL_SECONDS)
        onset, apex, total = (low + (high - low) * part for part, (low, high) in zip(times, ranges))
        total = max(total, onset + apex + SHORTEST_OFFSET)
        order = [list(REGIONS)[k] for k in np.argsort(draw[7:])]
        shapes = _display(weights[frame], faces, pick, order, side)
        shapes *= LARGEST * (0.4 + 0.6 * size) * (0.5 + 0.5 * strength)
        displays.append(Display(time - onset - 0.5 * apex, onset, apex, total - onset - apex, shapes))
    return displays


def curves(displays: list[Display], frames: int, fps: float) -> np.ndarray:
    """(frames, 52) float32: the displays' weights, rising and falling as raised cosines; the larger one counts."""
    out = np.zeros((frames, len(EXPRESSION_NAMES)), np.float32)
    for display in displays:
        end = display.start + display.onset + display.apex + display.offset
        first, last = max(0, int(np.ceil(display.start * fps))), min(frames, int(np.floor(end * fps)) + 1)
        at = np.arange(first, last) / fps - display.start
        rise = np.clip(at / display.onset, 0.0, 1.0)
        fall = np.clip((at - display.onset - display.apex) / display.offset, 0.0, 1.0)
        level = 0.5 - 0.5 * np.cos(np.pi * np.minimum(rise, 1.0 - fall))
        out[first:last] = np.maximum(out[first:last], level[:, None] * display.shapes)
    return out


def _display(felt: np.ndarray, faces: np.ndarray, pick: float, regions: list[str], side: float) -> np.ndarray:
    """(52,) one region of one emotion's face: of the one that is felt, at random where several are."""
    felt = np.where(np.arange(len(felt)) == EMOTION_NAMES.index("neutral"), 0.0, felt)
    if felt.sum() < FELT:
        return np.array([FLASH.get(name, 0.0) for name in EXPRESSION_NAMES], np.float32)
    emotion = int(np.searchsorted(np.cumsum(felt) / felt.sum(), pick))
    face = faces[min(emotion, len(faces) - 1)]
    shown = next(part for part in (_region(face, region) for region in regions) if part.any())
    if side < ONE_SIDED:
        hidden = "Left" if side < 0.5 * ONE_SIDED else "Right"
        if (kept := np.where([name.endswith(hidden) for name in EXPRESSION_NAMES], 0.0, shown)).any():
            shown = kept
    return shown.astype(np.float32)


def _region(face: np.ndarray, region: str) -> np.ndarray:
    return np.where([name.startswith(REGIONS[region]) for name in EXPRESSION_NAMES], face, 0.0)

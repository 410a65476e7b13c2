# SPDX-License-Identifier: GPL-3.0-or-later
"""Prior Extraction at work: a sound's features to content, style and mouth on any frame grid, in windows, no seams."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ..report import Report
from .bands import HOPS_PER_SECOND
from .features import FRAMES_PER_SECOND, ROWS_PER_FRAME
from .frontends import Rows
from .lips import to_arkit
from .loudness import box_mean, running, smoothstep
from .network import CONTENT, PriorNetwork
from .storage import load_network
from .visemes import ARTICULATORS, REST, VISEMES

SHIPPED = Path(__file__).resolve().parents[1] / "data" / "prior.safetensors"
KIND = "emoprior"
WINDOW = 1500  # frames of 20 ms
CLOSED, LABIODENTAL = ARTICULATORS.index("closed"), ARTICULATORS.index("labiodental")
# Contacts as the network's probabilities: below the first there is none, above the second it is whole.
CONTACT_FROM, CONTACT_WHOLE = 0.35, 0.65
SETTLED_AFTER = 0.35  # seconds without speech


@dataclass(frozen=True)
class Spoken:
    """What was extracted, 50 frames a second: frame n is the time n / 50 s.

    Args:
        content: (N, 64) float32, what the mouth does, whoever speaks.
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
    windows = _Windows(rows, network, window, report)
    with torch.inference_mode():
        if style is None:
            sums = windows.run(network.style_encoder.sums, 0)
            style = network.style_encoder.style(sums.double().sum(2).float())[0].numpy()
        voice = torch.from_numpy(style)[None]

        def hear(part: torch.Tensor) -> torch.Tensor:
            content = network.content(part)
            said = torch.sigmoid(network.articulators(content, voice))
            return torch.cat([content, said, network.to_visemes(content).softmax(1)], 1)

        heard = windows.run(hear, 1)[0].T
    sizes = [CONTENT, len(ARTICULATORS), len(VISEMES)]
    content, articulators, visemes = (part.contiguous().numpy() for part in heard.split(sizes, 1))
    return Spoken(content, style, articulators, visemes)


def settle(spoken: Spoken, speech: np.ndarray) -> np.ndarray:
    """(N, 7) articulators that come to rest where there has been no speech for a while.

    Args:
        speech: (M,) in [0, 1], 100 times a second: how sure it is that there is speech and not noise.
    """
    reach = int(SETTLED_AFTER * HOPS_PER_SECOND)
    talking = box_mean(running(np.max, speech, reach), 2 * (reach // 3) + 1)
    at = np.minimum(np.arange(len(spoken.articulators)) * ROWS_PER_FRAME, len(speech) - 1)
    talking = smoothstep(0.0, 0.9, talking[at])[:, None]
    rest = np.array([REST[name] for name in ARTICULATORS], np.float32)
    return (rest + talking * (spoken.articulators - rest)).astype(np.float32)


def articulators_at(articulators: np.ndarray, frames: int, fps: Fraction) -> np.ndarray:
    """(frames, 7) float32 of (N, 7) at the times k / fps. A contact shorter than a frame shows on the nearest one."""
    said = articulators.copy()
    for column in (CLOSED, LABIODENTAL):
        said[:, column] = smoothstep(CONTACT_FROM, CONTACT_WHOLE, said[:, column])
    out = at_frames(said, frames, fps)
    half = 0.5 * FRAMES_PER_SECOND / float(fps)
    at = _times(frames, fps)
    for shift in np.linspace(-half, half, 2 * int(np.ceil(half)) + 1):
        for column in (CLOSED, LABIODENTAL):
            near = np.interp(at + shift, np.arange(len(said)), said[:, column])
            out[:, column] = np.maximum(out[:, column], near)
    return out


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


class _Windows:
    """Runs a function over a sound in overlapping windows, twice: for the style, then for the rest."""

    PASSES = 2

    def __init__(self, rows: Rows, network: PriorNetwork, window: int, report: Report) -> None:
        self._rows, self._window, self._report = rows, window, report
        self._context = network.settings.context

    def run(self, function, number: int) -> torch.Tensor:
        """(1, C, frames) of `function` of (1, inputs, rows), in pass `number`."""
        parts, frames = [], self._rows.frames
        for start in range(0, frames, self._window):
            self._report.progress("extract", number * frames + start, self.PASSES * frames)
            end = min(frames, start + self._window)
            first, last = max(0, start - self._context), min(frames, end + self._context)
            parts.append(function(self._rows.part(first, last))[:, :, start - first : end - first])
        self._report.progress("extract", (number + 1) * frames, self.PASSES * frames)
        return torch.cat(parts, 2)

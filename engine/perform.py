# SPDX-License-Identifier: GPL-3.0-or-later
"""Audio and sliders become a Take.

How speech and emotion share a mouth: upper face and cheeks are the emotion's alone. Around the mouth the two add as
probabilities do (1 - (1 - speech)(1 - emotion)), but what an emotion does to open or round the lips is scaled by how
open speech lets them be: not at all on a sealed lip, so that every b, m and p still closes. Jaw and funnel of an emotion
count half while there is speech, because speech opens them itself.
"""

from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np

from .audio.read import RATE, blocks, probe
from .emotion.facs import expression_of
from .prior.bands import BandStream
from .prior.energy_mouth import articulate, at_frames, to_arkit
from .prior.loudness import measure_loudness
from .protocol import EMOTION_NAMES, EXPRESSION_NAMES, MICRO_EXPRESSIONS, Controls
from .report import Report
from .take.take import Take

LISTEN_BLOCK = RATE * 10
# What parts or rounds the lips, and what of it speech does by itself.
OPENERS = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthLowerDown", "mouthUpperUp")
SPEECH_OPENERS = ("jawOpen", "mouthFunnel", "mouthPucker")


def perform(audio: str | Path, *, fps: Fraction, controls: Controls, seed: int, report: Report) -> Take:
    """Everything that drives a head, from a sound file and the sliders.

    Args:
        audio: any file of engine/audio.
        fps: frames per second; the take has ceil(seconds * fps) frames.
        controls: sliders on the take's frames.
        seed: chooses blinks, saccades and head motion.
        report: told "listen" and "perform".

    Raises:
        AudioError: see engine/audio/read.py.
        Cancelled: the person asked to stop.
    """
    powers, samples = _listen(audio, report)
    frames = ceil(Fraction(samples, RATE) * fps)
    report.progress("perform", 0, 3)
    loudness = measure_loudness(powers)
    report.progress("perform", 1, 3)
    articulation = at_frames(articulate(loudness), frames, fps)
    speech = to_arkit(articulation)
    report.progress("perform", 2, 3)
    weights = emotion_weights(controls, frames)
    expression = blend(speech, expression_of(weights, fps), articulation.closed)
    add_micro_expressions(expression, controls, frames)
    report.progress("perform", 3, 3)
    return Take(
        fps=fps, expression=expression, emotion_weights=weights, gaze=np.zeros((frames, 2), np.float32),
        head_pose=np.zeros((frames, 6), np.float32), audio=str(audio), seed=seed,
    )


def sample_track(values: list[float], start: int, frames: int) -> np.ndarray:
    """(frames,) float32: entry i of `values` at frame start + i, the first and last value held before and after."""
    index = np.clip(np.arange(frames) - start, 0, len(values) - 1)
    return np.asarray(values, np.float32)[index]


def emotion_weights(controls: Controls, frames: int) -> np.ndarray:
    """(frames, 8) float32 in [0, 1]: the emotion sliders times intensity."""
    weights = np.zeros((frames, len(EMOTION_NAMES)), np.float32)
    for name, values in controls.emotion.items():
        weights[:, EMOTION_NAMES.index(name)] = sample_track(values, controls.start, frames)
    return np.clip(weights * sample_track(controls.intensity, controls.start, frames)[:, None], 0.0, 1.0)


def blend(speech: np.ndarray, emotion: np.ndarray, closed: np.ndarray) -> np.ndarray:
    """(T, 52) float32 of speech and emotion, both (T, 52); `closed` (T,) says how sealed speech holds the lips."""
    emotion = emotion.copy()
    talking = np.clip(speech[:, EXPRESSION_NAMES.index("jawOpen")] * 4.0, 0.0, 1.0)
    for k, name in enumerate(EXPRESSION_NAMES):
        if name.startswith(OPENERS):
            emotion[:, k] *= 1.0 - closed
        if name.startswith(SPEECH_OPENERS):
            emotion[:, k] *= 1.0 - 0.5 * talking
    return (1.0 - (1.0 - speech) * (1.0 - emotion)).astype(np.float32)


def add_micro_expressions(expression: np.ndarray, controls: Controls, frames: int) -> None:
    """Add the micro-expression sliders in place, within [0, 1]."""
    for name, values in controls.micro.items():
        shapes = [EXPRESSION_NAMES.index(shape) for shape in MICRO_EXPRESSIONS[name]]
        expression[:, shapes] += sample_track(values, controls.start, frames)[:, None]
    np.clip(expression, 0.0, 1.0, out=expression)


def _listen(audio: str | Path, report: Report) -> tuple[np.ndarray, int]:
    """Band powers of the whole sound (M, BANDS), and its length in samples of RATE."""
    total = max(1, round(probe(audio).seconds * RATE))
    report.progress("listen", 0, total)
    stream, samples = BandStream(), 0
    for block in blocks(audio, RATE, LISTEN_BLOCK, report):
        stream.push(block)
        samples += len(block)
        report.progress("listen", min(samples, total - 1), total)
    report.progress("listen", total, total)
    return stream.finish(), samples

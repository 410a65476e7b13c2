# SPDX-License-Identifier: GPL-3.0-or-later
"""Audio and sliders become a Take.

How speech and emotion share a mouth: both add as probabilities do, 1 - (1 - speech)(1 - emotion), so that nothing
leaves [0, 1], and brows, lids and cheeks are the emotion's alone. But what of an emotion parts the lips counts only as
far as speech does not seal them, so that every b, m and p closes in every mood; what speech does by itself (jaw,
funnel, pucker) counts half while it speaks; and what holds the lips shut (a pressed, angry mouth) gives way to open
vowels.
"""

from fractions import Fraction
from math import ceil
from pathlib import Path

import numpy as np

from .audio.read import RATE, blocks, probe
from .dialogue.align import align
from .dialogue.sharpen import sharpen
from .emotion.acting import Acted, act, add_displays
from .emotion.extract import Felt
from .emotion.hearing import silence_after
from .emotion.listen import Listener
from .emotion.model import shipped_model
from .emotion.personal import PersonalEmotion
from .emotion.recogniser import open_recogniser
from .life.blinks import add_blinks, blink_curve, blink_times
from .life.gaze import add_eye_shapes, choose_fixations, gaze_angles
from .life.head_motion import head_motion
from .life.rhythm import Rhythm, find_rhythm
from .prior.bands import HOPS_PER_SECOND, BandStream
from .prior.extract import articulators_at, at_frames, emphasise, extract, mouth_at, settle, shipped_network
from .prior.frontends import EncoderFrontEnd, Rows
from .prior.lips import MOUTH_COLUMNS
from .prior.loudness import measure_loudness
from .prior.visemes import ARTICULATORS
from .protocol import EMOTION_NAMES, EXPRESSION_NAMES, MICRO_EXPRESSIONS, Controls
from .report import Report
from .take.take import Take

LISTEN_BLOCK = RATE * 10
PART_LIPS = ("jawOpen", "mouthFunnel", "mouthPucker", "mouthLowerDown", "mouthUpperUp")
SPEECH_OWNS = ("jawOpen", "mouthFunnel", "mouthPucker")
HOLD_LIPS = ("mouthPress", "mouthRoll", "mouthShrugLower", "mouthClose")


def perform(
    audio: str | Path, *, fps: Fraction, controls: Controls, seed: int, report: Report, text: str = "",
    allow_download: bool = False, person: PersonalEmotion | None = None, emotion_model: str = "",
) -> Take:
    """Everything that drives a head, from a sound file and the sliders.

    Args:
        audio: any file of engine/audio.
        fps: frames per second; the take has ceil(seconds * fps) frames.
        controls: sliders on the take's frames.
        seed: chooses blinks, saccades and head motion.
        report: told "listen", "extract", "feel" where the voice's emotion counts, "align" and "perform"; warned of what
            of the text was not heard.
        text: what is said, or "": it sharpens the mouth's timing.
        allow_download: a speech model may be fetched that a text in another language than English, or the emotion
            model, needs.
        person: whose voice it is, where a head learned how they sound; None hears it as anybody's.
        emotion_model: file of a model that hears the voice's emotion; "" is the one that ships.

    Raises:
        AudioError: see engine/audio/read.py.
        FormatError, MissingModelError, MissingPackageError: of the emotion model, see emotion/recogniser.py.
        InputError: the text is too long.
        Cancelled: the person asked to stop.
    """
    listener = None
    if any(controls.auto_emotion):
        listener = Listener(open_recogniser(emotion_model, report, allow_download).knowing(person, report))
    powers, rows, samples = _listen(audio, report, listener)
    frames = ceil(Fraction(samples, RATE) * fps)
    seconds = samples / RATE
    spoken = extract(rows, shipped_network(), report)
    heard = listener.finish(rows, report) if listener else None
    del rows, listener
    loudness = measure_loudness(powers)
    alignment = align(audio, text, loudness.speech, report, allow_download)
    report.progress("perform", 0, 4)
    articulators = settle(emphasise(spoken, loudness.level), loudness.speech)
    if alignment:
        articulators = sharpen(articulators, alignment)
    report.progress("perform", 1, 4)
    shown = articulators_at(articulators, frames, fps)
    report.progress("perform", 2, 4)
    acted = _act(controls, heard, frames, fps)
    speech = np.zeros((frames, len(EXPRESSION_NAMES)), np.float32)
    speech[:, MOUTH_COLUMNS] = mouth_at(shown)
    jaw = at_frames(articulators, len(loudness.level), Fraction(HOPS_PER_SECOND))[:, ARTICULATORS.index("jaw")]
    rhythm = find_rhythm(loudness.level, jaw * loudness.level, seconds)
    moved = sample_track(controls.micro_motion, controls.start, frames)
    add_displays(acted, shipped_model()[0].space, rhythm, moved, fps, seed)
    expression = blend(speech, acted.face, shown[:, ARTICULATORS.index("closed")])
    report.progress("perform", 3, 4)
    gaze, head_pose = add_life(expression, rhythm, controls, fps, seed)
    add_micro_sliders(expression, controls)
    report.progress("perform", 4, 4)
    return Take(
        fps=fps, expression=expression, emotion_weights=acted.weights, gaze=gaze, head_pose=head_pose, audio=str(audio),
        seed=seed, content=at_frames(spoken.content, frames, fps), style=spoken.style, emotion=acted.points,
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
    speaking = np.clip(4.0 * speech[:, EXPRESSION_NAMES.index("jawOpen")], 0.0, 1.0)
    for k, name in enumerate(EXPRESSION_NAMES):
        if name.startswith(PART_LIPS):
            emotion[:, k] *= 1.0 - closed
        if name.startswith(SPEECH_OWNS):
            emotion[:, k] *= 1.0 - 0.5 * speaking
        if name.startswith(HOLD_LIPS):
            emotion[:, k] *= 1.0 - 0.7 * speaking
    return (1.0 - (1.0 - speech) * (1.0 - emotion)).astype(np.float32)


def add_life(
    expression: np.ndarray, rhythm: Rhythm, controls: Controls, fps: Fraction, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Add blinks and gaze to (T, 52) in place, each as its slider says; return gaze (T, 2) and head pose (T, 6)."""
    frames = len(expression)
    times = np.arange(frames) * fps.denominator / fps.numerator
    blink, look, move = (
        sample_track(track, controls.start, frames) for track in (controls.blink, controls.gaze, controls.head_motion)
    )
    head_pose = head_motion(rhythm, times, seed) * move[:, None]
    fixations = choose_fixations(rhythm, seed)
    gaze = gaze_angles(fixations, times, head_pose[:, :3]) * look[:, None]
    add_eye_shapes(expression, gaze)
    blinks = blink_times(rhythm, fixations.glances(), seed)
    add_blinks(expression, blink_curve(blinks, frames, fps) * blink)
    return gaze, head_pose


def add_micro_sliders(expression: np.ndarray, controls: Controls) -> None:
    """Add the micro-expression sliders in place, within [0, 1]."""
    for name, values in controls.micro.items():
        shapes = [EXPRESSION_NAMES.index(shape) for shape in MICRO_EXPRESSIONS[name]]
        expression[:, shapes] += sample_track(values, controls.start, len(expression))[:, None]
    np.clip(expression, 0.0, 1.0, out=expression)


def _act(controls: Controls, heard: Felt | None, frames: int, fps: Fraction) -> Acted:
    amount, intensity = (
        sample_track(track, controls.start, frames) for track in (controls.auto_emotion, controls.intensity)
    )
    return act(shipped_model()[0].space, emotion_weights(controls, frames), heard, amount, intensity, fps)


def _listen(audio: str | Path, report: Report, listener: Listener | None) -> tuple[np.ndarray, Rows, int]:
    """Of the whole sound: band powers (M, BANDS), what the network's front end heard, length in samples of RATE.
    `listener` listens to its emotion, where that counts."""
    total = max(1, round(probe(audio).seconds * RATE))
    report.progress("listen", 0, total)
    bands, front_end, samples = BandStream(), EncoderFrontEnd(shipped_network().encoder), 0
    for block in blocks(audio, RATE, LISTEN_BLOCK, report):
        bands.push(block)
        front_end.push(block)
        if listener:
            listener.push(block)
        samples += len(block)
        report.progress("listen", min(samples, total - 1), total)
    if listener:
        front_end.push(np.zeros(silence_after(samples, RATE), np.float32))
    report.progress("listen", total, total)
    return bands.finish(), front_end.finish(), samples

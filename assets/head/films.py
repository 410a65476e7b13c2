# SPDX-License-Identifier: GPL-3.0-or-later
"""Films of a head that speaks: lines of speech, performed and drawn as `speak` does, looked at by a face tracker."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np

from assets.prior.alphabets import named
from assets.prior.emodb import load_emodb, split
from engine.capture.tracking.landmarks import follow
from engine.capture.tracking.model import face_landmarker_path
from engine.head.head import Head
from engine.perform import perform
from engine.protocol import CameraTrack, Controls
from engine.render.camera_path import CameraPath
from engine.render.render import draw_frame
from engine.report import Report
from engine.splats.cameras import portrait_camera
from engine.take.take import Take

FPS = Fraction(25)
GREY = 0.5  # behind the head
LONGEST = 100  # frames of a film


@dataclass(frozen=True)
class Line:
    """Something that is said.

    Args:
        phones: names of engine/prior/visemes.py with start and end in seconds, where they are known.
    """

    name: str
    audio: Path
    phones: list[tuple[str, float, float]] = field(default_factory=list)


def speech_lines(folder: Path) -> list[Line]:
    """Every sound file of a folder, by name."""
    return [Line(path.stem, path) for path in sorted(folder.glob("*.wav"))]


def emodb_lines(folder: Path, count: int) -> list[Line]:
    """`count` utterances, spread over those that Prior Extraction never heard, with their phones."""
    clips = split(load_emodb(folder))[1]
    chosen = np.linspace(0, len(clips) - 1, min(count, len(clips))).round().astype(int)
    return [
        Line(clip.tags["file"], folder / "audio" / f"{clip.tags['file']}.flac",
             named(clip.phones, clip.alphabet, clip.speaker))
        for clip in (clips[k] for k in chosen)
    ]  # fmt: skip


def take_of(line: Line, emotion: dict[str, float], seed: int, life: float = 1.0) -> Take:
    """The line with emotions held at these weights; blinks, gaze and the head's sway are the same with all of them."""
    controls = Controls(
        emotion={name: [weight] for name, weight in emotion.items()}, blink=[life], gaze=[life], head_motion=[life],
        micro_motion=[life],
    )
    return perform(line.audio, fps=FPS, controls=controls, seed=seed, report=Report())


def portrait(size: int, angle: float = 0.0) -> CameraPath:
    """The portrait camera, gone round the head by `angle` degrees to its left."""
    viewmat, K = portrait_camera(size, size)
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    round_it = np.array([[c, s, 0, 0], [-s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    return CameraPath(CameraTrack(size, size, [(viewmat @ round_it).tolist()], [K.tolist()]))


def pictures(head: Head, take: Take, frames: Iterable[int], camera: CameraPath, threads: int) -> Iterator[np.ndarray]:
    """(H, W, 3) uint8 of these frames of a take, before a grey wall."""
    for frame in frames:
        colors, alphas, _ = draw_frame(
            head, take, frame, camera.at(frame), camera.width, camera.height, depth=False, uncertainty=False,
            backend="auto", threads=threads,
        )
        yield np.round(255 * np.clip(colors + GREY * (1 - alphas), 0, 1)).astype(np.uint8)


def watch(film: Iterable[np.ndarray]) -> list[np.ndarray | None]:
    """(478, 2) landmarks in pixels of each picture, None where no face is found.

    Raises:
        MissingModelError, MissingPackageError: what tracks faces is not there.
    """
    seen = follow(film, face_landmarker_path(), float(FPS), Report())
    return [faces[0].landmarks[:, :2].astype(np.float64) if faces else None for faces in seen]

# SPDX-License-Identifier: GPL-3.0-or-later
"""How well a film or a folder of rendered frames is in sync with its sound, by the sync expert."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from .audio.read import RATE, blocks
from .capture.tracking.landmarks import FaceTracks, track
from .capture.tracking.model import face_landmarker_path
from .capture.video import pictures, probe, sound
from .errors import InputError
from .prior.extract import extract, shipped_network
from .prior.frontends import EncoderFrontEnd
from .prior.sync_expert import RATE as WINDOWS_PER_SECOND
from .prior.sync_expert import find_offset, motion_of, shipped_expert
from .protocol import exact_fps
from .report import Report

# MediaPipe's landmarks: the inner lips' middle, the corners of the mouth, the face from hairline to chin.
UPPER_LIP, LOWER_LIP, CORNERS, HEIGHT = 13, 14, (61, 291), (10, 152)
MAX_SIDE = 640
SHORTEST = 1.0  # seconds
FRAME_FILES = "frame_*.png"


@dataclass(frozen=True)
class _Seen:
    """Landmarks of a mouth, its frame rate, and the seconds from the sound's start to the first picture."""

    tracks: FaceTracks
    fps: Fraction
    start: float


def measure_sync(source: str | Path, audio: str | Path, report: Report) -> dict:
    """How many frames the mouth is later than the sound wants it, and how sure that is.

    Args:
        source: a film, or a folder of frame_#####.png with its take.json, as `speak` writes it.
        audio: a sound file; "" takes the film's own sound, or the one that take.json names.

    Returns:
        `offset_frames` (negative: the mouth is early), `offset_seconds`, `confidence` (0 to 2), `frames`, `fps`.

    Raises:
        InputError: no film and no folder of frames, no face in it, or too short.
        AudioError: the sound cannot be read.
    """
    source = Path(source)
    if source.is_dir():
        seen, pieces = _rendered(source, audio, report)
    else:
        seen, pieces = _film(source, audio, report)
    count = len(seen.tracks)
    if count / seen.fps < SHORTEST:
        raise InputError(f"{source} is shorter than {SHORTEST:g} s.", "Choose one in which somebody speaks for longer.")
    network = shipped_network()
    stream = EncoderFrontEnd(network.encoder)
    for piece in pieces:
        stream.push(piece)
    content = extract(stream.finish(), network, report).content
    content = content[round(seen.start * 50) :]
    offset, confidence = find_offset(content, _motion(seen), shipped_expert())
    return {
        "offset_frames": round(offset * float(seen.fps)), "offset_seconds": round(offset, 3),
        "confidence": round(confidence, 3), "frames": count, "fps": float(seen.fps),
    }


def _film(source: Path, audio: str | Path, report: Report) -> tuple[_Seen, Iterator[np.ndarray]]:
    info = probe(source)
    frames = (picture.image[..., :3] for picture in pictures(info, max_side=MAX_SIDE, report=report))
    tracks = track(frames, face_landmarker_path(), float(info.fps), report, round(info.seconds * info.fps))
    seconds = len(tracks) / float(info.fps)
    pieces = blocks(audio, RATE, report=report) if audio else sound(info, RATE, seconds, report)
    return _Seen(tracks, info.fps, 0.0), pieces


def _rendered(folder: Path, audio: str | Path, report: Report) -> tuple[_Seen, Iterator[np.ndarray]]:
    from PIL import Image

    files = sorted(folder.glob(FRAME_FILES))
    if not files:
        raise InputError(f"{folder} holds no frames ({FRAME_FILES}).", "Choose a folder that speak has written to.")
    try:
        take = json.loads((folder / "take.json").read_text(encoding="utf-8"))
        fps, named = exact_fps(take["fps_exact"]), str(take.get("audio", ""))
        first = int(files[0].stem.removeprefix("frame_")) - 1
    except (OSError, ValueError, TypeError, KeyError):
        raise InputError(f"{folder} has no take.json that can be read.", "Render it again with speak.") from None

    def frames() -> Iterator[np.ndarray]:
        for file in files:
            with Image.open(file) as picture:
                grey = Image.new("RGBA", picture.size, (128, 128, 128, 255))
                yield np.asarray(Image.alpha_composite(grey, picture.convert("RGBA")).convert("RGB"))

    tracks = track(frames(), face_landmarker_path(), float(fps), report, len(files))
    return _Seen(tracks, fps, first / float(fps)), blocks(audio or named, RATE, report=report)


def _motion(seen: _Seen) -> torch.Tensor:
    """(1, 4, T) of lips and corners over the face's height, WINDOWS_PER_SECOND; frames without a face are bridged."""
    points = seen.tracks.landmarks[..., :2].astype(np.float64)
    height = np.maximum(_distance(points, *HEIGHT), 1e-6)
    found = np.flatnonzero(seen.tracks.found)
    times = np.arange(0.0, (len(points) - 1) / float(seen.fps) + 1e-9, 1.0 / WINDOWS_PER_SECOND) * float(seen.fps)
    curves = [_distance(points, *pair) / height for pair in ((UPPER_LIP, LOWER_LIP), CORNERS)]
    gap, width = (torch.from_numpy(np.interp(times, found, curve[found]).astype(np.float32))[None] for curve in curves)
    return motion_of(gap, width)


def _distance(points: np.ndarray, first: int, second: int) -> np.ndarray:
    return np.linalg.norm(points[:, first] - points[:, second], axis=1)

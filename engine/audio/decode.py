# SPDX-License-Identifier: GPL-3.0-or-later
"""Mono blocks at the file's own rate: by libsndfile what it reads in mono or stereo, by FFmpeg the rest.

Time 0 is where the file starts to play. Encoder delay (LAME's tag, AAC's edit list, Opus' pre-skip) is taken off by
both libraries; a sound track that starts after its picture gets the silence before it. A raw .aac stream has no note of
its encoder's delay, so it starts where every player starts it.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

from ..containers import decoded, is_cover, open_container
from ..errors import AudioError
from ..report import Report
from .downmix import downmix_weights

BLOCK_FRAMES = 1 << 18
RESCUE_FRAMES = 1 << 10
# Timestamps of Matroska are rounded to milliseconds; a smaller jump than this is jitter and not a gap.
GAP_SECONDS = Fraction(5, 100)


@dataclass(frozen=True)
class AudioInfo:
    """What a file says of its sound.

    Args:
        seconds: length as declared; 0 where the file does not know.
        container: format's name, such as "WAV" or "mov,mp4,m4a,3gp,3g2,mj2".
    """

    path: Path
    sample_rate: int
    channels: int
    seconds: float
    container: str


class Unreadable(Exception):
    """A file that a source cannot read."""


class NoSoundTrack(Unreadable):
    """A film without sound."""


class SoundFileSource:
    """Reads mono and stereo by libsndfile, which does not say which of more channels is which. Raises Unreadable."""

    def __init__(self, path: Path) -> None:
        try:
            with _open_sound(path) as sound:
                self._frames = sound.frames
                seconds = sound.frames / sound.samplerate
                self.info = AudioInfo(path, sound.samplerate, sound.channels, seconds, sound.format)
        except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: a name that ends in .raw
            raise Unreadable() from error
        if self.info.channels > 2:
            raise Unreadable()

    def blocks(self, report: Report) -> Iterator[np.ndarray]:
        """Yield (n,) float32."""
        done = 0
        with _open_sound(self.info.path) as sound:
            weights = np.full(sound.channels, 1.0 / sound.channels, np.float32)
            step = BLOCK_FRAMES
            while True:
                try:
                    block = sound.read(step, dtype="float32", always_2d=True)
                except soundfile.LibsndfileError:
                    if step == RESCUE_FRAMES or not sound.seekable():
                        break
                    step = RESCUE_FRAMES  # a damaged block loses all of it: take it again in small pieces
                    sound.seek(done)
                    continue
                if not len(block):
                    break
                done += len(block)
                yield block @ weights
        if done < self._frames:
            _warn_cut(report, self.info, done / self.info.sample_rate)


class FFmpegSource:
    """Reads everything by FFmpeg. Raises Unreadable, NoSoundTrack for a film without sound."""

    def __init__(self, path: Path) -> None:
        try:
            with open_container(path) as container:
                self.info = self._describe(path, container)
        except av.FFmpegError as error:
            raise Unreadable() from error

    @staticmethod
    def _describe(path: Path, container) -> AudioInfo:
        if not container.streams.audio:
            raise NoSoundTrack() if container.streams.video else Unreadable()
        stream = container.streams.audio[0]
        context = stream.codec_context
        if context is None or not context.sample_rate or not context.channels:
            raise Unreadable()
        seconds = 0.0
        if stream.duration:
            seconds = float(stream.duration * stream.time_base)
        elif container.duration:
            # Matroska says when it ends and not how long it lasts.
            before = max(0, container.start_time or 0) if "matroska" in container.format.name else 0
            seconds = (container.duration - before) / av.time_base
        return AudioInfo(path, context.sample_rate, context.channels, seconds, container.format.name)

    def blocks(self, report: Report) -> Iterator[np.ndarray]:
        """Yield (n,) float32. Gaps between timestamps become silence, overlaps are dropped."""
        position = damaged = 0
        start = None
        mono = _Mono()
        rate = self.info.sample_rate
        with open_container(self.info.path) as container:
            stream = container.streams.audio[0]
            pictures = [s for s in container.streams.video if s.start_time is not None and not is_cover(s)]
            picture = min((s.start_time * s.time_base for s in pictures), default=None)
            end = _exact_end(stream, rate)
            held = np.zeros(0, np.float32)  # one frame back, because only the very last one may hold padding
            for frame in decoded(container, stream):
                if frame is None:
                    damaged += 1
                    continue
                if frame.rate != rate:
                    raise AudioError(
                        f"{self.info.path} changes its sample rate from {rate} to {frame.rate} Hz.",
                        "Convert it to a WAV file.",
                    )
                time = frame.pts * frame.time_base if frame.pts is not None else None
                tolerance = GAP_SECONDS
                if start is None:
                    time = time or Fraction(0)
                    start = time if picture is None else min(picture, time)
                    tolerance = stream.time_base
                samples = mono(frame)
                if time is not None and abs(jump := time - start - Fraction(position, rate)) >= tolerance:
                    shift = round(jump * rate)
                    yield held
                    held = np.zeros(0, np.float32)
                    yield from _silence(shift)
                    samples = samples[max(0, -shift):]
                    position += max(0, shift)
                yield held
                held = samples
                position += len(samples)
            if end is not None and position - len(held) < end < position:
                held = held[: len(held) - (position - end)]
            yield held
        if damaged:
            report.warning(f"{self.info.path.name} is damaged; {damaged} pieces of its sound were left out.")
        if self.info.seconds - position / rate > 0.5:
            _warn_cut(report, self.info, position / rate)


def _open_sound(path: Path) -> soundfile.SoundFile:
    # As bytes, because soundfile encodes text strictly and names on POSIX may be no UTF-8.
    return soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else path)


class _Mono:
    """Turns frames of any sample format into (n,) float32 in [-1, 1]."""

    def __init__(self) -> None:
        self._shape = None

    def __call__(self, frame: av.AudioFrame) -> np.ndarray:
        if self._shape != (frame.format.name, frame.layout.name, frame.rate):
            self._shape = (frame.format.name, frame.layout.name, frame.rate)
            # Interleaved: PyAV reads past its memory in planar frames of 8 channels.
            self._convert = av.AudioResampler(format="flt", layout=frame.layout, rate=frame.rate)
            self._weights = downmix_weights(tuple(channel.name for channel in frame.layout.channels))
        pieces = [piece.to_ndarray().reshape(-1, len(self._weights)) for piece in self._convert.resample(frame)]
        return np.concatenate(pieces) @ self._weights if pieces else np.zeros(0, np.float32)


def _exact_end(stream, rate: int) -> int | None:
    """The sample where a track ends whose clock ticks in samples (MP4's edit lists cut the encoder's padding)."""
    if not stream.duration or stream.time_base.denominator != rate or stream.time_base.numerator != 1:
        return None
    return stream.duration + (stream.start_time or 0)


def _silence(samples: int) -> Iterator[np.ndarray]:
    for first in range(0, samples, BLOCK_FRAMES):
        yield np.zeros(min(BLOCK_FRAMES, samples - first), np.float32)


def _warn_cut(report: Report, info: AudioInfo, seconds: float) -> None:
    report.warning(
        f"{info.path.name} ends early: it announces {info.seconds:.1f} s of sound and holds {seconds:.1f} s. "
        "What is there is used."
    )

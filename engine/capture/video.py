# SPDX-License-Identifier: GPL-3.0-or-later
"""A film as upright RGB pictures at constant frames, streamed: an hour takes no more memory than a second.

Time 0 is the first picture. Frame k is the picture shown nearest to k / fps, by the film's own timestamps, so that a
variable frame rate does not drift against the sound.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.filter import Graph
from av.video.reformatter import ColorRange, Colorspace

from ..audio.read import lasting
from ..containers import decoded, is_cover, open_container
from ..errors import InputError
from ..protocol import exact_fps
from ..report import Report

MAX_SIDE = 8192
MIN_SIDE = 64
MIN_FPS, FEW_FPS = 5, 15
COMMON_FPS = tuple(exact_fps(rate) for rate in (10, 12, 15, 23.976, 24, 25, 29.97, 30, 48, 50, 59.94, 60, 90, 120))
# A picture farther than this from its frame's time is no picture of that time.
HOLE = Fraction(1, 2)
PQ, HLG = 16, 18  # transfer characteristics of ITU-T H.273, table 3
MATROSKA_LENGTH = re.compile(r"(\d{1,5}):(\d\d):(\d\d(?:\.\d{1,12})?)")
KINDS = "mp4, mov, mkv, webm or avi"


@dataclass(frozen=True)
class VideoInfo:
    """What a film says of itself.

    Args:
        width, height: pixels, upright and with square pixels.
        fps: exact frames per second of the film, or the nearest common rate where it varies.
        variable: its pictures do not come at constant intervals on average.
        seconds: length as declared; 0 where the file does not know.
        rotation: quarter turns counterclockwise that make its pictures upright.
        alpha, interlaced, hdr: how its pictures are stored.
        start: seconds in the file's own clock at which the first picture is shown.
        audio_offset: seconds from the first picture to the first sound (negative: the sound starts earlier), encoder
            delay taken off; None where there is no sound.
    """

    path: Path
    width: int
    height: int
    fps: Fraction
    variable: bool
    seconds: float
    rotation: int
    alpha: bool
    interlaced: bool
    hdr: bool
    start: Fraction
    audio_offset: Fraction | None


@dataclass(frozen=True)
class VideoPicture:
    """One frame of a film.

    Args:
        frame: its number; the time is frame / fps from the first picture.
        source_time: seconds from the first picture at which the film shows it; the same for two frames where the film
            has one picture for both.
        image: (H, W, 3) uint8 sRGB, or (H, W, 4) with straight alpha where the film has alpha.
    """

    frame: int
    source_time: Fraction
    image: np.ndarray


def probe(path: str | Path) -> VideoInfo:
    """What a film says of itself. Raises InputError for what is no film that can be read."""
    path = Path(path)
    choose = f"Choose a film ({KINDS})."
    if not path.is_file():
        raise InputError(f"There is no file {path}.", choose)
    try:
        with open_container(path) as container:
            stream = _video_stream(path, container)
            picture = _first(container, stream)
            if picture is None:
                raise InputError(f"{path} holds no picture that can be decoded.", "Copy or record it again.")
            return _describe(path, container, stream, picture)
    except av.FFmpegError as error:
        raise InputError(f"{path} is no film that can be read, or is cut off ({error.strerror}).", choose) from None


def pictures(
    info: VideoInfo, fps: Fraction | None = None, max_side: int = 0, report: Report | None = None
) -> Iterator[VideoPicture]:
    """Yield a film's pictures at constant frames, in order, upright, with square pixels.

    Frames whose time falls into a hole of the film are left out. What is damaged is left out with a warning.

    Args:
        fps: frames per second; the film's own where None.
        max_side: shrink to at most this many pixels on the longer side; 0 keeps the size.

    Raises:
        InputError: a still picture, or a film that changes its size on the way.
    """
    report = report or Report()
    fps = fps or info.fps
    if info.fps < FEW_FPS:
        report.warning(f"{info.path.name} has {float(info.fps):g} frames per second; lips need 25 to be read well.")
    if info.hdr:
        report.warning(f"{info.path.name} is HDR; its colours will look flat. Convert it to SDR (BT.709) first.")
    convert = _Converter(info, max_side)
    shown = 0
    frame = 0
    held: tuple[Fraction, av.VideoFrame] | None = None
    image: np.ndarray | None = None
    for time, picture in _timed(info, report):
        shown += 1
        if held is not None:
            # Nearest: the held picture serves the frames up to half way to the next one.
            end = (held[0] + min(time, held[0] + 2 * HOLE)) / 2
            while Fraction(frame) / fps < end:
                image = convert(held[1]) if image is None else image
                yield VideoPicture(frame, held[0], image)
                frame += 1
            while Fraction(frame) / fps < time - HOLE:
                frame += 1
        held, image = (time, picture), None
    if shown < 2 or held is None:
        raise InputError(f"{info.path} is a still picture.", f"Choose a film of the person speaking ({KINDS}).")
    while Fraction(frame) / fps < held[0] + 1 / (2 * fps):
        image = convert(held[1]) if image is None else image
        yield VideoPicture(frame, held[0], image)
        frame += 1
    if info.seconds - float(held[0]) > 1.0:
        report.warning(
            f"{info.path.name} ends early: it announces {info.seconds:.1f} s of pictures and holds "
            f"{float(held[0]):.1f} s. What is there is used."
        )


def sound(info: VideoInfo, rate: int, seconds: float, report: Report | None = None) -> Iterator[np.ndarray]:
    """A film's sound as mono float32 (n,) from the first picture on, `seconds` long: cut, or silence at the end.

    Raises:
        AudioError: the film has no sound, or none that can be decoded.
    """
    # The reader's time 0 is the earlier of first picture and first sound.
    skip = max(-(info.audio_offset or Fraction(0)), Fraction(0))
    return lasting(info.path, rate, seconds, float(skip), report)


def crop_square(image: np.ndarray, box: Sequence[float], size: int) -> np.ndarray:
    """Cut a box and resize it to a square; what lies beyond the picture repeats its edge.

    Args:
        image: (H, W, C) uint8.
        box: left, top, width and height in pixels (edges, not centres: 0 is the picture's left edge).

    Returns:
        (size, size, C) uint8. A point at x lands on (x - left) * size / width.
    """
    from PIL import Image

    left, top, across, down = box
    height, width = image.shape[:2]
    margin = [max(0, int(np.ceil(m))) for m in (-top, top + down - height, -left, left + across - width)]
    if any(margin):
        image = np.pad(image, (tuple(margin[:2]), tuple(margin[2:]), (0, 0)), mode="edge")
    left, top = left + margin[2], top + margin[0]
    resample = Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(image).resize((size, size), resample, (left, top, left + across, top + down)))


def _video_stream(path: Path, container):
    streams = [stream for stream in container.streams.video if not is_cover(stream)]
    if not streams:
        raise InputError(f"{path} has no pictures, only sound or data.", f"Choose a film ({KINDS}).")
    stream = streams[0]
    still = container.format.name.endswith("_pipe") or "image2" in container.format.name or stream.frames == 1
    if still:
        raise InputError(f"{path} is a still picture.", f"Choose a film of the person speaking ({KINDS}).")
    stream.thread_type = "AUTO"
    return stream


def _first(container, stream):
    """The first frame that decodes, or None."""
    return next((frame for frame in decoded(container, stream) if frame is not None), None)


def _describe(path: Path, container, stream, picture: av.VideoFrame) -> VideoInfo:
    width, height = picture.width, picture.height
    if stream.sample_aspect_ratio:
        width = max(1, round(width * stream.sample_aspect_ratio))
    rotation = round(picture.rotation / 90) % 4
    if rotation % 2:
        width, height = height, width
    if not MIN_SIDE <= min(width, height) <= max(width, height) <= MAX_SIDE:
        raise InputError(
            f"{path} has pictures of {width}x{height} pixels, outside {MIN_SIDE} to {MAX_SIDE}.", "Convert it first."
        )
    average, base = stream.average_rate, stream.base_rate
    if not average:
        raise InputError(f"{path} does not say how many frames it has per second.", "Convert it to an mp4 first.")
    if not MIN_FPS <= average <= 240:
        raise InputError(
            f"{path} has {float(average):g} frames per second, outside {MIN_FPS} to 240.", "Record it at 25 to 60."
        )
    near = min(COMMON_FPS, key=lambda rate: abs(rate - average))
    constant = base and abs(base - average) < average / 100
    fps = near if not constant or abs(near - average) < near / 500 else exact_fps(average)
    seconds = _announced_seconds(container, stream)
    start = _time(picture) or Fraction(0)
    audio_start = _audio_start(path) if container.streams.audio else None
    return VideoInfo(
        path=path, width=width, height=height, fps=fps, variable=not constant, seconds=seconds, rotation=rotation,
        alpha=any(component.is_alpha for component in picture.format.components), interlaced=picture.interlaced_frame,
        hdr=int(picture.color_trc) in (PQ, HLG), start=start,
        audio_offset=None if audio_start is None else audio_start - start,
    )


def _announced_seconds(container, stream) -> float:
    """How long the pictures are as the file has it; 0 where it does not say."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    # Matroska has the length of a track in a tag: its own is that of the longest, which may be the sound.
    if tag := MATROSKA_LENGTH.fullmatch(stream.metadata.get("DURATION", "")):
        hours, minutes, seconds = tag.groups()
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    return container.duration / av.time_base if container.duration else 0.0


def _audio_start(path: Path) -> Fraction | None:
    """When the first sample is heard: decoders leave out the encoder's delay, packets do not."""
    with open_container(path) as container:
        stream = container.streams.audio[0]
        if stream.codec_context is None:
            return None
        frame = _first(container, stream)
        return None if frame is None else _time(frame) or Fraction(0)


def _time(frame) -> Fraction | None:
    return None if frame.pts is None else frame.pts * frame.time_base


def _timed(info: VideoInfo, report: Report) -> Iterator[tuple[Fraction, av.VideoFrame]]:
    """Yield (seconds from the first picture, frame), strictly rising."""
    damaged = 0
    last: Fraction | None = None
    with open_container(info.path) as container:
        stream = _video_stream(info.path, container)
        frames = decoded(container, stream)
        for frame in _deinterlaced(frames, stream) if info.interlaced else frames:
            report.check()
            if frame is None:
                damaged += 1
                continue
            time = _time(frame)
            if time is None:
                time = info.start if last is None else info.start + last + 1 / info.fps
            time -= info.start
            if last is not None and time <= last:
                continue
            last = time
            yield time, frame
    if damaged:
        report.warning(f"{info.path.name} is damaged; {damaged} pieces of its pictures were left out.")


def _deinterlaced(frames: Iterator, stream) -> Iterator:
    """Frames with their two fields woven into one moment (FFmpeg's bwdif)."""
    graph = Graph()
    source = graph.add_buffer(template=stream)
    deinterlace = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    sink = graph.add("buffersink")
    source.link_to(deinterlace)
    deinterlace.link_to(sink)
    graph.configure()

    def pull() -> Iterator:
        while True:
            try:
                yield sink.pull()
            except (av.BlockingIOError, av.EOFError):
                return

    for frame in frames:
        if frame is None:
            yield None
            continue
        source.push(frame)
        yield from pull()
    source.push(None)
    yield from pull()


class _Converter:
    """Makes upright RGB arrays of decoded frames. Raises InputError when the size changes."""

    def __init__(self, info: VideoInfo, max_side: int) -> None:
        self._info = info
        longest = max(info.width, info.height)
        scale = min(1.0, max_side / longest) if max_side else 1.0
        width, height = max(1, round(info.width * scale)), max(1, round(info.height * scale))
        self._size = (height, width) if info.rotation % 2 else (width, height)
        self._stored: tuple[int, int] | None = None

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        stored = (frame.width, frame.height)
        self._stored = self._stored or stored
        if stored != self._stored:
            raise InputError(
                f"{self._info.path} changes its picture size from {self._stored} to {stored}.",
                "Cut it into one film for each size.",
            )
        width, height = self._size
        kind = "rgba" if self._info.alpha else "rgb24"
        picture = frame.reformat(
            width, height, kind, src_colorspace=_matrix(frame), dst_color_range=ColorRange.JPEG, interpolation="AREA"
        )
        return np.ascontiguousarray(np.rot90(picture.to_ndarray(), self._info.rotation))


def _matrix(frame: av.VideoFrame) -> Colorspace | None:
    """The YUV matrix a film means; those that do not say follow their size, as every player has it."""
    if frame.format.is_rgb:
        return None
    tagged = int(frame.colorspace)
    if tagged in (9, 10):
        return Colorspace.BT2020
    if tagged == 1:
        return Colorspace.ITU709
    if tagged in (4, 5, 6):
        return Colorspace.ITU601
    return Colorspace.ITU709 if frame.height >= 720 else Colorspace.ITU601

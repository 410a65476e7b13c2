# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound files made for the tests: clicks at known times, in any container."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CLICKS = (0.25, 0.75, 1.5)
HALF_WIDTH = 200
OFFSETS = np.arange(-HALF_WIDTH, HALF_WIDTH + 1)
# No constant part: codecs filter that away and would seem to move the click.
CLICK = 0.8 * np.exp(-((OFFSETS / 40.0) ** 2)) * np.cos(2.0 * np.pi * OFFSETS / 24.0)


def clicks(rate: int, seconds: float = 2.0) -> np.ndarray:
    """(n,) float32 with a short wave at each of CLICKS: codecs keep its place."""
    signal = np.zeros(round(rate * seconds), np.float32)
    for time in CLICKS:
        middle = round(time * rate)
        signal[middle - HALF_WIDTH : middle + HALF_WIDTH + 1] += CLICK
    return signal


def click_offsets(signal: np.ndarray, rate: int, shift: int = 0) -> list[int]:
    """How many samples each click stands beside its place (moved by `shift`)."""
    offsets = []
    for time in CLICKS:
        middle = round(time * rate) + shift
        match = np.correlate(signal[middle - 2000 : middle + 2001], CLICK, "same")
        offsets.append(int(np.argmax(match)) - 2000)
    return offsets


def encode(
    path: Path, codec: str, channels: np.ndarray, rate: int = 48000, layout: str = "mono", video: bool = False,
    audio_pts: int = 0, video_frames: int = 50, tags: dict[str, str] | None = None,
) -> Path:
    """Write (channels, n) float32 by FFmpeg, beside a picture track of 25 frames per second if `video`."""
    with av.open(str(path), "w") as container:
        container.metadata.update(tags or {})
        picture = None
        if video:
            picture = container.add_stream("libvpx" if path.suffix == ".webm" else "mpeg4", rate=25)
            picture.width = picture.height = 64
            picture.pix_fmt = "yuv420p"
        sound = container.add_stream(codec, rate=rate, layout=layout)
        sound.bit_rate = 128_000 * len(channels)
        if picture is not None:
            for index in range(video_frames):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index, np.uint8), "rgb24")
                frame.pts = index
                container.mux(picture.encode(frame))
            container.mux(picture.encode())
        interleaved = np.ascontiguousarray(channels.T, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, audio_pts, Fraction(1, rate)
        convert = av.AudioResampler(format=sound.codec.audio_formats[0].name, layout=layout, rate=rate)
        for piece in convert.resample(frame):
            container.mux(sound.encode(piece))
        container.mux(sound.encode())
    return path

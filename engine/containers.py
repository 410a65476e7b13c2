# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening strangers' sound and film files with FFmpeg, and decoding what can be decoded."""

from collections.abc import Iterator
from pathlib import Path

import av


def open_container(path: Path):
    """Open a file with PyAV. Raises av.FFmpegError, or OSError where the file cannot be read.

    Absolute, or FFmpeg takes what stands before a colon for a protocol; files only, since a playlist is a file, too,
    and must not make us open addresses; tags of old files are no UTF-8.
    """
    return av.open(str(path.absolute()), metadata_errors="replace", options={"protocol_whitelist": "file"})


def decoded(container, stream) -> Iterator:
    """Decoded frames in order, None for each packet that does not decode."""
    try:
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.FFmpegError:
                yield None
    except av.FFmpegError:
        yield None


def is_cover(stream) -> bool:
    """Whether a video stream is only an attached picture, such as an album's cover."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)

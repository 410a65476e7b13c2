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
    with_alpha = _alpha_decoder(stream)
    try:
        for packet in container.demux(stream):
            try:
                yield from with_alpha.decode(packet if packet.size else None) if with_alpha else packet.decode()
            except av.FFmpegError:
                yield None
    except av.FFmpegError:
        yield None


def _alpha_decoder(stream):
    """A decoder of its own for what FFmpeg's would show without its alpha, or None.

    WebM keeps alpha as a second VP8 or VP9 stream within the packets, which only libvpx decodes
    (https://www.webmproject.org/docs/container/, AlphaMode).
    """
    decoder = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name if stream.codec_context else "")
    if decoder is None or stream.metadata.get("alpha_mode") != "1":
        return None
    try:
        return av.CodecContext.create(decoder, "r")
    except (av.FFmpegError, ValueError):  # a build of FFmpeg without libvpx
        return None


def is_cover(stream) -> bool:
    """Whether a video stream is only an attached picture, such as an album's cover."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)

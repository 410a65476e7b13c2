# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures and films that say of themselves that they are synthetic: IPTC's Digital Source Type in an XMP packet.

IPTC Photo Metadata Standard 2025.1 and Video Metadata Hub 1.6 (property Digital Source Type); XMP Specification part 3
(where a packet lies in PNG and MPEG-4). What a head shows was "created algorithmically using a model derived from
sampled content".
"""

import struct
import zlib

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="EmoSplat">
<Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE_TYPE}</Iptc4xmpExt:DigitalSourceType>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>"""

PNG_KEYWORD = "XML:com.adobe.xmp"
PNG_SIGNATURE, PNG_HEADER_END = b"\x89PNG\r\n\x1a\n", 33  # IHDR is always first and of one length
MP4_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def png_chunk() -> bytes:
    """The packet as an uncompressed iTXt chunk, which belongs after IHDR."""
    data = b"iTXt" + PNG_KEYWORD.encode() + b"\0" + b"\0\0" + b"\0" + b"\0" + XMP.encode()
    return struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


def marked_png(data: bytes) -> bytes:
    """A PNG file with the packet; one that has a packet already stays as it is.

    Raises:
        ValueError: this is no PNG.
    """
    if data[:8] != PNG_SIGNATURE or len(data) < PNG_HEADER_END:
        raise ValueError("this is no PNG")
    if b"iTXt" + PNG_KEYWORD.encode() in data:
        return data
    return data[:PNG_HEADER_END] + png_chunk() + data[PNG_HEADER_END:]


def mp4_box() -> bytes:
    """The packet as a box of MPEG-4 or QuickTime, which may follow the last one of a file."""
    data = MP4_UUID + XMP.encode()
    return struct.pack(">I", len(data) + 8) + b"uuid" + data

# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of ours, damaged at random."""

import random
import struct
from collections.abc import Iterator


def damaged_headers(raw: bytes, seed: int, count: int) -> Iterator[bytes]:
    """`count` copies of a safetensors file with one to thirty bytes of its header changed."""
    end = 8 + struct.unpack("<Q", raw[:8])[0]
    chance = random.Random(seed)
    for _ in range(count):
        damaged = bytearray(raw)
        for _ in range(chance.choice((1, 1, 2, 5, 30))):
            damaged[chance.randrange(end)] = chance.randrange(256)
        yield bytes(damaged)

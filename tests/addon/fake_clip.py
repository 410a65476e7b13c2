# SPDX-License-Identifier: GPL-3.0-or-later
"""A small .emoclip with the standard library alone: a sheet of round discs that face -y, 1 cm apart.

The first shape lifts the sheet by 1 cm, the second turns it a quarter about z as far as small movements go, a third one
does nothing.
"""

import json
import struct
from pathlib import Path


def write_clip(path: str | Path, points: int, rows: list[list[float]], fps: str, start: int = 0, **changes) -> None:
    """Write `points` discs and `rows` of weights, one per frame; `changes` replace a tensor's (type, shape, bytes), or
    "version".
    """
    shapes, frames = len(rows[0]), len(rows)
    places = [(0.01 * (k % 8), 0.0, 0.01 * (k // 8)) for k in range(points)]
    moves = [[(0.0, 0.0, 0.01)] * points, [(0.0, x, 0.0) for x, _, _ in places], [(0.0, 0.0, 0.0)] * points]

    def floats(lists, kind="f") -> bytes:
        numbers = [number for numbers in lists for number in numbers]
        return struct.pack(f"<{len(numbers)}{kind}", *numbers)

    neighbours = [(k ^ 1 if k ^ 1 < points else k - 1, k + 8 if k + 8 < points else k - 8) for k in range(points)]
    half = 0.5**0.5
    tensors = {
        "means": ("F32", [points, 3], floats(places)),
        "quats": ("F32", [points, 4], floats([(half, half, 0.0, 0.0)] * points)),
        "scales": ("F32", [points, 3], floats([(0.004, 0.004, 0.0001)] * points)),
        "opacities": ("F32", [points], floats([[0.9] * points])),
        "colors": ("F32", [points, 3], floats([(0.6, 0.13, k % 8 / 8) for k in range(points)])),
        "tile_colors": ("F32", [points, 3], floats([(0.6, 0.13, k % 8 / 8) for k in range(points)])),
        "sh": ("F32", [points, 1, 3], floats([(0.0, 0.0, 0.0)] * points)),
        "basis": ("F16", [shapes, points, 3], b"".join(floats(move, "e") for move in moves[:shapes])),
        "weights": ("F32", [frames, shapes], floats(rows)),
        "neighbours": ("I32", [points, 2], floats(neighbours, "i")),
        "uncertainty": ("F32", [points], floats([[k / points for k in range(points)]])),
        "regions": ("U8", [points], bytes(k % 2 for k in range(points))),
    }
    version = changes.pop("version", "1")
    tensors |= changes
    header = {"name": "Sheet", "fps": fps, "start": start, "audio": "", "regions": ["torso", "head"],
              "error_mm": {"p95": 0.05, "max": 0.1}}
    entries, data = {"__metadata__": {"format": "emoclip", "version": version, "header": json.dumps(header)}}, b""
    for name, (kind, shape, raw) in tensors.items():
        entries[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(entries).encode()
    Path(path).write_bytes(struct.pack("<Q", len(text)) + text + data)

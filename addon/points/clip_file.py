# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading .emoclip (safetensors, see docs/formats.md) with numpy alone, judged before memory is taken."""

import json
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...engine.protocol import exact_fps
from ..problem import Problem

SUFFIX = ".emoclip"
VERSION = "1"
LARGEST_HEADER = 4_000_000
LIMITS = {"N": 2_000_000, "K": 128, "T": 3_456_000}
TYPES = {"F32": "<f4", "F16": "<f2", "I32": "<i4", "U8": "u1"}
# Name: type, shape, least and largest value. `sh` is for other tools and stays in the file.
SPEC = {
    "means": ("F32", ("N", 3), -1e4, 1e4), "quats": ("F32", ("N", 4), -1.001, 1.001),
    "scales": ("F32", ("N", 3), 1e-9, 1e4), "opacities": ("F32", ("N",), 0.0, 1.0),
    "colors": ("F32", ("N", 3), 0.0, 100.0), "tile_colors": ("F32", ("N", 3), 0.0, 1.0),
    "basis": ("F16", ("K", "N", 3), -10.0, 10.0),
    "weights": ("F32", ("T", "K"), -10.0, 10.0), "neighbours": ("I32", ("N", 2), 0.0, 1_999_999.0),
    "uncertainty": ("F32", ("N",), 0.0, 1e6), "regions": ("U8", ("N",), 0.0, 255.0),
}  # fmt: skip
AGAIN = "Bake the clip again."


@dataclass
class PointsClip:
    """What a clip holds, as docs/formats.md says; N points, K shapes, T frames.

    Args:
        path: absolute path of its file.
        name: the head's.
        fps: exact frames per second of the weights.
        start: the take's frame (from 0) of the first row of weights.
        region_names: what `regions` are indices of.
    """

    path: str
    name: str
    fps: Fraction
    start: int
    region_names: list[str]
    means: np.ndarray
    quats: np.ndarray
    scales: np.ndarray
    opacities: np.ndarray
    colors: np.ndarray
    tile_colors: np.ndarray
    basis: np.ndarray
    weights: np.ndarray
    neighbours: np.ndarray
    uncertainty: np.ndarray
    regions: np.ndarray

    def __len__(self) -> int:
        return len(self.means)

    @property
    def frames(self) -> int:
        return len(self.weights)


def count_points(path: str) -> int:
    """How many points a clip has, without reading them. Raises Problem."""
    return _header(Path(path))[0]["means"]["shape"][0]


def read_clip(path: str) -> PointsClip:
    """Read and check a clip. Raises Problem with whatever is wrong."""
    file = Path(path)
    entries, metadata, start = _header(file)
    try:
        raw = np.memmap(file, np.uint8, "r")
        arrays = {name: _array(file, name, raw, start, entries[name]) for name in SPEC}
    except (OSError, ValueError) as error:
        raise Problem(f"{file} could not be read ({error}).", AGAIN, "format") from None
    try:
        header = json.loads(metadata["header"])
        fps, first, names = exact_fps(header["fps"]), header["start"], header["regions"]
        if type(first) is not int or not 0 <= first <= 10_000_000 or not all(isinstance(n, str) for n in names):
            raise ValueError("start or regions")
        name = str(header["name"])[:200]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise Problem(f"{file} has a damaged header ({error!s:.60}).", AGAIN, "format") from None
    count = len(arrays["means"])
    if not count or not len(arrays["weights"]):
        raise Problem(f"{file} has no points or no frames.", AGAIN, "format")
    if arrays["neighbours"].max() >= count or int(arrays["regions"].max()) >= len(names):
        raise Problem(f"{file} names a neighbour or a region that is not there.", AGAIN, "format")
    return PointsClip(str(file.absolute()), name, fps, first, names, **arrays)


def _header(path: Path) -> tuple[dict, dict, int]:
    """Entries by name, the metadata, and where the data begins."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            length = struct.unpack("<Q", file.read(8))[0]
            if length > min(LARGEST_HEADER, size - 8):
                raise ValueError("it is cut off")
            entries = json.loads(file.read(length))
            metadata = entries.pop("__metadata__")
            kind, version = metadata.get("format"), metadata.get("version")
    except OSError as error:
        raise Problem(f"{path} could not be read ({error.strerror}).", "Choose a clip that exists.", "format") from None
    except (struct.error, ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise Problem(f"{path} is cut off, or no clip.", "Choose an .emoclip file, or bake it again.",
                      "format") from None
    if kind != SUFFIX[1:]:
        raise Problem(f"{path} is not an .emoclip file.", "Choose another file.", "format")
    if version != VERSION:
        raise Problem(f"{path} is of version {version!s:.20} of .emoclip; this EmoSplat reads {VERSION}.",
                      "Bake it again with this version, or update EmoSplat.", "format")
    _check(path, entries, size - 8 - length)
    return entries, metadata, 8 + length


def _check(path: Path, entries: dict, data: int) -> None:
    """Every tensor is there, of its type and shape, and lies within the file."""
    sizes: dict[str, int] = {}
    for name, (kind, wanted, _, _) in SPEC.items():
        entry = entries.get(name)
        if not isinstance(entry, dict):
            raise Problem(f"{path} lacks {name}.", AGAIN, "format")
        shape, offsets = entry.get("shape"), entry.get("data_offsets")
        if not (_whole(shape, len(wanted)) and _whole(offsets, 2) and entry.get("dtype") == kind):
            raise Problem(f"{path}: {name} is described wrongly.", AGAIN, "format")
        for got, expected in zip(shape, wanted):
            if isinstance(expected, str) and not got <= LIMITS[expected]:
                raise Problem(f"{path} has {got} of what may be {LIMITS[expected]} ({name}).", AGAIN, "format")
            if got != (sizes.setdefault(expected, got) if isinstance(expected, str) else expected):
                raise Problem(f"{path}: the shape of {name}, {shape}, does not fit.", AGAIN, "format")
        count = 1
        for side in shape:
            count *= side
        if not offsets[0] <= offsets[1] <= data or offsets[1] - offsets[0] != count * np.dtype(TYPES[kind]).itemsize:
            raise Problem(f"{path} is cut off: {name} is not all there.", AGAIN, "format")


def _whole(values, count: int) -> bool:
    return isinstance(values, list) and len(values) == count and all(type(v) is int and v >= 0 for v in values)


def _array(path: Path, name: str, raw: np.ndarray, start: int, entry: dict) -> np.ndarray:
    kind, _, low, high = SPEC[name]
    first, end = entry["data_offsets"]
    array = np.frombuffer(raw[start + first:start + end].tobytes(), TYPES[kind]).reshape(entry["shape"])
    if array.size and not (float(array.min()) >= low and float(array.max()) <= high):  # NaN fails both
        raise Problem(f"{path}: {name} holds values outside {low:g} to {high:g}.", AGAIN, "format")
    return array

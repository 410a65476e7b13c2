# SPDX-License-Identifier: GPL-3.0-or-later
"""Checked safetensors: our files' only container. Header, shapes and sizes are judged before any memory is taken.

Format: https://github.com/huggingface/safetensors#format. Every file of ours carries `__metadata__` with "format"
(for example "emohead"), "version" and "header", a JSON object of its own.
"""

import json
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from .disk_rows import DiskRows, blocks
from .errors import FormatError
from .files import whole_file

MAX_HEADER_BYTES = 4_000_000
DTYPES = {"F32": np.float32, "F16": np.float16, "U8": np.uint8, "I32": np.int32}


@dataclass(frozen=True)
class TensorSpec:
    """What one tensor of a file must look like.

    Args:
        shape: numbers, or names of dimensions that must agree across the file.
        low, high: bounds of every value.
        dtype: safetensors' name for it.
        optional: may be absent.
    """

    shape: tuple
    low: float = -1e6
    high: float = 1e6
    dtype: str = "F32"
    optional: bool = False


# Every tensor that a file may hold; or what makes that of its header, raising ValueError where the header is wrong.
Specs = dict[str, TensorSpec] | Callable[[dict], dict[str, TensorSpec]]


def write_tensors(
    path: Path, kind: str, version: int, header: dict, tensors: dict[str, np.ndarray | DiskRows]
) -> None:
    """Write a whole file or none, laid out as safetensors' own `save` does it, a block of rows in memory at a time.
    Raises StorageError."""
    names = {np.dtype(dtype): name for name, dtype in DTYPES.items()}
    metadata = {"format": kind, "version": str(version), "header": json.dumps(header, allow_nan=False)}
    declared, end = {"__metadata__": metadata}, 0
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))  # so that all lie aligned
    for name in order:
        shape, dtype = tensors[name].shape, tensors[name].dtype
        start, end = end, end + prod(shape) * dtype.itemsize
        declared[name] = {"dtype": names[dtype], "shape": list(shape), "data_offsets": [start, end]}
    head = json.dumps(declared, separators=(",", ":"), ensure_ascii=False).encode()
    head += b" " * (-len(head) % 8)
    with whole_file(path) as part_path, open(part_path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head)
        for name in order:
            value = tensors[name]
            for part in blocks(len(value)) if value.shape else ((),):
                file.write(np.ascontiguousarray(value[part]).tobytes())


def read_tensors(
    path: Path, kind: str, version: int, spec: Specs, limits: dict[str, int], on_disk: Collection[str] = ()
) -> tuple[dict, dict[str, np.ndarray | DiskRows]]:
    """Read a file written by `write_tensors`.

    Args:
        spec: what the file must look like.
        limits: largest value of every named dimension in `spec`.
        on_disk: tensors that are checked but stay in the file, as DiskRows.

    Returns:
        The header and the tensors by name.

    Raises:
        FormatError: whatever is wrong, in one sentence.
    """
    path = Path(path)
    declared, header, spec, start = _judge(path, kind, version, spec, limits)
    try:
        with safe_open(path, "np") as file:  # judges the offsets, too
            tensors = {name: file.get_tensor(name) for name in declared if name not in on_disk}
    except (ValueError, TypeError, SafetensorError, OSError) as error:
        raise FormatError(f"{path} is damaged ({error}).", "Copy or make the file again.") from None
    for name in set(on_disk) & set(declared):
        (rows, *shape), first = declared[name]["shape"], declared[name]["data_offsets"][0]
        tensors[name] = DiskRows(path, (DTYPES[spec[name].dtype], tuple(shape)), rows, start + first)
    for name, value in tensors.items():
        _check_values(path, name, value, spec[name])
    return header, tensors


def read_shapes(
    path: Path, kind: str, version: int, spec: Specs, limits: dict[str, int]
) -> tuple[dict, dict[str, tuple[int, ...]]]:
    """The header of a file and the shapes of its tensors by name, judged as `read_tensors` does before it reads any
    values. Raises FormatError."""
    declared, header, _, _ = _judge(Path(path), kind, version, spec, limits)
    return header, {name: tuple(entry["shape"]) for name, entry in declared.items()}


def _judge(
    path: Path, kind: str, version: int, spec: Specs, limits: dict[str, int]
) -> tuple[dict, dict, dict[str, TensorSpec], int]:
    """What a file declares of its tensors, its own header, its spec, and the byte at which data begin."""
    declared, metadata, start = _read_header(path, kind)
    if metadata.get("format") != kind:
        raise FormatError(f"{path} is not an .{kind} file.", f"Choose a file that ends in .{kind}.")
    if metadata.get("version") != str(version):
        raise FormatError(
            f"{path} is of version {metadata.get('version')!s:.20} of {kind} files; this EmoSplat reads {version}.",
            "Make the file again with this version of EmoSplat, or update EmoSplat.",
        )
    header = _own_header(path, metadata)
    if callable(spec):
        try:
            spec = spec(header)
        except ValueError as error:
            raise FormatError(f"{path} cannot be used: {error}.", "Make the file again, or choose another.") from None
    _check_shapes(path, declared, spec, limits)
    return declared, header, spec, start


def _read_header(path: Path, kind: str) -> tuple[dict, dict, int]:
    """What a file declares of its tensors, its metadata, and the byte at which data begin."""
    damaged = f"Copy or make the file again, or choose another .{kind} file."
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            start = file.read(8)
            if len(start) < 8:
                raise FormatError(f"{path} is empty or cut off.", damaged)
            (length,) = struct.unpack("<Q", start)
            if length > min(MAX_HEADER_BYTES, size - 8):
                raise FormatError(f"{path} is cut off, or not an .{kind} file.", damaged)
            declared = json.loads(file.read(length))
    except FileNotFoundError:
        raise FormatError(f"There is no file {path}.", f"Choose an .{kind} file that exists.") from None
    except OSError as error:
        raise FormatError(f"{path} could not be read ({error.strerror}).", damaged) from None
    except (ValueError, RecursionError):
        raise FormatError(f"{path} is damaged, or not an .{kind} file.", damaged) from None
    metadata = declared.pop("__metadata__", {}) if isinstance(declared, dict) else None
    if not isinstance(metadata, dict):
        raise FormatError(f"{path} is damaged, or not an .{kind} file.", damaged)
    for name, entry in declared.items():
        offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
        ok = isinstance(offsets, list) and len(offsets) == 2 and all(isinstance(o, int) for o in offsets)
        if not ok or not 0 <= offsets[0] <= offsets[1] <= size - 8 - length:
            raise FormatError(f"{path} is cut off: the data of {name!r} is not all there.", damaged)
    return declared, metadata, 8 + length


def _own_header(path: Path, metadata: dict) -> dict:
    try:
        header = json.loads(metadata.get("header", "{}"))
    except (ValueError, TypeError, RecursionError) as error:
        raise FormatError(f"{path} is damaged ({error}).", "Copy or make the file again.") from None
    if not isinstance(header, dict):
        raise FormatError(f"{path} has a header that is not an object.", "Make the file again.")
    return header


def _check_shapes(path: Path, declared: dict, spec: dict[str, TensorSpec], limits: dict[str, int]) -> None:
    again = "Make the file again, or choose another."
    if unknown := sorted(set(declared) - set(spec)):
        raise FormatError(f"{path} holds a tensor {unknown[0]!r:.40} that its format does not have.", again)
    sizes: dict[str, int] = {}
    for name, want in spec.items():
        if name not in declared:
            if want.optional:
                continue
            raise FormatError(f"{path} lacks the tensor {name!r}.", again)
        shape, dtype = declared[name].get("shape"), declared[name].get("dtype")
        if dtype != want.dtype:
            raise FormatError(f"{path}: {name} is of type {dtype!r:.10}, not {want.dtype}.", again)
        if not isinstance(shape, list) or len(shape) != len(want.shape):
            raise FormatError(f"{path}: {name} has the shape {shape!r:.40}, not {want.shape}.", again)
        for got, expected in zip(shape, want.shape):
            if isinstance(expected, str):
                bound = limits[expected]
                expected = sizes.setdefault(expected, got)
            else:
                bound = expected
            if not isinstance(got, int) or got != expected or not 0 <= got <= bound:
                raise FormatError(f"{path}: {name} has the shape {shape!r:.60}, not {want.shape}.", again)


def _check_values(path: Path, name: str, value: np.ndarray | DiskRows, want: TensorSpec) -> None:
    for part in blocks(len(value)) if value.shape else ((),):
        some = value[part]
        if some.size == 0:
            continue
        low, high = float(some.min()), float(some.max())  # NaN and infinity show in either
        if not (low >= want.low and high <= want.high):
            raise FormatError(
                f"{path}: {name} holds values from {low:g} to {high:g}, outside {want.low:g} to {want.high:g}.",
                "Make the file again, or choose another.",
            )

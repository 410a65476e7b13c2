# SPDX-License-Identifier: GPL-3.0-or-later
"""Checked safetensors: our files' only container. Header, shapes and sizes are judged before any memory is taken.

Format: https://github.com/huggingface/safetensors#format. Every file of ours carries `__metadata__` with "format"
(for example "emohead"), "version" and "header", a JSON object of its own.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

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


def write_tensors(path: Path, kind: str, version: int, header: dict, tensors: dict[str, np.ndarray]) -> None:
    """Write a whole file or none. Raises StorageError."""
    metadata = {"format": kind, "version": str(version), "header": json.dumps(header, allow_nan=False)}
    arrays = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    with whole_file(path) as part:
        part.write_bytes(save(arrays, metadata))  # safetensors' own save_file hides what the disk said


def read_tensors(
    path: Path, kind: str, version: int, spec: dict[str, TensorSpec] | Callable[[dict], dict[str, TensorSpec]],
    limits: dict[str, int],
) -> tuple[dict, dict[str, np.ndarray]]:
    """Read a file written by `write_tensors`.

    Args:
        spec: every tensor the file may hold; or what makes it of the header, raising ValueError where that is wrong.
        limits: largest value of every named dimension in `spec`.

    Returns:
        The header and the tensors by name.

    Raises:
        FormatError: whatever is wrong, in one sentence.
    """
    path = Path(path)
    declared, metadata = _read_header(path, kind)
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
    try:
        tensors = load_file(path)
    except (ValueError, TypeError, SafetensorError, OSError) as error:
        raise FormatError(f"{path} is damaged ({error}).", "Copy or make the file again.") from None
    for name, value in tensors.items():
        _check_values(path, name, value, spec[name])
    return header, tensors


def _read_header(path: Path, kind: str) -> tuple[dict, dict]:
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
    return declared, metadata


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


def _check_values(path: Path, name: str, value: np.ndarray, want: TensorSpec) -> None:
    if value.size == 0:
        return
    low, high = float(value.min()), float(value.max())  # NaN and infinity show in either
    if not (low >= want.low and high <= want.high):
        raise FormatError(
            f"{path}: {name} holds values from {low:g} to {high:g}, outside {want.low:g} to {want.high:g}.",
            "Make the file again, or choose another.",
        )

# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes on disk: .emotake (safetensors, exact) for programs and take.json for people. See docs/formats.md."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import FormatError, InputError
from ..files import write_text
from ..protocol import EMOTION_NAMES, EXPRESSION_NAMES, exact_fps
from ..tensors import TensorSpec, read_tensors, write_tensors
from .take import Take

VERSION = 1
MAX_FRAMES = 240 * 3600 * 4
MAX_JSON_BYTES = 1_000_000_000

SPEC = {
    "expression": TensorSpec(("T", 52), 0.0, 1.0),
    "emotion_weights": TensorSpec(("T", 8), 0.0, 1.0),
    "gaze": TensorSpec(("T", 2), -1.6, 1.6),
    "head_pose": TensorSpec(("T", 6), -4.0, 4.0),
    "content": TensorSpec(("T", 64), optional=True),
    "style": TensorSpec((64,), optional=True),
    "emotion": TensorSpec(("T", 128), optional=True),
}


def save_take(take: Take, path: str | Path) -> None:
    """Write an .emotake. Raises StorageError."""
    tensors = {name: getattr(take, name).astype(np.float32) for name in SPEC if getattr(take, name) is not None}
    header = {"fps": str(take.fps), "audio": take.audio, "seed": take.seed}
    write_tensors(Path(path), "emotake", VERSION, header, tensors)


def load_take(path: str | Path) -> Take:
    """Read an .emotake. Raises FormatError."""
    header, tensors = read_tensors(Path(path), "emotake", VERSION, SPEC, {"T": MAX_FRAMES})
    try:
        fps = exact_fps(header["fps"])
        audio, seed = str(header.get("audio", ""))[:4096], int(header.get("seed", 0))
    except (KeyError, ValueError, TypeError, OverflowError) as error:
        raise FormatError(f"{path} has a damaged header ({error}).", "Make the take again.") from None
    return Take(fps=fps, audio=audio, seed=seed, **tensors)


def write_take_json(take: Take, path: str | Path) -> None:
    """Write the readable take.json: the same values, rounded to 5 decimals. Raises StorageError."""

    def rows(value: np.ndarray) -> list:
        return np.round(value.astype(np.float64), 5).tolist()

    data = {
        "format": "emosplat-take",
        "version": VERSION,
        "fps": float(take.fps),
        "fps_exact": str(Fraction(take.fps)),
        "frames": len(take),
        "audio": take.audio,
        "seed": take.seed,
        "expression_names": list(EXPRESSION_NAMES),
        "expression": rows(take.expression),
        "emotion_names": list(EMOTION_NAMES),
        "emotion_weights": rows(take.emotion_weights),
        "gaze": rows(take.gaze),
        "head_pose": rows(take.head_pose),
    }
    write_text(path, json.dumps(data, separators=(",", ":"), allow_nan=False))


def read_take_json(path: str | Path) -> Take:
    """Read a take.json. Raises FormatError, or InputError where there is no such file."""
    path = Path(path)
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise ValueError("it is too large")
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("format") != "emosplat-take" or data.get("version") != VERSION:
            raise ValueError(f"it is no emosplat-take of version {VERSION}")
        if data["expression_names"] != list(EXPRESSION_NAMES) or data["emotion_names"] != list(EMOTION_NAMES):
            raise ValueError("its names or their order are others")
        tracks = {}
        for name in ("expression", "emotion_weights", "gaze", "head_pose"):
            spec = SPEC[name]
            tracks[name] = np.array(data[name], np.float32)
            if not ((tracks[name] >= spec.low) & (tracks[name] <= spec.high)).all():
                raise ValueError(f"{name} leaves {spec.low:g} to {spec.high:g}")
        return Take(fps=exact_fps(data["fps_exact"]), audio=str(data.get("audio", ""))[:4096],
                    seed=int(data.get("seed", 0)), **tracks)
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror}).", "Choose a file that exists.") from None
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise FormatError(f"{path.name} cannot be used ({error!s:.100}).", "Make the take again.") from None

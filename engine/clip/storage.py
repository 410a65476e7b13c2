# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips on disk: .emoclip (safetensors, checked on reading). See docs/formats.md."""

from pathlib import Path

import numpy as np
import torch

from ..errors import FormatError
from ..protocol import exact_fps
from ..splats.gaussians import Gaussians
from ..tensors import TensorSpec, read_tensors, write_tensors
from .clip import Clip

SUFFIX = ".emoclip"
VERSION = 1
LIMITS = {"N": 2_000_000, "K": 128, "T": 240 * 3600 * 4, "H": 16}
LARGEST_START = 10_000_000
MOVING = ("colors", "tile_colors", "basis", "weights", "neighbours", "uncertainty", "regions")

SPEC = {
    "means": TensorSpec(("N", 3), -1e4, 1e4),
    "quats": TensorSpec(("N", 4), -1.001, 1.001),
    "scales": TensorSpec(("N", 3), 1e-9, 1e4),
    "opacities": TensorSpec(("N",), 0.0, 1.0),
    "colors": TensorSpec(("N", 3), 0.0, 100.0),
    "tile_colors": TensorSpec(("N", 3), 0.0, 1.0),
    "sh": TensorSpec(("N", "H", 3), -100.0, 100.0),
    "basis": TensorSpec(("K", "N", 3), -10.0, 10.0, dtype="F16"),
    "weights": TensorSpec(("T", "K"), -10.0, 10.0),
    "neighbours": TensorSpec(("N", 2), 0, 2_000_000, dtype="I32"),
    "uncertainty": TensorSpec(("N",), 0.0, 1e6),
    "regions": TensorSpec(("N",), 0, 255, dtype="U8"),
}


def save_clip(clip: Clip, path: str | Path) -> None:
    """Write an .emoclip, whole or not at all. Raises StorageError."""
    rest = clip.rest
    tensors = {
        "means": rest.means, "quats": torch.nn.functional.normalize(rest.quats, dim=-1),
        "scales": rest.scales.clamp(SPEC["scales"].low, SPEC["scales"].high), "opacities": rest.opacities.clamp(0, 1),
        "sh": rest.sh.clamp(-100, 100),
    }  # fmt: skip
    arrays = {name: value.detach().cpu().numpy().astype(np.float32) for name, value in tensors.items()}
    for name in MOVING:
        arrays[name] = getattr(clip, name)
    header = {"name": clip.name, "fps": str(clip.fps), "start": clip.start, "audio": clip.audio}
    header |= {"regions": list(clip.region_names), "error_mm": clip.error_mm}
    write_tensors(Path(path), SUFFIX[1:], VERSION, header, arrays)


def load_clip(path: str | Path) -> Clip:
    """Read an .emoclip.

    Raises:
        FormatError: no such file, or one that is truncated, of another version, or out of bounds in any value.
    """
    path = Path(path)
    header, arrays = read_tensors(path, SUFFIX[1:], VERSION, SPEC, LIMITS)
    try:
        fps, start, names, error = exact_fps(header["fps"]), header["start"], header["regions"], header["error_mm"]
        error = {key: float(error[key]) for key in ("p95", "max")}
        texts = {key: str(header.get(key, ""))[:4096] for key in ("name", "audio")}
    except (KeyError, ValueError, TypeError) as problem:
        raise FormatError(f"{path} has a damaged header ({problem!s:.60}).", "Bake the clip again.") from None
    count = len(arrays["means"])
    faults = {
        "it has no splats": not count,
        "it has no frames": not len(arrays["weights"]),
        "its spherical harmonics are not of degree 0 to 3": arrays["sh"].shape[1] not in (1, 4, 9, 16),
        "a neighbour is not there": bool((arrays["neighbours"] >= count).any()),
        "its quaternions are not of length 1": bool(
            (np.abs(np.linalg.norm(arrays["quats"], axis=1) - 1.0) > 1e-3).any()
        ),
        "its regions have no names": not isinstance(names, list)
        or not all(isinstance(name, str) for name in names)
        or int(arrays["regions"].max(initial=0)) >= len(names),
        "its start is not a number of frames": type(start) is not int or not 0 <= start <= LARGEST_START,
    }
    for fault, found in faults.items():
        if found:
            raise FormatError(f"{path} cannot be used: {fault}.", "Bake the clip again.")
    t = {name: torch.from_numpy(arrays[name]) for name in ("means", "quats", "scales", "opacities", "sh")}
    rest = Gaussians(t["means"], t["quats"], t["scales"], t["opacities"], t["sh"])
    moving = {name: arrays[name] for name in MOVING}
    return Clip(fps=fps, rest=rest, region_names=tuple(names), error_mm=error, start=start, **texts, **moving)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads on disk: .emohead (safetensors, checked on reading). See docs/formats.md."""

import math
from pathlib import Path

import numpy as np
import torch

from ..errors import FormatError
from ..protocol import EXPRESSION_NAMES
from ..splats.gaussians import Gaussians
from ..tensors import TensorSpec, read_tensors, write_tensors
from .head import Head
from .rig import FIXED_JOINTS, Rig

VERSION = 1
LIMITS = {"N": 2_000_000, "K": 16, "J": 64, "W": 66}

SPEC = {
    "means": TensorSpec(("N", 3), -10.0, 10.0),
    "quats": TensorSpec(("N", 4), -1.001, 1.001),
    "scales": TensorSpec(("N", 3), 1e-9, 1.0),
    "opacities": TensorSpec(("N",), 0.0, 1.0),
    "sh": TensorSpec(("N", "K", 3), -100.0, 100.0),
    "shapes": TensorSpec((len(EXPRESSION_NAMES), "N", 3), -1.0, 1.0),
    "pivots": TensorSpec(("J", 3), -10.0, 10.0),
    "rotations": TensorSpec(("J", len(EXPRESSION_NAMES), 3), -math.pi, math.pi),
    "weights": TensorSpec(("N", "W"), 0.0, 1.0),
}


def save_head(head: Head, path: str | Path) -> None:
    """Write an .emohead, whole or not at all. Raises StorageError."""
    rest, rig = head.gaussians, head.rig
    quats = torch.nn.functional.normalize(rest.quats, dim=-1)
    tensors = {"means": rest.means, "quats": quats, "scales": rest.scales, "opacities": rest.opacities, "sh": rest.sh}
    tensors |= {"shapes": rig.shapes, "pivots": rig.pivots, "rotations": rig.rotations, "weights": rig.weights}
    header = {"name": head.name, "expression_names": list(EXPRESSION_NAMES), "joints": list(rig.joints)}
    arrays = {name: value.detach().cpu().numpy().astype(np.float32) for name, value in tensors.items()}
    write_tensors(Path(path), "emohead", VERSION, {**header, "meta": head.meta}, arrays)


def load_head(path: str | Path) -> Head:
    """Read an .emohead.

    Raises:
        FormatError: no such file, or one that is truncated, of another version, or out of bounds in any value.
    """
    path = Path(path)
    header, arrays = read_tensors(path, "emohead", VERSION, SPEC, LIMITS)
    _check(path, header, arrays)
    t = {name: torch.from_numpy(value) for name, value in arrays.items()}
    gaussians = Gaussians(t["means"], t["quats"], t["scales"], t["opacities"], t["sh"])
    rig = Rig(t["shapes"], tuple(header["joints"]), t["pivots"], t["rotations"], t["weights"])
    return Head(header["name"], gaussians, rig, header["meta"])


def _check(path: Path, header: dict, arrays: dict[str, np.ndarray]) -> None:
    """What the tensors' shapes and bounds alone do not say."""
    joints, names = header.get("joints"), header.get("expression_names")
    faults = {
        "it has no Gaussians": not len(arrays["means"]),
        "its spherical harmonics are not of degree 0 to 3": arrays["sh"].shape[1] not in (1, 4, 9, 16),
        "its name is not a short text": not isinstance(header.get("name"), str) or not 0 < len(header["name"]) <= 200,
        "its meta is not an object": not isinstance(header.get("meta"), dict),
        "its expression names are not ARKit's 52": names != list(EXPRESSION_NAMES),
        "its joints are not a list of names": not isinstance(joints, list)
        or not all(isinstance(joint, str) for joint in joints)
        or len(joints) != len(arrays["pivots"]),
        "its weights do not fit its joints": arrays["weights"].shape[1] != len(FIXED_JOINTS) + len(arrays["pivots"]),
        "its skinning weights do not sum to 1": bool((np.abs(arrays["weights"].sum(axis=1) - 1.0) > 1e-3).any()),
        "its quaternions are not of length 1": bool(
            (np.abs(np.linalg.norm(arrays["quats"], axis=1) - 1.0) > 1e-3).any()
        ),
    }
    for fault, found in faults.items():
        if found:
            raise FormatError(f"{path} cannot be used: {fault}.", "Make the file again, or choose another head.")

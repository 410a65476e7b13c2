# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads on disk: .emohead (safetensors, checked on reading). See docs/formats.md."""

import math
from pathlib import Path

import numpy as np
import torch

from ..deform.deformation import PER_GAUSSIAN, Deformation
from ..deform.settings import DeformationSettings
from ..emotion.personal import PersonalEmotion, layer_shapes
from ..errors import FormatError
from ..protocol import EXPRESSION_NAMES
from ..splats.gaussians import Gaussians
from ..tensors import TensorSpec, read_shapes, read_tensors, write_tensors
from .head import Head
from .rig import FIXED_JOINTS, Rig

VERSION = 1
LIMITS = {"N": 2_000_000, "K": 16, "J": 64, "W": 66}

REST = {
    "means": TensorSpec(("N", 3), -10.0, 10.0),
    "quats": TensorSpec(("N", 4), -1.001, 1.001),
    "scales": TensorSpec(("N", 3), 1e-9, 1.0),
    "opacities": TensorSpec(("N",), 0.0, 1.0),
    "sh": TensorSpec(("N", "K", 3), -100.0, 100.0),
}
RIG = {
    "shapes": TensorSpec((len(EXPRESSION_NAMES), "N", 3), -1.0, 1.0),
    "pivots": TensorSpec(("J", 3), -10.0, 10.0),
    "rotations": TensorSpec(("J", len(EXPRESSION_NAMES), 3), -math.pi, math.pi),
    "weights": TensorSpec(("N", "W"), 0.0, 1.0),
}
# A deformation's tensors, by their names in the module; the largest may be halved.
PREFIX = "deformation."
EMOTION = "emotion."  # before the names of the emotion model's last layers, where a head has its own
HALVED = ("basis",)
RANGES = {"torso": (0.0, 1.0), "log_error": (-20.0, 5.0), "slope": (-10.0, 10.0)}
ANY = (-2e4, 2e4)  # of every other tensor


def save_head(head: Head, path: str | Path) -> None:
    """Write an .emohead, whole or not at all. Raises StorageError."""
    rest, mover = head.gaussians, head.mover
    quats = torch.nn.functional.normalize(rest.quats, dim=-1)
    tensors = {"means": rest.means, "quats": quats, "scales": rest.scales, "opacities": rest.opacities, "sh": rest.sh}
    header = {"name": head.name, "expression_names": list(EXPRESSION_NAMES), "meta": head.meta}
    if isinstance(mover, Rig):
        header["joints"] = list(mover.joints)
        tensors |= {name: getattr(mover, name) for name in RIG}
    else:
        header["deformation"] = mover.settings.to_json()
        tensors |= {PREFIX + name: value for name, value in mover.state_for_file().items()}
    if head.person is not None:
        header["emotion_model"] = head.person.model
        tensors |= {EMOTION + name: value for name, value in head.person.layers.items()}
    arrays = {name: value.detach().cpu().numpy() for name, value in tensors.items()}
    for name in HALVED:
        if PREFIX + name in arrays:
            arrays[PREFIX + name] = arrays[PREFIX + name].astype(np.float16)
    write_tensors(Path(path), "emohead", VERSION, header, arrays)


def load_head(path: str | Path) -> Head:
    """Read an .emohead.

    Raises:
        FormatError: no such file, or one that is truncated, of another version, or out of bounds in any value.
    """
    path = Path(path)
    header, arrays = read_tensors(path, "emohead", VERSION, _spec, LIMITS)
    _check(path, header, arrays)
    t = {name: torch.from_numpy(value) for name, value in arrays.items()}
    gaussians = Gaussians(*(t[name] for name in REST))
    if "deformation" in header:
        state = {name.removeprefix(PREFIX): value for name, value in t.items() if name.startswith(PREFIX)}
        state |= {name: state[name].float() for name in HALVED}
        mover = Deformation.from_state(DeformationSettings.from_json(header["deformation"]), state)
    else:
        mover = Rig(t["shapes"], tuple(header["joints"]), t["pivots"], t["rotations"], t["weights"])
    person = None
    if "emotion_model" in header:
        person = PersonalEmotion(header["emotion_model"], {name: t[EMOTION + name] for name in layer_shapes()})
    return Head(header["name"], gaussians, mover, header["meta"], person)


def glance(path: str | Path) -> tuple[dict, int]:
    """The meta of an .emohead and how many Gaussians it has, for lists: no value is read, so a file may still turn out
    to be unusable. Raises FormatError."""
    header, shapes = read_shapes(Path(path), "emohead", VERSION, _spec, LIMITS)
    _refuse(Path(path), _header_faults(header))
    return header["meta"], shapes["means"][0]


def _spec(header: dict) -> dict[str, TensorSpec]:
    """What the file must hold, by its header. Raises ValueError for a deformation that cannot be."""
    own = {EMOTION + name: TensorSpec(shape, -1e4, 1e4) for name, shape in layer_shapes().items()}
    own = own if "emotion_model" in header else {}
    if "deformation" not in header:
        return REST | RIG | own
    settings = DeformationSettings.from_json(header["deformation"])
    state = Deformation.unlearned(settings, 1).state_dict()
    ranges = RANGES | {"field.index": (-1.0, settings.nodes + settings.mouth_nodes - 1.0)}
    spec = REST | own
    for name, value in state.items():
        shape = ("N", *value.shape[1:]) if name in PER_GAUSSIAN else tuple(value.shape)
        dtype = "F16" if name in HALVED else "I32" if value.dtype == torch.int32 else "F32"
        spec[PREFIX + name] = TensorSpec(shape, *ranges.get(name, ANY), dtype=dtype)
    return spec


def _check(path: Path, header: dict, arrays: dict[str, np.ndarray]) -> None:
    """What the tensors' shapes and bounds alone do not say."""
    lengths = np.linalg.norm(arrays["quats"], axis=1)
    faults = _header_faults(header) | {
        "it has no Gaussians": not len(arrays["means"]),
        "its spherical harmonics are not of degree 0 to 3": arrays["sh"].shape[1] not in (1, 4, 9, 16),
        "its quaternions are not of length 1": bool((np.abs(lengths - 1.0) > 1e-3).any()),
    }
    if "deformation" not in header:
        faults |= _rig_faults(header.get("joints"), arrays)
    _refuse(path, faults)


def _header_faults(header: dict) -> dict[str, bool]:
    return {
        "its name is not a short text": not isinstance(header.get("name"), str) or not 0 < len(header["name"]) <= 200,
        "its meta is not an object": not isinstance(header.get("meta"), dict),
        "its emotion model is not a short text": not isinstance(header.get("emotion_model", ""), str)
        or len(header.get("emotion_model", "")) > 200,
        "its expression names are not ARKit's 52": header.get("expression_names") != list(EXPRESSION_NAMES),
    }


def _refuse(path: Path, faults: dict[str, bool]) -> None:
    for fault, found in faults.items():
        if found:
            raise FormatError(f"{path} cannot be used: {fault}.", "Make the file again, or choose another head.")


def _rig_faults(joints: object, arrays: dict[str, np.ndarray]) -> dict[str, bool]:
    weights, pivots = arrays["weights"], arrays["pivots"]
    return {
        "its joints are not a list of names": not isinstance(joints, list)
        or not all(isinstance(joint, str) for joint in joints)
        or len(joints) != len(pivots),
        "its weights do not fit its joints": weights.shape[1] != len(FIXED_JOINTS) + len(pivots),
        "its skinning weights do not sum to 1": bool((np.abs(weights.sum(axis=1) - 1.0) > 1e-3).any()),
    }

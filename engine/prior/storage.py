# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained networks on disk: checked safetensors, weights in half precision, the rest in single."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..tensors import TensorSpec, read_tensors, write_tensors

VERSION = 1


def save_network(network: nn.Module, kind: str, header: dict, path: Path) -> None:
    """Write a network's tensors. Raises StorageError."""
    tensors = {name: value.to(_dtype(value)).numpy() for name, value in _tensors(network).items()}
    write_tensors(path, kind, VERSION, header, tensors)


def load_network(network: nn.Module, kind: str, path: Path) -> dict:
    """Fill a network of the file's very sizes, ready for use, and return the file's header. Raises FormatError."""
    return read_network(lambda _header: network, kind, path)[1]


def read_network(make: Callable[[dict], nn.Module], kind: str, path: Path) -> tuple[nn.Module, dict]:
    """The network of a file, ready for use, and the file's header.

    Args:
        make: a network of the sizes that a header says; ValueError where it says none.

    Raises:
        FormatError: whatever is wrong with the file.
    """
    made: list[nn.Module] = []

    def spec(header: dict) -> dict[str, TensorSpec]:
        made.append(make(header))
        return {
            name: TensorSpec(tuple(value.shape), -1e4, 1e4, "F16" if _dtype(value) == torch.float16 else "F32")
            for name, value in _tensors(made[0]).items()
        }

    header, tensors = read_tensors(path, kind, VERSION, spec, {})
    state = {name: torch.from_numpy(value.astype(np.float32)) for name, value in tensors.items()}
    made[0].load_state_dict(state, strict=False)
    return made[0].eval().requires_grad_(False), header


def digest(network: nn.Module) -> str:
    """What tells one set of weights from another, as they are stored: in half precision. Zero has no sign here."""
    found = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        found.update(name.encode() + (value.detach().half() + 0.0).numpy().tobytes())
    return found.hexdigest()


def _tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    state = network.state_dict()
    return {name: value.detach().cpu() for name, value in state.items() if not name.endswith("num_batches_tracked")}


def _dtype(value: torch.Tensor) -> torch.dtype:
    return torch.float16 if value.ndim >= 2 else torch.float32

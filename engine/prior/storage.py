# SPDX-License-Identifier: GPL-3.0-or-later
"""Trained networks of Prior Extraction on disk: checked safetensors, weights in half precision, the rest in single."""

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
    spec = {
        name: TensorSpec(tuple(value.shape), -1e4, 1e4, "F16" if _dtype(value) == torch.float16 else "F32")
        for name, value in _tensors(network).items()
    }
    header, tensors = read_tensors(path, kind, VERSION, spec, {})
    state = {name: torch.from_numpy(value.astype(np.float32)) for name, value in tensors.items()}
    network.load_state_dict(state, strict=False)
    network.eval().requires_grad_(False)
    return header


def _tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    state = network.state_dict()
    return {name: value.detach().cpu() for name, value in state.items() if not name.endswith("num_batches_tracked")}


def _dtype(value: torch.Tensor) -> torch.dtype:
    return torch.float16 if value.ndim >= 2 else torch.float32

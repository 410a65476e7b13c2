# SPDX-License-Identifier: GPL-3.0-or-later
"""A fit's whole state on disk, once a minute: what is learned, Adam's memory, poses, and how far it came."""

from pathlib import Path

import numpy as np
import torch

from ..deform.deformation import PER_GAUSSIAN
from ..errors import FormatError
from ..tensors import TensorSpec, read_tensors, write_tensors
from .trainer import Trainer

KIND, VERSION = "emosplat-fit", 1
FILE = "checkpoint.safetensors"
LIMITS = {"N": 2_000_000}
MOMENTS = ("exp_avg", "exp_avg_sq")


def save_checkpoint(folder: Path, trainer: Trainer, header: dict) -> None:
    """Write `header`, JSON, and the trainer's state. Raises StorageError."""
    arrays = {name: value.numpy() for name, value in _state(trainer).items()}
    write_tensors(folder / FILE, KIND, VERSION, header, arrays)


def load_checkpoint(folder: Path, trainer: Trainer) -> dict | None:
    """Give the trainer the state that was saved and return the header; None where there is none that can be used."""
    path = folder / FILE
    if not path.exists():
        return None
    spec = {}
    for name, value in _state(trainer).items():
        shape = tuple(value.shape)
        dtype = {torch.float32: "F32", torch.int32: "I32"}[value.dtype]
        spec[name] = TensorSpec(("N", *shape[1:]) if _is_per_point(name) else shape, -1e9, 1e9, dtype)
    try:
        header, arrays = read_tensors(path, KIND, VERSION, spec, LIMITS)
    except FormatError:  # cut off by a crash of the machine, or of other settings: begin anew
        return None
    _restore(trainer, {name: torch.from_numpy(value) for name, value in arrays.items()})
    return header


def _is_per_point(name: str) -> bool:
    """Whether a tensor of `_state` has a row for every Gaussian."""
    for moment in MOMENTS:
        name = name.removeprefix(f"{moment}.")
    return name == "strategy.pull" or name.startswith("points.") or name.removeprefix("deformation.") in PER_GAUSSIAN


def _named(trainer: Trainer) -> dict[str, torch.nn.Parameter]:
    return {f"points.{name}": value for name, value in trainer.points.named_parameters()} | {
        f"deformation.{name}": value for name, value in trainer.deformation.named_parameters()
    }


def _state(trainer: Trainer) -> dict[str, torch.Tensor]:
    """Every tensor by name, on the CPU. A parameter that no step touched yet has zeros for Adam's memory, which is what
    Adam begins with."""
    state = {}
    for name, parameter in _named(trainer).items():
        state[name] = parameter.detach().cpu()
        memory = trainer.optimizer.state.get(parameter, {})
        for moment in MOMENTS:
            state[f"{moment}.{name}"] = memory[moment].cpu() if memory else torch.zeros_like(state[name])
        state[f"step.{name}"] = memory["step"].cpu().view(1) if memory else torch.zeros(1)
    state |= {f"deformation.{name}": value.detach().cpu() for name, value in trainer.deformation.named_buffers()}
    state |= {f"poses.{name}": torch.from_numpy(value) for name, value in trainer.poses.state().items()}
    strategy = trainer.strategy
    return state | {"strategy.pull": strategy.pull, "strategy.steps": torch.tensor([float(strategy.steps)])}


def _restore(trainer: Trainer, state: dict[str, torch.Tensor]) -> None:
    device = trainer.device
    for name, parameter in _named(trainer).items():
        parameter.data = state[name].to(device)
        memory = {moment: state[f"{moment}.{name}"].to(device) for moment in MOMENTS}
        trainer.optimizer.state[parameter] = {"step": state[f"step.{name}"].view(()), **memory}
    owners = dict(trainer.deformation.named_modules())
    for name in dict(trainer.deformation.named_buffers()):
        owner, _, own = name.rpartition(".")
        setattr(owners[owner], own, state[f"deformation.{name}"].to(device))
    trainer.poses.restore({name: state[f"poses.{name}"].numpy() for name in trainer.poses.state()})
    trainer.strategy.pull = state["strategy.pull"]
    trainer.strategy.steps = int(state["strategy.steps"][0])

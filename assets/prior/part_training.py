# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scripts share that train one part of a trained network and leave the rest as it is."""

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor, nn


def part_options(description: str, steps: int, seed: int) -> argparse.Namespace:
    """The command line: --data, --models, --out, --steps, --seed. Seeds torch, which gets one thread."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--seed", type=int, default=seed)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    return options


def train_part(
    loss_of_step: Callable[[], Tensor], learned: Iterable[nn.Parameter], steps: int, rate: float, decay: float,
    rise: float,
) -> None:
    """AdamW with one cycle of the rate, whose rise takes a share of the steps. Prints the mean loss now and then."""
    optimiser = torch.optim.AdamW(learned, rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, steps, pct_start=rise)
    total = 0.0
    for step in range(1, steps + 1):
        loss = loss_of_step()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        total += float(loss.detach())
        if step % 50 == 0:
            print(f"{step} loss {total / 50:.4f}", flush=True)
            total = 0.0

# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the detector of labiodentals of a trained network, and nothing else.

    python assets/prior/train_teeth.py --data DIR --models FILE.pt ... --out FILE.pt [--steps 900] [--seed 0]

--models are train.py's; of several it takes the mean, as export.py does, which makes a safetensors of what comes out.
"""

import argparse
import sys
from pathlib import Path

import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior.data import Crops  # noqa: E402
from assets.prior.export import mean_network  # noqa: E402
from engine.prior.extract import LABIODENTAL  # noqa: E402

SECONDS, BATCH = 4, 16
LEARNING_RATE, WEIGHT_DECAY = 2e-3, 0.1
POSITIVES = 4.0  # times as heavy as the other frames, which are twenty times as many
SHARES = {"emodb": 0.60, "kokoro": 0.20, "espeak": 0.06, "festival": 0.04, "flite": 0.04, "noise": 0.06}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=900)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    network, steps = mean_network(options.models)
    network.eval().requires_grad_(False)
    detector = network.labiodental_detector.train().requires_grad_(True)
    optimiser = torch.optim.AdamW(detector.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, options.steps)
    crops, total = Crops(options.data, SECONDS * 50, options.seed, SHARES), 0.0
    for step in range(1, options.steps + 1):
        rows, targets, _ = crops.batch(BATCH)
        loss = F.binary_cross_entropy_with_logits(
            network.labiodental(rows), targets[..., LABIODENTAL], pos_weight=torch.tensor(POSITIVES)
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        total += float(loss.detach())
        if step % 50 == 0:
            print(f"{step} loss {total / 50:.4f}", flush=True)
            total = 0.0
    torch.save({"average": network.state_dict(), "step": steps + options.steps}, options.out)


if __name__ == "__main__":
    main()

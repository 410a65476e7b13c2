# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the ears of a trained network, which hear visemes and labiodentals in a few frames, and nothing else.

    python assets/prior/train_ears.py --data DIR --models FILE.pt ... --out FILE.pt [--steps 1200] [--seed 0]

--models are train.py's; of several it takes the mean, as export.py does, which makes a safetensors of what comes out.
"""

import sys
from pathlib import Path

import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior.data import Crops  # noqa: E402
from assets.prior.export import mean_network  # noqa: E402
from assets.prior.part_training import part_options, train_part  # noqa: E402
from engine.prior.extract import LABIODENTAL  # noqa: E402
from engine.prior.network import PriorNetwork  # noqa: E402

SECONDS, BATCH = 2, 24
LEARNING_RATE, WEIGHT_DECAY, RISE = 2e-3, 0.1, 0.3
POSITIVES = 4.0  # times as heavy as the other frames, which are twenty times as many
SHARES = {"emodb": 0.60, "kokoro": 0.20, "espeak": 0.06, "festival": 0.04, "flite": 0.04, "noise": 0.06}


def ears_loss(network: PriorNetwork, crops) -> torch.Tensor:
    """Of Crops.batch."""
    rows, targets, visemes = crops
    teeth = F.binary_cross_entropy_with_logits(
        network.labiodental(rows), targets[..., LABIODENTAL], pos_weight=torch.tensor(POSITIVES)
    )
    return teeth + F.cross_entropy(network.hear_visemes(rows), visemes, label_smoothing=0.05)


def main() -> None:
    options = part_options(__doc__, steps=1200, seed=0)
    network, steps = mean_network(options.models)
    network.eval().requires_grad_(False)
    learned = []
    for ear in (network.labiodental_ear, network.viseme_ear):
        learned += ear.train().requires_grad_(True).parameters()
    crops = Crops(options.data, SECONDS * 50, options.seed, SHARES)
    train_part(
        lambda: ears_loss(network, crops.batch(BATCH)), learned, options.steps, LEARNING_RATE, WEIGHT_DECAY, RISE
    )
    torch.save({"average": network.state_dict(), "step": steps + options.steps}, options.out)


if __name__ == "__main__":
    main()

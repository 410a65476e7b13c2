# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the style of a trained network on, and nothing else: mostly on real voices, of which there are few.

    python assets/prior/train_style.py --data DIR --models FILE.pt ... --out FILE.pt [--steps 1100] [--seed 3]

--models are train.py's; of several it takes the mean, as export.py does, which makes a safetensors of what comes out.
What style does to the mouth is learned along with it, so that the mouth stays as it was.
"""

import sys
from pathlib import Path

import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior.data import MOST_SPEAKERS, Crops  # noqa: E402
from assets.prior.export import mean_network  # noqa: E402
from assets.prior.part_training import part_options, train_part  # noqa: E402
from assets.prior.train import WEIGHTS, Losses  # noqa: E402
from engine.prior.network import PriorNetwork  # noqa: E402

SECONDS, BATCH, VOICES = 2, 8, 48
LEARNING_RATE, WEIGHT_DECAY, RISE, DROPOUT = 6e-3, 0.03, 0.15, 0.4
SHARES = {"emodb": 0.70, "kokoro": 0.12, "espeak": 0.08, "festival": 0.04, "flite": 0.03, "noise": 0.03}


def style_loss(network: PriorNetwork, losses: Losses, crops, voices) -> torch.Tensor:
    """Of Crops.batch and Crops.voices: the mouth as it is taught, and whose voice it is."""
    rows, targets, _ = crops
    with torch.no_grad():
        content = network.content(rows)
        likely = network.to_visemes(content).softmax(1)
    style = network.style(network.style_sums(rows).sum(2))
    said = torch.sigmoid(network.articulators(content, style, likely).transpose(1, 2))
    square = ((said - targets).square() * WEIGHTS).sum(-1).mean()
    rows, speakers = voices
    whose = losses.speaker(network.style(network.style_sums(rows).sum(2)))
    return square + 0.5 * F.cross_entropy(whose, speakers, label_smoothing=0.05)


def main() -> None:
    options = part_options(__doc__, steps=1100, seed=3)
    network, steps = mean_network(options.models)
    losses = Losses(MOST_SPEAKERS)
    losses.load_state_dict(torch.load(options.models[-1], weights_only=True)["losses"])
    network.eval().requires_grad_(False)
    network.style_encoder.train().requires_grad_(True).project[0].p = DROPOUT
    network.to_manner.requires_grad_(True)
    learned = [*network.style_encoder.parameters(), *network.to_manner.parameters(), *losses.speaker.parameters()]
    crops = Crops(options.data, SECONDS * 50, options.seed, SHARES)
    train_part(
        lambda: style_loss(network, losses, crops.batch(BATCH), crops.voices(VOICES)), learned, options.steps,
        LEARNING_RATE, WEIGHT_DECAY, RISE,
    )
    state = {"average": network.state_dict(), "losses": losses.state_dict(), "step": steps + options.steps}
    torch.save(state, options.out)


if __name__ == "__main__":
    main()

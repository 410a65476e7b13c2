# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the style of a trained network on, and nothing else: mostly on real voices, of which there are few.

    python assets/prior/train_style.py --data DIR --models FILE.pt ... --out FILE.pt [--steps 1100] [--seed 3]

--models are train.py's; of several it takes the mean, as export.py does, which makes a safetensors of what comes out.
What style does to the mouth is learned along with it, so that the mouth stays as it was.
"""

import argparse
import sys
from pathlib import Path

import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior.data import MOST_SPEAKERS, Crops  # noqa: E402
from assets.prior.export import mean_network  # noqa: E402
from assets.prior.train import WEIGHTS, Losses  # noqa: E402
from engine.prior.network import PriorNetwork  # noqa: E402

SECONDS, BATCH, VOICES = 2, 8, 48
LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 6e-3, 0.03, 0.4
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1100)
    parser.add_argument("--seed", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    network, steps = mean_network(options.models)
    losses = Losses(MOST_SPEAKERS)
    losses.load_state_dict(torch.load(options.models[-1], weights_only=True)["losses"])
    network.eval().requires_grad_(False)
    network.style_encoder.train().requires_grad_(True).project[0].p = DROPOUT
    network.to_manner.requires_grad_(True)
    learned = [*network.style_encoder.parameters(), *network.to_manner.parameters(), *losses.speaker.parameters()]
    optimiser = torch.optim.AdamW(learned, LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, options.steps, pct_start=0.15)
    crops, total = Crops(options.data, SECONDS * 50, options.seed, SHARES), 0.0
    for step in range(1, options.steps + 1):
        loss = style_loss(network, losses, crops.batch(BATCH), crops.voices(VOICES))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        total += float(loss.detach())
        if step % 50 == 0:
            print(f"{step} loss {total / 50:.4f}", flush=True)
            total = 0.0
    state = {"average": network.state_dict(), "losses": losses.state_dict(), "step": steps + options.steps}
    torch.save(state, options.out)


if __name__ == "__main__":
    main()

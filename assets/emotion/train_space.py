# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the emotion space, the teacher, from FACS prototypes: prototypes, decoder, encoder, valence and arousal.

    python assets/emotion/train_space.py --out FILE.pt [--steps 4000] [--seed 0]

A quarter of the mixes is one emotion at any strength, the others are two to four. About a minute on one core.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.emotion.classes import CLASSES, VALENCE_AROUSAL  # noqa: E402
from engine.emotion.facs import mixed  # noqa: E402
from engine.emotion.space import EmotionSpace  # noqa: E402
from engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES  # noqa: E402

BATCH = 256
RATE = 2e-3
# Boredom has no place among the eight sliders; this is what its voice shows: heavy lids, corners a little down.
BORED = {"eyeBlinkLeft": 0.2, "eyeBlinkRight": 0.2, "mouthFrownLeft": 0.15, "mouthFrownRight": 0.15}


def random_mixes(count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, C) intensities in [0, 1] of CLASSES, few of them at once."""
    weights = rng.uniform(0.0, 1.0, (count, len(CLASSES))) ** rng.choice([0.5, 1.0, 2.0], (count, 1))
    kept = rng.choice([1, 2, 3, 4], count, p=[0.4, 0.3, 0.2, 0.1])
    order = rng.permuted(np.tile(np.arange(len(CLASSES)), (count, 1)), axis=1)
    weights[order >= kept[:, None]] = 0.0
    return weights.astype(np.float32)


def faces(weights: np.ndarray) -> np.ndarray:
    """(T, 52) what intensities (T, C) look like: FACS, and boredom on top where it is."""
    shapes = mixed(weights[:, : len(EMOTION_NAMES)].astype(np.float64))
    bored = weights[:, CLASSES.index("boredom")]
    for name, amount in BORED.items():
        column = EXPRESSION_NAMES.index(name)
        shapes[:, column] = 1.0 - (1.0 - shapes[:, column]) * (1.0 - amount * bored)
    return shapes.astype(np.float32)


def train(steps: int, seed: int) -> EmotionSpace:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    space = EmotionSpace()
    affect = torch.tensor([VALENCE_AROUSAL[name] for name in CLASSES])
    strength = torch.linalg.vector_norm(space.prototypes.detach(), dim=1)
    optimiser = torch.optim.AdamW(space.parameters(), RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps)
    for step in range(steps):
        weights = random_mixes(BATCH, rng)
        face = torch.from_numpy(faces(weights))
        weights = torch.from_numpy(weights)
        points = space.points(weights)
        shown = (space.decode(points) - face).square().sum(1).mean()
        # What a face shows says nothing of neutral, which has none, so the way back ends where the face is the same.
        found = space.encoder(face)
        back = (space.decode(found) - face).square().sum(1).mean() + 0.002 * (found - points).square().sum(1).mean()
        felt = (space.valence_arousal(points) - weights @ affect).square().sum(1).mean()
        length = (torch.linalg.vector_norm(space.prototypes, dim=1) - strength).square().mean()
        loss = shown + 0.3 * back + 0.2 * felt + 0.1 * length
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if (step + 1) % 500 == 0:
            print(f"{step + 1} shown {shown:.5f} back {back:.5f} felt {felt:.5f}", flush=True)
    return space.eval().requires_grad_(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    space = train(options.steps, options.seed)
    worst = np.abs(space.expression(space.of_weights(np.eye(8, dtype=np.float32))) - mixed(np.eye(8))).max(1)
    print("largest error of each pure emotion: " + ", ".join(f"{n} {e:.3f}" for n, e in zip(EMOTION_NAMES, worst)))
    part = options.out.with_suffix(".part")
    torch.save(space.state_dict(), part)
    part.replace(options.out)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts the voice from content: the last step of Prior Extraction's recipe, on the file that ships.

    python assets/prior/part_voice.py --emodb DIR [--model engine/data/prior.safetensors]

A frame of content does not tell who speaks, but its mean over an utterance does. Ridge regression finds what style says
of that mean, in EmoDB's training utterances (neither test speaker nor test sentence); `extract` takes it away.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior.emodb import load_emodb, split  # noqa: E402
from assets.prior.evaluate import Heard  # noqa: E402
from engine.prior.extract import KIND, SHIPPED  # noqa: E402
from engine.prior.network import PriorNetwork  # noqa: E402
from engine.prior.storage import load_network, save_network  # noqa: E402

RIDGE = 0.3  # beside the styles' covariance, whose diagonal is about 0.4


def fit_ridge(x: np.ndarray, y: np.ndarray, ridge: float = RIDGE) -> tuple[np.ndarray, np.ndarray]:
    """(D, C) and (C,): the affine map of (N, C) to (N, D), as nn.Linear holds it."""
    middle, mean = x.mean(0), y.mean(0)
    x = x - middle
    weight = np.linalg.solve(x.T @ x / len(x) + ridge * np.eye(x.shape[1]), x.T @ (y - mean) / len(x)).T
    return weight, -weight @ middle


def part(network: PriorNetwork, spoken: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Teach the network what is voice in content, by (content (N, 64), style (64,)) of utterances heard with it."""
    weight, bias = fit_ridge(np.stack([style for _, style in spoken]), np.stack([c.mean(0) for c, _ in spoken]))
    network.voice_weight.copy_(torch.from_numpy(weight))
    network.voice_bias.copy_(torch.from_numpy(bias))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emodb", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = PriorNetwork()
    header = load_network(network, KIND, options.model)
    network.voice_weight.zero_()
    network.voice_bias.zero_()
    heard = [Heard(clip.audio, network).spoken for clip in split(load_emodb(options.emodb))[0]]
    spoken = [(said.content, said.style) for said in heard]
    part(network, spoken)
    save_network(network, KIND, header, options.model)
    offsets = [network.voice(torch.from_numpy(style)[None])[0].norm() for _, style in spoken]
    frames = np.concatenate([content for content, _ in spoken])
    print(f"{len(spoken)} utterances; taken away {np.mean(offsets):.2f} of {np.linalg.norm(frames.std(0)):.2f}")


if __name__ == "__main__":
    main()

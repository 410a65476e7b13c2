# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes engine/data/prior.safetensors of what train.py wrote.

    python assets/prior/export.py --models FILE.pt ... [--out engine/data/prior.safetensors]

Of several runs, each begun with another's weights, it takes the mean (Wortsman et al. 2022, Model soups).
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.prior.extract import KIND, SHIPPED  # noqa: E402
from engine.prior.network import PriorNetwork  # noqa: E402
from engine.prior.storage import save_network  # noqa: E402


def mean_network(models: list[Path]) -> tuple[PriorNetwork, int]:
    """The mean of several runs of train.py, and their steps."""
    runs = [torch.load(path, weights_only=True) for path in models]
    weights = [run["average"] for run in runs]
    network = PriorNetwork()
    network.load_state_dict({
        # The encoder is not trained, and stays the same to the bit: others hear with it, too, and look at its digest.
        name: value if name.startswith("encoder.") else sum(each[name] for each in weights) / len(runs)
        for name, value in weights[0].items()
    })
    return network, sum(run["step"] for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args()
    network, steps = mean_network(options.models)
    save_network(network, KIND, {"steps": steps}, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB, {steps} steps")


if __name__ == "__main__":
    main()

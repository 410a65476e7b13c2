# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes engine/data/prior.safetensors of what train.py wrote.

    python assets/prior/export.py --model FILE.pt [--out engine/data/prior.safetensors]
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.prior.extract import KIND, SHIPPED  # noqa: E402
from engine.prior.network import PriorNetwork  # noqa: E402
from engine.prior.storage import save_network  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args()
    state = torch.load(options.model, weights_only=True)
    network = PriorNetwork()
    network.load_state_dict(state["network"])
    save_network(network, KIND, {"steps": state["step"]}, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB, {state['step']} steps")


if __name__ == "__main__":
    main()

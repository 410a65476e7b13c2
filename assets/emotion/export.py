# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes engine/data/emotion.safetensors of what train.py wrote.

    python assets/emotion/export.py --model FILE.pt [--prior engine/data/prior.safetensors]
        [--out engine/data/emotion.safetensors]
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.emotion.model import SHIPPED, EmotionModel, save_model  # noqa: E402
from engine.prior.extract import SHIPPED as SHIPPED_PRIOR  # noqa: E402
from engine.prior.extract import shipped_network  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--prior", type=Path, default=SHIPPED_PRIOR, help="whose encoder heard the data")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    options = parser.parse_args()
    state = torch.load(options.model, weights_only=True)
    model = EmotionModel(members=len(state["students"]))
    model.space.load_state_dict(state["space"])
    for student, values in zip(model.students, state["students"]):
        student.load_state_dict(values)
    save_model(model, shipped_network(options.prior).encoder, {"corpus": "EmoDB"}, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.2f} MB, {len(model.students)} students")


if __name__ == "__main__":
    main()

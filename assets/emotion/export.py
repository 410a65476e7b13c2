# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an emotion model's file of what train.py wrote: the one that ships, or one that listens to a pipeline.

    python assets/emotion/export.py --model FILE.pt [--out engine/data/emotion.safetensors]

What listens to a pipeline is used with `--emotion-model` or by the add-on's preference of that name.
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.emotion.model import SHIPPED, EmotionModel, save_model  # noqa: E402
from engine.emotion.network import StudentSettings  # noqa: E402
from engine.emotion.waveform import WaveformSource  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="(the file that ships, unless a pipeline was heard)")
    options = parser.parse_args()
    state = torch.load(options.model, weights_only=True)
    source = WaveformSource.of_header(state["source"])
    if source.pipeline and options.out is None:
        parser.error(f"a model that listens to {source.pipeline} does not ship: say --out")
    model = EmotionModel(StudentSettings(waveform=source.width), len(state["students"]))
    model.space.load_state_dict(state["space"])
    for student, values in zip(model.students, state["students"]):
        student.load_state_dict(values)
    out = options.out or SHIPPED
    save_model(model, source, {"corpus": "EmoDB"}, out)
    print(f"{out}: {out.stat().st_size / 1e6:.2f} MB, {len(model.students)} students")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the emotion model's students on what prepare.py wrote, with the space of train_space.py as their teacher.

    python assets/emotion/train.py --data DIR --space FILE.pt --out FILE.pt [--members 3] [--seed 0]
        [--leave SPEAKER ...]

A student takes about half a minute of one core. A broken-off run goes on with the next student; export.py makes the
safetensors that ship.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.emotion.learn import Windows, learn  # noqa: E402
from engine.emotion.model import MEMBERS  # noqa: E402
from engine.emotion.space import EmotionSpace  # noqa: E402


def load_space(path: Path) -> EmotionSpace:
    space = EmotionSpace()
    space.load_state_dict(torch.load(path, weights_only=True))
    return space.eval().requires_grad_(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--space", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--leave", type=int, nargs="*", default=[], help="speakers to leave out")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    windows, space = Windows.load(options.data), load_space(options.space)
    keep = ~np.isin(windows.speakers, options.leave)
    state = torch.load(options.out, weights_only=True) if options.out.is_file() else {"students": []}
    state["space"] = space.state_dict()
    while len(state["students"]) < options.members:
        student = learn(windows, keep, space, options.seed + len(state["students"]))
        state["students"].append(student.state_dict())
        part = options.out.with_suffix(".part")
        torch.save(state, part)
        part.replace(options.out)
        print(f"{len(state['students'])} of {options.members} students", flush=True)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains the emotion model's students on what prepare.py wrote, with a space as their teacher.

    python assets/emotion/train.py --data DIR --out FILE.pt [--space FILE.pt] [--members 3] [--seed 0]
        [--leave SPEAKER ...]

The space is the one that ships unless --space names what train_space.py wrote, for a new one to ship. A student takes
about half a minute of one core. A broken-off run goes on with the next student; export.py makes the safetensors.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.emotion.learn import Windows, learn  # noqa: E402
from engine.emotion.model import MEMBERS, shipped_model  # noqa: E402
from engine.emotion.space import EmotionSpace  # noqa: E402


def load_space(path: Path | None) -> EmotionSpace:
    """What train_space.py wrote, or the one that ships."""
    if path is None:
        return shipped_model()[0].space
    space = EmotionSpace()
    space.load_state_dict(torch.load(path, weights_only=True))
    return space.eval().requires_grad_(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--space", type=Path, help="of train_space.py (the one that ships)")
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--leave", type=int, nargs="*", default=[], help="speakers to leave out")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    windows, space = Windows.load(options.data), load_space(options.space)
    keep = ~np.isin(windows.speakers, options.leave)
    state = torch.load(options.out, weights_only=True) if options.out.is_file() else {"students": []}
    source = windows.source.to_header()
    if state.setdefault("source", source) != source:
        parser.error(f"{options.out} was begun with what another encoder heard; choose another name")
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

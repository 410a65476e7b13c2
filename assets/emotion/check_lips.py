# SPDX-License-Identifier: GPL-3.0-or-later
"""Do lips still meet on b, m and p, and do smile and sadness survive open vowels, under every emotion at full strength?

    python assets/emotion/check_lips.py --emodb DIR [--utterances 25]

EmoDB's hand-made phones of the speakers and sentences that Prior Extraction never heard, through `perform`: the whole
way that a take is made. Lips have met where their gap on ICT FaceKit is within a tenth of the utterance's usual wide
opening without emotion (assets/prior/measures.py). Exits with 1 where less than LEAST of them meet.
"""

import argparse
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior.alphabets import named  # noqa: E402
from assets.prior.emodb import load_emodb, split  # noqa: E402
from assets.prior.measures import CLOSED_SHARE, contacts  # noqa: E402
from engine.perform import perform  # noqa: E402
from engine.prior.lips import gap_of_faces  # noqa: E402
from engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES, Controls  # noqa: E402
from engine.report import Report  # noqa: E402

FPS = Fraction(50)
LEAST = 0.90
SURVIVES = {"happy": "mouthSmileLeft", "sad": "mouthFrownLeft"}
OPEN_JAW = 0.25


def take_of(path: Path, emotion: str):
    still = [0.0]
    controls = Controls(emotion={emotion: [1.0]}, blink=still, gaze=still, head_motion=still, micro_motion=still)
    return perform(path, fps=FPS, controls=controls, seed=0, report=Report())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emodb", type=Path, required=True)
    parser.add_argument("--utterances", type=int, default=25)
    options = parser.parse_args()
    torch.set_num_threads(1)
    met: dict[str, list[bool]] = {emotion: [] for emotion in EMOTION_NAMES}
    kept: dict[str, list[float]] = {emotion: [] for emotion in SURVIVES}
    for clip in split(load_emodb(options.emodb))[1][: options.utterances]:
        path = options.emodb / "audio" / f"{clip.tags['file']}.flac"
        phones = named(clip.phones, clip.alphabet, clip.speaker)
        usual = 0.0
        for emotion in EMOTION_NAMES:  # neutral first
            expression = take_of(path, emotion).expression
            gap = gap_of_faces(expression)
            usual = usual or max(np.percentile(gap, 95.0), 1.0)
            met[emotion] += contacts(phones, ("p", "m"), gap <= CLOSED_SHARE * usual, float(FPS))
            if emotion in SURVIVES:
                wide = expression[:, EXPRESSION_NAMES.index("jawOpen")] > OPEN_JAW
                kept[emotion] += expression[wide, EXPRESSION_NAMES.index(SURVIVES[emotion])].tolist()
    shares = {emotion: float(np.mean(found)) for emotion, found in met.items()}
    print(f"{len(met['neutral'])} bilabials met: " + ", ".join(f"{name} {share:.3f}" for name, share in shares.items()))
    for emotion, values in kept.items():
        print(f"{SURVIVES[emotion]} while the jaw is open: least {min(values):.2f}, mean {np.mean(values):.2f}")
    if min(shares.values()) < LEAST:
        sys.exit(1)


if __name__ == "__main__":
    main()

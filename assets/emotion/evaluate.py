# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the table of what Emotion Distillation reaches, as docs/benchmarks.md has it.

    python assets/emotion/evaluate.py --data DIR --cache DIR [--space FILE.pt] [--members 3] [--json]
        [--speech DIR [--emotion-model FILE]]

Every figure on EmoDB is of students that were trained without its speaker, with the same settings and seeds in every
fold; folds that are done lie in --cache. --speech holds the acted English lines, for the model that ships or a file.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.emotion import measures  # noqa: E402
from assets.emotion.learn import Windows, learn  # noqa: E402
from assets.emotion.train import load_space  # noqa: E402
from engine.audio.read import RATE, read_mono  # noqa: E402
from engine.emotion.classes import CLASSES  # noqa: E402
from engine.emotion.listen import Listener, as_dict, feel  # noqa: E402
from engine.emotion.model import MEMBERS, EmotionModel  # noqa: E402
from engine.emotion.network import StudentSettings  # noqa: E402
from engine.emotion.recogniser import open_recogniser  # noqa: E402
from engine.emotion.space import EmotionSpace  # noqa: E402
from engine.prior.extract import shipped_network  # noqa: E402
from engine.prior.frontends import EncoderFrontEnd  # noqa: E402
from engine.report import Report  # noqa: E402

MEN = (3, 10, 11, 12, 15)
LINES = {
    "anger": ("Claire_anger.wav", "angry"), "joy": ("Mark_joy.wav", "happy"), "sadness": ("Mark_sadness.wav", "sad"),
}
NEUTRAL_LINE = "Claire_neutral.wav"


def folds(windows: Windows) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By name, which windows to learn from and which to hear: a speaker left out, and one sex from the other."""
    men = np.isin(windows.speakers, MEN)
    found = {f"speaker-{s:02}": (windows.speakers != s, windows.speakers == s) for s in np.unique(windows.speakers)}
    return found | {"women-from-men": (men, ~men), "men-from-women": (~men, men)}


def heard(name: str, windows: Windows, space: EmotionSpace, members: int, cache: Path) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (K, V, C) and features (K, V, 128) of a fold's windows to hear; zeros elsewhere."""
    path = cache / f"{name}-{members}.npz"
    if not path.is_file():
        keep, test = folds(windows)[name]
        model = EmotionModel(StudentSettings(waveform=windows.source.width), members)
        for k in range(members):
            model.students[k] = learn(windows, keep, space, seed=k)
        model.eval()
        numbers = torch.from_numpy(np.flatnonzero(test))
        with torch.inference_mode():
            parts = [model(*windows.inputs(torch.full_like(numbers, c), numbers)) for c in range(len(windows.mels))]
        part = path.with_suffix(".part.npz")
        np.savez(part, features=np.stack([p[0].numpy() for p in parts]), said=np.stack([p[1].numpy() for p in parts]))
        part.replace(path)
        print(f"{name} heard", file=sys.stderr, flush=True)
    with np.load(path, allow_pickle=False) as file:
        return file["said"], file["features"]


def on_emodb(windows: Windows, space: EmotionSpace, members: int, cache: Path) -> dict:
    """Recalls and arousal pairs, of speakers left out and across the sexes."""
    truth = windows.classes.numpy()
    said = np.zeros((len(windows.mels), len(truth), len(CLASSES)))
    across, arousal = said.copy(), np.zeros(len(truth))
    for name, (_, test) in folds(windows).items():
        probabilities, features = heard(name, windows, space, members, cache)
        (said if name.startswith("speaker") else across)[:, test] = probabilities
        if name.startswith("speaker"):
            with torch.inference_mode():
                arousal[test] = space.valence_arousal(torch.from_numpy(features[0])).numpy()[:, 1]
    each = {CLASSES[c]: round(float((said[0, truth == c].argmax(1) == c).mean()), 3) for c in np.unique(truth)}
    pairs = measures.arousal_pairs(arousal, truth, windows.speakers)
    return {
        "recall": measures.recall(said[0], truth),
        "recall by emotion": each,
        "recall by speaker": {
            int(s): measures.recall(said[0][windows.speakers == s], truth[windows.speakers == s])
            for s in np.unique(windows.speakers)
        },
        "recall, disturbed copies": measures.recall(said[1:].reshape(-1, len(CLASSES)), np.tile(truth, len(said) - 1)),
        "recall, one sex from the other": measures.recall(across[0], truth),
        "recall, one sex from the other, disturbed": measures.recall(
            across[1:].reshape(-1, len(CLASSES)), np.tile(truth, len(said) - 1)
        ),
        "arousal pairs": pairs,
    }


def on_lines(folder: Path, emotion_model: str) -> dict:
    """The acted lines: each emotion's probability in its line beside the neutral line's, valence and arousal."""
    neutral = feel(folder / NEUTRAL_LINE, Report(), emotion_model)
    rows, right = {"neutral": as_dict(neutral)["overall"]}, 0
    for name, (file, emotion) in LINES.items():
        row = as_dict(feel(folder / file, Report(), emotion_model))
        rows[name] = row["overall"] | {"label": row["label"]}
        right += row["overall"][emotion] > rows["neutral"][emotion]
    return {"lines": rows, "ranked right": f"{right} of {len(LINES)}"}


def speed(file: Path, emotion_model: str) -> float:
    """Seconds of sound that a second of processor time hears, by one thread: front end, voice, students."""
    audio = np.tile(read_mono(file), 8)
    recogniser = open_recogniser(emotion_model, Report())
    start = time.process_time()
    listener, front = Listener(recogniser), EncoderFrontEnd(shipped_network().encoder)
    for first in range(0, len(audio), 10 * RATE):
        listener.push(audio[first : first + 10 * RATE])
        front.push(audio[first : first + 10 * RATE])
    listener.finish(front.finish(), Report())
    return round(len(audio) / RATE / (time.process_time() - start), 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--space", type=Path, help="of train_space.py (the one that ships)")
    parser.add_argument("--members", type=int, default=MEMBERS)
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--emotion-model", default="", help="file that hears the lines (the one that ships)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.cache.mkdir(parents=True, exist_ok=True)
    table = on_emodb(Windows.load(options.data), load_space(options.space), options.members, options.cache)
    if options.speech:
        table |= on_lines(options.speech, options.emotion_model)
        table["seconds of sound a second, one thread"] = speed(options.speech / NEUTRAL_LINE, options.emotion_model)
    if options.json:
        print(json.dumps(table))
        return
    for name, value in table.items():
        print(f"{name:45} {value}")


if __name__ == "__main__":
    main()

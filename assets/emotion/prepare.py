# SPDX-License-Identifier: GPL-3.0-or-later
"""EmoDB to what the student learns from: windows of two seconds as hearing.py cuts them, in .npz files.

    python assets/emotion/prepare.py --emodb DIR --out DIR [--prior engine/data/prior.safetensors] [--copies 9]
        [--seed 0] [--pipeline HUBERT_BASE [--layer N] [--allow-download]]

With --pipeline the waveform is heard by torchaudio's model of that name, and with Prior Extraction's encoder without.
Copy 0 is the corpus as it is, each utterance by itself. The others are disturbed, and every second of them strings a
speaker's utterances together in any order, as they stand in a longer recording. A file that is there is kept.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.emotion.disturb import another_place, another_voice  # noqa: E402
from engine.emotion.acoustics import RATE, VoiceStream  # noqa: E402
from engine.emotion.classes import CLASSES  # noqa: E402
from engine.emotion.hearing import STEPS_PER_SECOND, Heard, silence_after, windows  # noqa: E402
from engine.emotion.network import SECONDS, STEPS  # noqa: E402
from engine.emotion.waveform import Waveform, load_waveform  # noqa: E402
from engine.errors import EngineError  # noqa: E402
from engine.prior.extract import SHIPPED, shipped_network  # noqa: E402
from engine.prior.pipelines import NAMES  # noqa: E402
from engine.report import Report  # noqa: E402

EMODB_CLASSES = {
    "anger": "angry", "boredom": "boredom", "disgust": "disgusted", "fear": "fear", "happiness": "happy",
    "neutral": "neutral", "sadness": "sad",
}
SESSION = 6  # utterances strung together


def hear(audio: np.ndarray, waveform: Waveform) -> Heard:
    """A whole sound (n,) at 16 kHz."""
    audio = np.pad(audio, (0, silence_after(len(audio), RATE)))
    front, voice = waveform.front_end(), VoiceStream()
    front.push(audio)
    voice.push(audio)
    return Heard(voice.finish(), front.finish(), waveform.source.width)


def cut(heard: Heard, seconds: float) -> list[np.ndarray]:
    """One window, beginning as near to `seconds` as the sound's ends allow: Student's arguments, half precision."""
    start = int(np.clip(round(seconds * STEPS_PER_SECOND), 0, heard.steps - STEPS))
    return [part[0].numpy().astype(np.float16) for part in windows(heard, np.array([start]))]


def prepare(clips: list[np.ndarray], speakers: np.ndarray, copy: int, waveform: Waveform, seed: int) -> list:
    """Copy number `copy` of all clips, in their order: a list of mels, descriptors and waveform for each."""
    rng = np.random.default_rng([seed, copy])
    out: list = [None] * len(clips)
    if copy == 0:
        return [cut(hear(clip, waveform), 0.0) for clip in clips]
    for speaker in np.unique(speakers):
        order = rng.permutation(np.flatnonzero(speakers == speaker))
        size = SESSION if copy % 2 else 1
        for group in (order[k : k + size] for k in range(0, len(order), size)):
            parts, times, length = [], [], 0.0
            for k in group:
                part = another_voice(clips[k], rng)
                gap = rng.uniform(0.0, 0.5)
                spare = len(part) / RATE - SECONDS
                times.append(length + gap + rng.uniform(min(0.0, spare), max(0.0, spare)) + rng.uniform(-0.2, 0.2))
                parts += [np.zeros(int(gap * RATE), np.float32), part]
                length += gap + len(part) / RATE
            audio = another_place(np.concatenate(parts), rng)
            audio = audio + rng.normal(0.0, 10.0 ** rng.uniform(-5.0, -3.5), len(audio)).astype(np.float32)
            heard = hear(audio, waveform)
            for k, time in zip(group, times):
                out[k] = cut(heard, time)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emodb", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--prior", type=Path, default=SHIPPED, help="whose encoder hears")
    parser.add_argument("--pipeline", choices=NAMES, help="what hears instead of it")
    parser.add_argument("--layer", type=int, default=0, help="of the pipeline, from 1 (the middle one)")
    parser.add_argument("--allow-download", action="store_true", help="the pipeline may be fetched from its maker")
    parser.add_argument("--copies", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.pipeline:
        try:
            waveform = load_waveform(options.pipeline, options.layer, Report(), options.allow_download)
        except EngineError as error:
            sys.exit(f"error: {error}")
    else:
        waveform = Waveform.of_encoder(shipped_network(options.prior).encoder)
    with (options.emodb / "utterances.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    clips = [soundfile.read(options.emodb / "audio" / f"{row['file']}.flac", dtype="float32")[0] for row in rows]
    labels = {
        "classes": np.array([CLASSES.index(EMODB_CLASSES[row["emotion"]]) for row in rows]),
        "speakers": np.array([int(row["speaker"]) for row in rows]),
        "sentences": np.array([row["sentence"] for row in rows]),
        "recognised": np.array([float(row["listeners_recognised_percent"]) / 100.0 for row in rows], np.float32),
        "source": np.array(json.dumps(waveform.source.to_header())),
    }
    for copy in range(options.copies):
        path = options.out / f"emodb-{copy}.npz"
        if path.is_file():
            continue
        parts = prepare(clips, labels["speakers"], copy, waveform, options.seed)
        names = ("mels", "descriptors", "waveform")
        arrays = {name: np.stack([part[k] for part in parts]) for k, name in enumerate(names)}
        part_path = path.with_suffix(".part.npz")
        np.savez(part_path, **arrays, **labels)
        part_path.replace(path)
        print(f"{path.name}: {len(parts)} windows", flush=True)


if __name__ == "__main__":
    main()

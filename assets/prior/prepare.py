# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips with phones to what the network learns from: disturbed log-mels with their phones, in .npz files.

    python assets/prior/prepare.py --corpus DIR --emodb DIR --out DIR [--copies 3] [--seed 0] [--everything]

--corpus is what synthesize.py wrote. Test speakers and sentences of EmoDB are left out, unless --everything trains the
file that ships. A file that is there is kept, so that a broken-off run goes on.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior import augment  # noqa: E402
from assets.prior.alphabets import named  # noqa: E402
from assets.prior.corpus import RATE, Clip, load_clips  # noqa: E402
from assets.prior.emodb import EFFORT, load_emodb, split  # noqa: E402
from engine.prior.features import log_mels, mel_stream, reference_level  # noqa: E402

EMODB_COPIES = 4  # times --copies: real voices are few


def prepare_clip(clip: Clip, rng: np.random.Generator, clean: bool) -> tuple[np.ndarray, list, float]:
    """One clip, disturbed unless `clean`: half decibels (2T, 64) int8, named phones, effort of the voice."""
    effort = EFFORT.get(clip.tags.get("emotion", ""), 0.0)
    audio, phones = clip.audio, named(clip.phones, clip.alphabet, clip.speaker)
    lead, tail = rng.uniform(0.0, 0.4), rng.uniform(0.0, 0.6) if rng.uniform() < 0.8 else 2.0
    audio = np.pad(audio, (int(lead * RATE), int(tail * RATE)))
    phones = [(name, start + lead, end + lead) for name, start, end in phones]
    if not clean:
        speed = float(np.exp(rng.uniform(-0.17, 0.17)))
        audio = augment.change_speed(audio, speed)
        phones = [(name, start / speed, end / speed) for name, start, end in phones]
        if clip.source != "emodb":
            audio = augment.effort(audio, float(rng.uniform(-1.0, 1.0)))
        ends = [0.0, *(t for name, *times in phones if name != "sil" for t in times), len(audio) / RATE]
        audio = augment.disturb(audio, list(zip(ends[::2], ends[1::2])), rng)
    audio = audio + rng.normal(0.0, 10.0 ** rng.uniform(-5.0, -3.3), len(audio)).astype(np.float32)
    stream = mel_stream()
    stream.push(audio)
    powers = stream.finish()
    mels = log_mels(powers, reference_level(powers))
    mels = np.round(2.0 * mels[: len(mels) // 2 * 2]).astype(np.int8)
    return mels, [(name, round(start, 4), round(end, 4)) for name, start, end in phones], effort


def prepare(clips: list[Clip], copies: int, seed: int, path: Path) -> None:
    """All clips of one source file, `copies` times, the first time clean."""
    rng = np.random.default_rng(seed)
    rows, parts = [], []
    for copy in range(copies):
        for clip in clips:
            mels, phones, effort = prepare_clip(clip, rng, clean=copy == 0)
            parts.append(mels)
            rows.append({"speaker": clip.speaker, "frames": len(mels) // 2, "phones": phones, "effort": effort})
    mels = np.concatenate(parts)
    part_path = path.with_suffix(".part.npz")
    np.savez(part_path, mels=mels, rows=np.frombuffer(json.dumps(rows).encode(), np.uint8))
    part_path.replace(path)
    print(f"{path.name}: {len(rows)} clips, {len(mels) / 6000:.1f} minutes", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--emodb", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--everything", action="store_true", help="train on EmoDB's test speakers and sentences, too")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    clips = load_emodb(options.emodb)
    clips = clips if options.everything else split(clips)[0]
    name = options.out / f"emodb-{'all' if options.everything else 'train'}.npz"
    if not name.is_file():
        prepare(clips, EMODB_COPIES * options.copies, options.seed, name)
    for k, source in enumerate(sorted(options.corpus.glob("*.npz"))):
        if ".part" not in source.name and not (options.out / source.name).is_file():
            seed = options.seed + 1 + sum(source.name.encode())
            prepare(load_clips(source), options.copies, seed, options.out / source.name)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Clips with phones to what the network learns from: disturbed log-mels, the encoder's features, phones; in .npz files.

    python assets/prior/prepare.py --corpus DIR --emodb DIR --out DIR [--copies 1] [--seed 0] [--everything]

--corpus is what synthesize.py wrote; the encoder's weights come from the package of whisper.py. Test speakers and
sentences of EmoDB are left out, unless --everything trains the file that ships. A file that is there is kept, so that a
broken-off run goes on.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior import augment  # noqa: E402
from assets.prior.alphabets import named  # noqa: E402
from assets.prior.corpus import RATE, Clip, load_clips  # noqa: E402
from assets.prior.emodb import EFFORT, load_emodb, split  # noqa: E402
from assets.prior.whisper import model_path, whisper_encoder  # noqa: E402
from engine.prior.encoder import SpeechEncoder  # noqa: E402
from engine.prior.features import log_mels, mel_stream, reference_level  # noqa: E402
from engine.prior.frontends import ENCODED_CHUNK, ENCODED_MARGIN  # noqa: E402

SAME_VOICE = 0.05  # of the speed, by which voice and formants move: more, and it is somebody else's
NOISES, NOISE_SECONDS = 300, 6.0
COPIES = {"emodb": 8, "kokoro": 4}  # real voices and natural ones are few; 2 of the others


def prepare_clip(clip: Clip, rng: np.random.Generator, clean: bool) -> tuple[np.ndarray, dict]:
    """One clip, disturbed unless `clean`: half decibels (2T, 80) int8, and speaker, named phones, effort, frames."""
    effort, speaker = EFFORT.get(clip.tags.get("emotion", ""), 0.0), clip.speaker
    audio, phones = clip.audio, named(clip.phones, clip.alphabet, clip.speaker)
    lead, tail = rng.uniform(0.0, 0.4), rng.uniform(0.0, 0.6) if rng.uniform() < 0.8 else 2.0
    audio = np.pad(audio, (int(lead * RATE), int(tail * RATE)))
    phones = [(name, start + lead, end + lead) for name, start, end in phones]
    if not clean:
        speed = float(np.exp(rng.uniform(-0.17, 0.17) * (rng.uniform() < 0.75)))
        audio = augment.change_speed(audio, speed)
        speaker = speaker if abs(np.log(speed)) < SAME_VOICE else ""
        phones = [(name, start / speed, end / speed) for name, start, end in phones]
        if clip.source != "emodb":
            audio = augment.effort(audio, float(rng.uniform(-1.0, 1.0)))
        ends = [0.0, *(t for name, *times in phones if name != "sil" for t in times), len(audio) / RATE]
        audio = augment.disturb(audio, list(zip(ends[::2], ends[1::2])), rng)
    audio = audio + rng.normal(0.0, 10.0 ** rng.uniform(-5.0, -3.3), len(audio)).astype(np.float32)
    stream = mel_stream()
    stream.push(audio)
    powers = stream.finish()
    quieter = 0.0 if clean else rng.uniform(-6.0, 22.0) * (rng.uniform() < 0.8)  # than the recording's loud parts
    mels = log_mels(powers, reference_level(powers) + quieter)
    mels = np.round(2.0 * mels[: len(mels) // 2 * 2]).astype(np.int8)
    phones = [(name, round(start, 4), round(end, 4)) for name, start, end in phones]
    return mels, {"speaker": speaker, "frames": len(mels) // 2, "phones": phones, "effort": effort}


def noises(rng: np.random.Generator) -> list[Clip]:
    """Sounds without speech, after which lips rest: noise, music, both, clicks, breath, and next to nothing."""
    clips, count = [], int(NOISE_SECONDS * RATE)
    for k in range(NOISES):
        kind = k % 6
        audio = np.zeros(count, np.float32)
        if kind in (0, 2, 3):
            audio += augment.noise(count, rng)
        if kind in (1, 2):
            audio += augment.music(count, rng)
        if kind == 3:
            audio *= np.repeat(rng.uniform(size=24) < 0.4, count // 24)  # comes and goes at once
        if kind == 4:
            audio[rng.integers(0, count, 12)] = 1.0
            audio = augment.room(audio, rng)
        if kind == 5:
            audio[::97] = 1e-3
            audio = augment.breaths(audio, [(start, start + 1.2) for start in np.arange(0.2, 4.5, 1.6)], rng)
        audio = augment.equalise(audio * 0.05, rng)
        clips.append(Clip(audio.astype(np.float32), [], "ipa", "", "", "noise"))
    return clips


def features(mels: np.ndarray, encoder: SpeechEncoder) -> np.ndarray:
    """(T, width) float16 of all clips' half decibels (2T, 80), in chunks as engine/prior/frontends.py makes them."""
    decibels = torch.from_numpy(mels.T.astype(np.float32) * 0.5)[None]
    parts, frames = [], decibels.shape[2] // 2
    for start in range(0, frames, ENCODED_CHUNK):
        first, last = max(0, start - ENCODED_MARGIN), min(frames, start + ENCODED_CHUNK + ENCODED_MARGIN)
        with torch.inference_mode():
            heard = encoder(decibels[:, :, 2 * first : 2 * last])[0, :, start - first :][:, :ENCODED_CHUNK]
        parts.append(heard.T.half().numpy())
    return np.concatenate(parts)


def prepare(clips: list[Clip], copies: int, seed: int, encoder: SpeechEncoder, path: Path) -> None:
    """All clips of one source file, `copies` times, the first time clean."""
    rng = np.random.default_rng(seed)
    rows, parts = [], []
    for copy in range(copies):
        for clip in clips:
            mels, row = prepare_clip(clip, rng, clean=copy == 0)
            parts.append(mels)
            rows.append(row)
    mels = np.concatenate(parts)
    part_path = path.with_suffix(".part.npz")
    rows_text = np.frombuffer(json.dumps(rows).encode(), np.uint8)
    np.savez(part_path, mels=mels, features=features(mels, encoder), rows=rows_text)
    part_path.replace(path)
    print(f"{path.name}: {len(rows)} clips, {len(mels) / 6000:.1f} minutes", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--emodb", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--everything", action="store_true", help="train on EmoDB's test speakers and sentences, too")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    encoder = whisper_encoder(model_path())
    clips = load_emodb(options.emodb)
    clips = clips if options.everything else split(clips)[0]
    name = options.out / f"emodb-{'all' if options.everything else 'train'}.npz"
    if not name.is_file():
        prepare(clips, COPIES["emodb"] * options.copies, options.seed, encoder, name)
    if not (options.out / "noise-000.npz").is_file():
        made = noises(np.random.default_rng(options.seed))
        prepare(made, options.copies, options.seed, encoder, options.out / "noise-000.npz")
    for source in sorted(options.corpus.glob("*.npz")):
        if ".part" not in source.name and not (options.out / source.name).is_file():
            copies = COPIES.get(source.name.split("-")[0], 2) * options.copies
            seed = options.seed + 1 + sum(source.name.encode())
            prepare(load_clips(source), copies, seed, encoder, options.out / source.name)


if __name__ == "__main__":
    main()

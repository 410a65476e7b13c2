# SPDX-License-Identifier: GPL-3.0-or-later
"""Synthetic speech with phone times, into a folder of .npz files.

    python assets/prior/synthesize.py --out DIR [--minutes 40] [--seed 0] [--only espeak,festival,flite,kokoro]

Needs Debian's espeak-ng, flite, festival, the festvox-* voices of voices.py, fortunes* and w* of texts.py; for kokoro
the packages of neural_voices.py. A file that is there is kept, so that a broken-off run goes on.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior.corpus import Clip, save_clips  # noqa: E402
from assets.prior.texts import LANGUAGES, PINYIN, sentences  # noqa: E402
from assets.prior.voices import ESPEAK_VARIANTS, FESTIVAL_VOICES, FLITE_VOICES, Espeak, festival, flite  # noqa: E402

CLIPS_PER_FILE = 60
# Kokoro was trained on English, Spanish, French, Italian, Portuguese, Mandarin; German works with an accent.
KOKORO_LANGUAGES = ("en-us", "en-us", "en-us", "de", "es", "it", "fr", "pt-br", PINYIN)
FESTIVAL_TEXT = {"fi": "it", "ca": "es"}  # read with their own letters: what matters is the sound


def seconds_of(clips: list[Clip]) -> float:
    return sum(len(clip.audio) for clip in clips) / 16000


def espeak_batch(espeak: Espeak, rng: np.random.Generator) -> list[Clip]:
    clips = []
    for _ in range(CLIPS_PER_FILE):
        language = LANGUAGES[rng.integers(len(LANGUAGES))]
        variant = ESPEAK_VARIANTS[rng.integers(len(ESPEAK_VARIANTS))]
        text = sentences(language, 1, rng)[0]
        speed, pitch, width = int(rng.integers(120, 260)), int(rng.integers(15, 85)), int(rng.integers(20, 90))
        clips.append(espeak.speak(text, language, variant, speed, pitch, width))
    return clips


def festival_batch(number: int, rng: np.random.Generator) -> list[Clip]:
    voice = list(FESTIVAL_VOICES)[number % len(FESTIVAL_VOICES)]
    language = FESTIVAL_VOICES[voice]
    texts = sentences(FESTIVAL_TEXT.get(language, language), CLIPS_PER_FILE, rng)
    return festival(texts, voice, float(rng.uniform(0.85, 1.25)))


def flite_batch(number: int, rng: np.random.Generator) -> list[Clip]:
    voice = FLITE_VOICES[number % len(FLITE_VOICES)]
    texts = sentences("en-us", CLIPS_PER_FILE, rng)
    return [flite(text, voice, float(rng.uniform(0.8, 1.3))) for text in texts]


def kokoro_batch(kokoro, rng: np.random.Generator) -> list[Clip]:
    clips = []
    voice = int(rng.integers(40))
    for _ in range(CLIPS_PER_FILE // 3):
        language = KOKORO_LANGUAGES[rng.integers(len(KOKORO_LANGUAGES))]
        text, speed = sentences(language, 1, rng)[0], float(rng.uniform(0.8, 1.3))
        clips.append(kokoro.speak(text, language, kokoro.mixture(voice), speed, f"kokoro-{voice}"))
    return clips


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=40.0, help="of each source")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="espeak,festival,flite,kokoro")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for source in options.only.split(","):
        made, make = 0.0, None
        for number in range(1000):
            path = options.out / f"{source}-{number:03}.npz"
            rng = np.random.default_rng([options.seed, number, len(source)])
            if not path.is_file():
                make = make or maker(source, options.out)
                save_clips(make(number, rng), path)
            with np.load(path) as file:
                made += len(file["audio"]) / 16000 / 60
            print(f"{path.name}: {made:.1f} minutes of {source}", flush=True)
            if made >= options.minutes:
                break


def maker(source: str, folder: Path):
    """What makes one batch of clips, of its number and a random generator."""
    if source == "espeak":
        espeak = Espeak()
        return lambda number, rng: espeak_batch(espeak, rng)
    if source == "kokoro":
        from assets.prior.neural_voices import Kokoro

        kokoro = Kokoro(folder)
        return lambda number, rng: kokoro_batch(kokoro, rng)
    return {"festival": festival_batch, "flite": flite_batch}[source]


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prior Extraction makes of EmoDB's test utterances when they are disturbed, of each emotion, and of other speech.

    python assets/prior/evaluate_disturbed.py --emodb DIR [--model FILE.safetensors]

Needs espeak-ng for Mandarin and English, whose sentences are of none that it trains on. Seeded.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior import augment  # noqa: E402
from assets.prior.corpus import RATE, Clip  # noqa: E402
from assets.prior.emodb import load_emodb, split  # noqa: E402
from assets.prior.evaluate import utterances  # noqa: E402
from assets.prior.voices import Espeak  # noqa: E402
from engine.prior.extract import SHIPPED, shipped_network  # noqa: E402

PANT = 0.6  # seconds of a breath before and after what is said
EMOTIONS = ("anger", "sadness", "neutral")
MANDARIN = ("妈妈把包放在桌子上", "爸爸买了苹果和面包", "我们明天飞往北京", "请把门关上谢谢", "波浪慢慢漫过码头")
ENGLISH = (
    "Paul brought five maps of the big valley to Pam", "My baby brother moved behind the back of the boat",
    "Five brave fishermen found a very fine wave",
)

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def out_of_breath(clip: Clip, rng: np.random.Generator) -> Clip:
    """Half of the voice is breath, and somebody pants before and after it."""
    voice = np.pad(0.5 * clip.audio + 0.5 * augment.whisper(clip.audio, rng), int(PANT * RATE))
    end = len(voice) / RATE
    audio = voice
    while audio is voice or not np.any(audio[: int(0.5 * PANT * RATE)]):  # breaths are left out by chance
        audio = augment.breaths(voice, [(0.0, PANT), (end - PANT, end)], rng)
    return replace(clip, audio=audio, phones=[(name, start + PANT, stop + PANT) for name, start, stop in clip.phones])


def shouted(audio: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Strained, too loud for the microphone, in a room."""
    return augment.room(augment.clipped(augment.effort(audio, 1.0), rng), rng)


CHANGES: dict[str, Change] = {
    "as they are": lambda audio, rng: audio,
    "20 dB quieter": lambda audio, rng: 0.1 * audio,
    "strained": lambda audio, rng: augment.effort(audio, 1.0),
    "strained, clipped, in a room": shouted,
    "whispered": augment.whisper,
    "in a room": augment.room,
    "noise 10 dB below": lambda audio, rng: augment.mixed(audio, augment.noise(len(audio), rng), 10.0),
    "music 10 dB below": lambda audio, rng: augment.mixed(audio, augment.music(len(audio), rng), 10.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emodb", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = shipped_network(options.model)
    clips = split(load_emodb(options.emodb))[1]
    speech = {
        name: [replace(clip, audio=change(clip.audio, np.random.default_rng(k))) for k, clip in enumerate(clips)]
        for name, change in CHANGES.items()
    }
    speech["out of breath"] = [out_of_breath(clip, np.random.default_rng(k)) for k, clip in enumerate(clips)]
    speech |= {name: [clip for clip in clips if clip.tags["emotion"] == name] for name in EMOTIONS}
    espeak = Espeak()
    speech["Mandarin, synthetic"] = [espeak.speak(text, "cmn", "f2", 150) for text in MANDARIN]
    speech["English, synthetic"] = [espeak.speak(text, "en-us", "m3", 160) for text in ENGLISH]
    for name, said in speech.items():
        found = utterances(said, network)
        print(f"{name:30} visemes of speech {found['visemes, speech']:.3f}, bilabials closed "
              f"{found['bilabials closed']:.3f} of {found['bilabials']}, labiodentals {found['labiodentals']:.3f}, "
              f"at the teeth elsewhere {found['labiodental elsewhere']:.3f}", flush=True)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes engine/data/sample_speech.flac, the line that the demo speaks when it is given no audio.

Flite (http://www.festvox.org/flite, `apt-get install flite`) reads TEXT with its female US English voice `slt`, built
at Carnegie Mellon University from CMU ARCTIC. Program and voice are under the same BSD-style licence, which puts no
condition on the speech. Flite is deterministic, so the same version gives the same file.

    python assets/speech/make_sample.py
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile

SENTENCES = (
    "Hello! I am a face made of light.",
    "Give me a voice, move a slider, and I will speak with feeling.",
)
VOICE = "slt"
PAUSE_SECONDS = 0.35
PEAK = 0.7
OUT = Path(__file__).resolve().parents[2] / "engine" / "data" / "sample_speech.flac"


def speak(sentence: str) -> tuple[np.ndarray, int]:
    """One sentence as float64 mono and its sample rate."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sentence.wav"
        subprocess.run(["flite", "-voice", VOICE, "-t", sentence, "-o", str(path)], check=True)
        return soundfile.read(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    pieces = []
    for sentence in SENTENCES:
        speech, rate = speak(sentence)
        pieces += [np.zeros(int(PAUSE_SECONDS * rate)), speech]
    signal = np.concatenate([*pieces, np.zeros(int(PAUSE_SECONDS * rate))])
    soundfile.write(options.out, signal * (PEAK / np.abs(signal).max()), rate, subtype="PCM_16")
    print(f"{options.out}: {len(signal) / rate:.2f} s at {rate} Hz, {options.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""What dialogue text is worth, on speech whose phone times are known, and on a film whose text is known.

    python assets/prior/evaluate_dialogue.py [--sentences 40] [--seed 5] [--film FILE --text-file FILE --cache DIR]

Needs Debian's flite, and fortunes of texts.py.
"""

import argparse
import difflib
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior.alphabets import named  # noqa: E402
from assets.prior.corpus import RATE  # noqa: E402
from assets.prior.measures import closed, contacts, false_contacts  # noqa: E402
from assets.prior.talkers import best_correlation, sound_of, tracked_aperture  # noqa: E402
from assets.prior.texts import sentences  # noqa: E402
from assets.prior.voices import flite  # noqa: E402
from engine.capture.tracking.model import face_landmarker_path  # noqa: E402
from engine.dialogue.align import align  # noqa: E402
from engine.perform import perform  # noqa: E402
from engine.prior.bands import BandStream  # noqa: E402
from engine.prior.lips import gap_of_faces  # noqa: E402
from engine.prior.loudness import measure_loudness  # noqa: E402
from engine.prior.visemes import LEAD_SECONDS  # noqa: E402
from engine.protocol import Controls  # noqa: E402
from engine.report import Report  # noqa: E402

FPS = 50
VOICES = ("slt", "rms", "awb")


def gap(path: Path, fps: Fraction, text: str) -> np.ndarray:
    """(T,) mm between the lips of a performance."""
    still = Controls(blink=[0.0], gaze=[0.0], head_motion=[0.0])
    take = perform(path, fps=fps, controls=still, seed=0, report=Report(), text=text)
    return gap_of_faces(take.expression)


def begins(path: Path, audio: np.ndarray, text: str, phones: list) -> tuple[list[float], bool]:
    """Seconds by which phones begin late, of those that both the voice and the alignment have; whether it fitted."""
    bands = BandStream()
    bands.push(audio)
    alignment = align(path, text, measure_loudness(bands.finish()).speech, Report())
    if alignment is None:
        return [], False
    found = [phone for stretch in alignment.stretches for phone in stretch]
    same = difflib.SequenceMatcher(None, [name for name, *_ in found], [name for name, *_ in phones], autojunk=False)
    pairs = ((found[a + k], phones[b + k]) for a, b, size in same.get_matching_blocks() for k in range(size))
    return [mine[1] - true[1] for mine, true in pairs if mine[0] != "sil"], True


def voices(count: int, seed: int) -> None:
    """Print what the text does to sentences of Flite's recorded voices."""
    rng = np.random.default_rng(seed)
    texts = sentences("en-us", count, rng)
    late, fitted, wrong = [], 0, 0
    shut, false = {"without": [], "with": []}, {"without": np.zeros(2), "with": np.zeros(2)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        for k, text in enumerate(texts):
            clip = flite(text, VOICES[k % len(VOICES)], float(rng.uniform(0.85, 1.15)))
            soundfile.write(path, clip.audio, RATE)
            phones = named(clip.phones, "festival", clip.speaker)
            seconds, fits = begins(path, clip.audio, text, phones)
            late += seconds
            fitted += fits
            wrong += begins(path, clip.audio, texts[(k + 8) % count], phones)[1]
            led = [(name, start - LEAD_SECONDS, end - LEAD_SECONDS) for name, start, end in phones]
            for key, given in (("without", ""), ("with", text)):
                is_shut = closed(gap(path, Fraction(FPS), given))
                shut[key] += contacts(led, ("p", "m"), is_shut, FPS)
                false[key] += false_contacts(led, ("p", "m", "burst"), is_shut, FPS)
    late = 1000.0 * np.array(late)
    print(f"{count} sentences, texts that fit {fitted}, wrong texts that were taken {wrong}")
    off, off_90 = np.percentile(abs(late), [50, 90])
    print(f"phones {len(late)}: begin late by {np.median(late):+.0f} ms, off by {off:.0f} ms (median), {off_90:.0f} ms "
          "(90th percentile)")
    for key in shut:
        print(f"{key} text: bilabials closed {np.mean(shut[key]):.3f} of {len(shut[key])}, "
              f"other frames closed {false[key][0] / false[key][1]:.3f}")


def film(path: Path, text: str, cache: Path) -> None:
    """Print how well the lips follow a real talker's with and without the text."""
    aperture, fps = tracked_aperture(path, face_landmarker_path(), cache)
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "film.wav"
        soundfile.write(sound, sound_of(path), RATE)
        for key, given in (("without", ""), ("with", text)):
            r, lag = best_correlation(gap(sound, Fraction(fps).limit_denominator(1001), given), aperture)
            print(f"{path.name} {key} text: lips' gap against the tracked one {r:.3f} at lag {lag}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=40)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--film", type=Path)
    parser.add_argument("--text-file", type=Path)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    voices(options.sentences, options.seed)
    if options.film:
        film(options.film, options.text_file.read_text(encoding="utf-8"), options.cache)


if __name__ == "__main__":
    main()

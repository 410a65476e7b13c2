# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the table of what Prior Extraction reaches, as docs/benchmarks.md has it.

    python assets/prior/evaluate.py --emodb DIR --model FILE.safetensors --cache DIR [--films FILE ...]
        [--landmarker face_landmarker.task] [--json]

The network must have been trained without EmoDB's test speakers and sentences and without the films. The phone
reference needs the package pocketsphinx, the sync measure the trained expert; each is left out without it. Seeded;
tracked films are kept in --cache.
"""

import argparse
import json
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.prior import measures  # noqa: E402
from assets.prior.alphabets import named  # noqa: E402
from assets.prior.corpus import Clip  # noqa: E402
from assets.prior.emodb import load_emodb, split  # noqa: E402
from assets.prior.talkers import best_correlation, sound_of, tracked_aperture  # noqa: E402
from engine.prior.bands import BandStream  # noqa: E402
from engine.prior.extract import SHIPPED, articulators_at, emphasise, extract, mouth_at, settle  # noqa: E402
from engine.prior.extract import shipped_network  # noqa: E402
from engine.prior.features import FRAMES_PER_SECOND  # noqa: E402
from engine.prior.frontends import EncoderFrontEnd  # noqa: E402
from engine.prior.lips import MOUTH_NAMES, lip_gap, to_arkit  # noqa: E402
from engine.prior.loudness import measure_loudness  # noqa: E402
from engine.prior.sync_expert import find_offset, motion_of_curves, shipped_expert  # noqa: E402
from engine.prior.sync_expert import SHIPPED as SHIPPED_EXPERT  # noqa: E402
from engine.prior.visemes import articulate, viseme_track  # noqa: E402
from engine.report import Report  # noqa: E402

RATE = 16000
OFFSETS = 4
ROLL = MOUTH_NAMES.index("mouthRollLower")


class Heard:
    """One sound through the network."""

    def __init__(self, audio: np.ndarray, network, style: np.ndarray | None = None, fps: Fraction = Fraction(50)):
        stream = EncoderFrontEnd(network.encoder)
        stream.push(audio)
        self.spoken = extract(stream.finish(), network, Report(), style)
        self.frames = int(len(audio) / RATE * fps)
        bands = BandStream()
        bands.push(audio)
        self.loudness = measure_loudness(bands.finish())
        said = settle(emphasise(self.spoken, self.loudness.level), self.loudness.speech)
        self.mouth = mouth_at(articulators_at(said, self.frames, fps))
        self.gap = lip_gap(torch.from_numpy(self.mouth)).numpy()


def talkers(films: list[Path], landmarker: Path, cache: Path, network) -> list[dict]:
    """A row for each film: Pearson's r and lag of ours, loudness and the phone reference; chance is added after."""
    rows, curves, apertures = [], [], []
    for film in films:
        aperture, fps = tracked_aperture(film, landmarker, cache)
        audio = sound_of(film)
        exact = Fraction(fps).limit_denominator(1001)
        times = np.arange(len(aperture)) / fps
        heard = Heard(audio, network, fps=exact)
        gap, level = heard.gap, heard.loudness.level
        gap = np.pad(gap, (0, max(0, len(times) - len(gap))), mode="edge")[: len(times)]
        loudness = np.interp(times, np.arange(len(level)) / 100.0, level)
        row = {"film": film.name, "ours": best_correlation(gap, aperture),
               "loudness": best_correlation(loudness, aperture)}
        try:
            from assets.prior.phone_reference import aperture_of

            row["phones"] = best_correlation(aperture_of(audio, times), aperture)
        except ImportError:
            row["phones"] = None
        rows.append(row)
        curves.append(gap)
        apertures.append(aperture)
    for k, row in enumerate(rows):
        others = [best_correlation(curve, apertures[k])[0] for j, curve in enumerate(curves) if j != k]
        row["chance"] = float(np.median(others)) if others else None
    return rows


def utterances(clips: list[Clip], network) -> dict[str, float]:
    """Contacts and visemes on left-out utterances of EmoDB."""
    lips, teeth = [], []
    shut, sealed, bitten = (np.zeros(2, int) for _ in range(3))  # frames of other sounds that show it, and all of them
    right = [0, 0]
    counted = [0, 0]
    for clip in clips:
        heard = Heard(clip.audio, network)
        phones = named(clip.phones, clip.alphabet, clip.speaker)
        closed = measures.closed(heard.gap)
        lips += measures.contacts(phones, ("p", "m"), closed, 50.0)
        rolled = (heard.mouth[:, ROLL] >= measures.LABIODENTAL_ROLL) & (heard.gap <= measures.LABIODENTAL_GAP)
        teeth += measures.contacts(phones, ("f",), rolled, 50.0)
        shut += measures.false_contacts(phones, ("p", "m", "burst"), closed, 50.0)
        sealed += measures.false_contacts(phones, ("p", "m", "burst", "f"), closed, 50.0)
        bitten += measures.false_contacts(phones, ("f",), rolled, 50.0)
        truth = viseme_track(phones, np.arange(heard.frames) / FRAMES_PER_SECOND)
        said = heard.spoken.visemes[: len(truth)].argmax(1)
        for k, mask in enumerate((np.ones(len(truth), bool), truth > 0)):
            right[k] += int((said == truth)[mask].sum())
            counted[k] += int(mask.sum())
    return {
        "bilabials closed": float(np.mean(lips)), "bilabials": len(lips), "labiodentals": float(np.mean(teeth)),
        "closed elsewhere": float(shut[0] / max(shut[1], 1)),
        "closed elsewhere but in f, v": float(sealed[0] / max(sealed[1], 1)),
        "labiodental elsewhere": float(bitten[0] / max(bitten[1], 1)), "visemes, all frames": right[0] / counted[0],
        "visemes, speech": right[1] / counted[1], "utterances": len(clips),
    }


def speakers(clips: list[Clip], network, seed: int) -> dict[str, float]:
    """Linear probes of ten speakers, trained on half of each speaker's utterances and tested on the other half."""
    rng = np.random.default_rng(seed)
    labels = np.array([sorted({clip.speaker for clip in clips}).index(clip.speaker) for clip in clips])
    heard = [Heard(clip.audio, network).spoken for clip in clips]
    style = np.stack([one.style for one in heard])
    content = np.stack([one.content.mean(0) for one in heard])
    train = np.zeros(len(clips), bool)
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        train[rows[: len(rows) // 2]] = True
    frames = [(one.content[::4], np.full(len(one.content[::4]), label)) for one, label in zip(heard, labels)]
    x = [np.concatenate([f for (f, _), t in zip(frames, train) if t == want]) for want in (True, False)]
    y = [np.concatenate([l for (_, l), t in zip(frames, train) if t == want]) for want in (True, False)]
    probe = measures.linear_probe
    return {
        "from style": probe(style[train], labels[train], style[~train], labels[~train]),
        "from content, frames": probe(x[0], y[0], x[1], y[1]),
        "from content, utterance means": probe(content[train], labels[train], content[~train], labels[~train]),
    }


def swapped_style(clips: list[Clip], network, seed: int) -> float:
    """Median correlation of the lips' gap with itself under another speaker's style."""
    rng = np.random.default_rng(seed)
    found = []
    for clip in clips:
        other = clips[rng.integers(len(clips))]
        if other.speaker != clip.speaker:
            own = Heard(clip.audio, network)
            changed = Heard(clip.audio, network, Heard(other.audio, network).spoken.style)
            found.append(np.corrcoef(own.gap, changed.gap)[0, 1])
    return float(np.median(found))


def sync(clips: list[Clip], network, expert, seed: int) -> float:
    """Share of OFFSETS random offsets for each utterance that are found to within a frame of 25 a second.

    The motion is the teacher's, of hand-made phones: nobody filmed EmoDB.
    """
    rng = np.random.default_rng(seed)
    found = []
    for clip in clips:
        content = Heard(clip.audio, network).spoken.content
        phones = named(clip.phones, clip.alphabet, clip.speaker)
        times = np.arange(int(len(clip.audio) / RATE * 25)) / 25.0
        for late in rng.integers(-10, 11, OFFSETS):
            said = torch.from_numpy(articulate(phones, times - late / 25.0))[None]
            offset, _ = find_offset(content, motion_of_curves(to_arkit(said)), expert)
            found.append(abs(round(offset * 25) - late) <= 1)
    return float(np.mean(found))


def speed(clips: list[Clip], network) -> float:
    """Seconds of sound for each second of one core, features included."""
    sound = np.concatenate([clip.audio for clip in clips])[: 240 * RATE]
    torch.set_num_threads(1)
    started = time.process_time()
    Heard(sound, network)
    return len(sound) / RATE / (time.process_time() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--emodb", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--expert", type=Path, default=SHIPPED_EXPERT)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--films", type=Path, nargs="*", default=[])
    parser.add_argument("--landmarker", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = shipped_network(options.model)
    clips = load_emodb(options.emodb)
    test = split(clips)[1]
    result = {"films": talkers(options.films, options.landmarker, options.cache, network)}
    result |= utterances(test, network)
    result |= {f"speaker {name}": value for name, value in speakers(clips, network, options.seed).items()}
    files = [options.model]
    if options.expert.is_file():
        files.append(options.expert)
        result["sync offsets within a frame"] = sync(test, network, shipped_expert(options.expert), options.seed)
    result["style swapped"] = swapped_style(test, network, options.seed)
    result["seconds a second of one core"] = speed(clips, network)
    result["megabytes"] = sum(file.stat().st_size for file in files) / 1e6
    if options.json:
        print(json.dumps(result))
        return
    for row in result.pop("films"):
        print(" ".join(f"{k} {v if not isinstance(v, tuple) else f'{v[0]:.2f} at {v[1]:+d}'}" for k, v in row.items()))
    for name, value in result.items():
        print(f"{name:32} {value:.3f}" if isinstance(value, float) else f"{name:32} {value}")


if __name__ == "__main__":
    main()

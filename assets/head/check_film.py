# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a head speak as its take says, seen by a face tracker, and does it hold together whatever drives it?

    python assets/head/check_film.py demo --speech DIR --emodb DIR --json FILE

Films of lines of speech, without and with each emotion at full strength, are drawn as `speak` draws them; MediaPipe
looks at every frame. Emotions are measured against the neutral film of the same line, in distances between the eyes.
Beside that: the camera 40 degrees to either side, mixed and extreme sliders, what splat points lose, and twenty minutes
of speech. Prints a table, and exits with 1 where anything falls short. The same command gives the same figures.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from assets.head import limits, seen  # noqa: E402
from assets.head.films import (  # noqa: E402
    FPS, LONGEST, Line, emodb_lines, pictures, portrait, speech_lines, take_of, watch,
)
from assets.head.frozen import frozen_psnr  # noqa: E402
from assets.head.long_take import long_take  # noqa: E402
from engine.errors import EngineError  # noqa: E402
from engine.files import write_text  # noqa: E402
from engine.head.head import Head  # noqa: E402
from engine.head.library import open_head  # noqa: E402

PARTS = ("lips", "emotions", "turned", "limits", "clip", "long")
MIXED = {"happy": 1.0, "surprised": 1.0}
TURNS = (-40.0, 40.0)
LEAST_FOUND, LEAST_FOLLOWING, LEAST_MET = 0.99, 0.80, 0.90
# Beside ordinary use: how much further splats may go, neighbours part, and splats grow.
REACHES = (
    ("moved", "furthest from neutral", 1.5), ("apart", "neighbours apart", 1.5), ("largest", "largest splat", 2.0),
)  # fmt: skip
LEAST_FROZEN = 40.0  # dB
MOST_MEGABYTES_PER_MINUTE, MOST_MEGABYTES_DRAWN, MOST_DRIFT = 25.0, 10.0, 0.05


class Table:
    """Rows of what was measured and what it must be, printed as they come."""

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def add(self, part: str, what: str, value: float, bound: float, note: str = "") -> None:
        """A bound below 0 is met by less, as is one that says so with `at_most`."""
        self._row(part, what, value, bound, bool(value * np.sign(bound) >= abs(bound)), note)

    def at_most(self, part: str, what: str, value: float, bound: float, note: str = "") -> None:
        self._row(part, what, value, bound, bool(value <= bound), note)

    def _row(self, part: str, what: str, value: float, bound: float, good: bool, note: str) -> None:
        self.rows.append({"part": part, "what": what, "value": value, "bound": bound, "good": good, "note": note})
        print(f"{part:10} {what:34}{value:+10.3f}{bound:+10.3f}  {'' if good else 'short'}  {note}", flush=True)

    @property
    def good(self) -> bool:
        return all(row["good"] for row in self.rows)


class Check:
    """The films of one head, each drawn and looked at once."""

    def __init__(self, head: Head, size: int, seed: int, threads: int) -> None:
        self.head, self.size, self.seed, self.threads = head, size, seed, threads
        self.frames = self.found = 0

    def film(self, line: Line, emotion: dict[str, float], angle: float = 0.0) -> tuple[list, object]:
        """Landmarks (478, 2) or None of each of the first LONGEST frames, and the take."""
        take = take_of(line, emotion, self.seed)
        frames = range(min(len(take), LONGEST))
        film = watch(pictures(self.head, take, frames, portrait(self.size, angle), self.threads))
        if not angle:
            self.frames += len(film)
            self.found += sum(points is not None for points in film)
        return film, take

    def lips(self, lines: list[Line], table: Table) -> None:
        following, met = [], []
        for line in lines:
            film, take = self.film(line, {})
            following.append(seen.lips_follow(film, take) or 0.0)
            met += seen.lips_meet(film, line.phones, float(FPS))
        note = f"{len(lines)} lines, least {min(following):.2f}"
        table.add("lips", "gap follows the take", float(np.mean(following)), LEAST_FOLLOWING, note)
        if met:
            table.add("lips", "b p m closed", float(np.mean(met)), LEAST_MET, f"of {len(met)}")

    def emotions(self, lines: list[Line], table: Table) -> None:
        neutral = [self.film(line, {})[0] for line in lines]
        for emotion, signs in seen.SIGNS.items():
            films = [self.film(line, {emotion: 1.0})[0] for line in lines]
            for choices in signs:
                changes = [[seen.change(measure, *pair) for pair in zip(films, neutral)] for _, measure, _ in choices]
                means = [float(np.mean(values)) for values in changes]
                best = int(np.argmax([mean / least for mean, (_, _, least) in zip(means, choices)]))
                what, _, least = choices[best]
                each = " ".join(f"{value:+.3f}" for value in changes[best])
                table.add(emotion, what, means[best], least, f"by line {each}")

    def turned(self, line: Line, table: Table) -> None:
        for angle in TURNS:
            film, _ = self.film(line, MIXED, angle)
            table.add("turned", f"face found at {angle:+.0f} degrees",
                      float(np.mean([points is not None for points in film])), LEAST_FOUND)

    def limits(self, table: Table) -> None:
        usual = limits.reach(self.head, limits.ordinary_frames(), self.threads).worst()
        for name, frames in (("mixed", limits.mixed_frames()), ("extreme", limits.extreme_frames(self.seed))):
            worst = limits.reach(self.head, frames, self.threads).worst()
            for what, words, factor in REACHES:
                note = f"{worst[what]:.1f} mm, ordinary {usual[what]:.1f}"
                table.at_most("limits", f"{name}: {words}", worst[what] / max(usual[what], 1e-9), factor, note)

    def clip(self, line: Line, table: Table) -> None:
        found = frozen_psnr(self.head, take_of(line, {"happy": 1.0}, self.seed), self.size, self.threads)
        note = ", ".join(f"{name} {value:.1f}" for name, value in found.items() if name != "all")
        table.add("clip", "dB with mean sizes and colours", found["all"], LEAST_FROZEN, note)

    def long(self, line: Line, seconds: float, table: Table) -> None:
        told = long_take(self.head, line, seconds, self.size, self.seed, self.threads)
        table.at_most("long", "MB more a minute performed", told["megabytes_per_minute"], MOST_MEGABYTES_PER_MINUTE,
                      f"{told['frames']} frames")
        table.at_most("long", "MB more while drawing", told["megabytes_drawn"], MOST_MEGABYTES_DRAWN)
        table.add("long", "the same twice", told["same_twice"], 1.0)
        table.at_most("long", "drift of the mouth", abs(told["mouth_ratio"] - 1), MOST_DRIFT)
        table.add("long", "face found at the start", told["faces_start"], LEAST_FOUND)
        table.add("long", "face found at the end", told["faces_end"], LEAST_FOUND)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("head", help="name of a head, or an .emohead file")
    parser.add_argument("--speech", type=Path, required=True, help="a folder of WAV files")
    parser.add_argument("--emodb", type=Path, required=True)
    parser.add_argument("--parts", default=",".join(PARTS), help=f"some of {', '.join(PARTS)}")
    parser.add_argument("--utterances", type=int, default=12, help="of EmoDB, for lips")
    parser.add_argument("--acted", type=int, default=3, help="lines that are said with every emotion")
    parser.add_argument("--minutes", type=float, default=20.0, help="of the long take")
    parser.add_argument("--size", type=int, default=384)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    torch.set_num_threads(1)
    parts = options.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    table = Table()
    try:
        head = open_head(options.head)
        check = Check(head, options.size, options.seed, options.threads)
        speech, emodb = speech_lines(options.speech), emodb_lines(options.emodb, options.utterances)
        print(f"{'':10} {'':34}{'seen':>10}{'needs':>10}")
        if "lips" in parts:
            check.lips(speech + emodb, table)
        if "emotions" in parts:
            check.emotions((speech[:1] + emodb)[: options.acted], table)
        if check.frames:
            table.add("tracker", "face found", check.found / check.frames, LEAST_FOUND, f"in {check.frames} frames")
        if "turned" in parts:
            check.turned(speech[0], table)
        if "limits" in parts:
            check.limits(table)
        if "clip" in parts:
            check.clip(speech[0], table)
        if "long" in parts:
            check.long(speech[0], 60 * options.minutes, table)
    except EngineError as error:
        sys.exit(f"error: {error}")
    if options.json:
        told = {"head": head.name, "gaussians": len(head.gaussians), "size": options.size, "seed": options.seed}
        write_text(options.json, json.dumps(told | {"good": table.good, "rows": table.rows}, indent=1))
    sys.exit(not table.good)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts that the actor's capture is rendered in, each a work folder of its own, and how they become one.

Each part is rendered in portions that are spread evenly over it, and the parts take turns, so that whatever is rendered
so far is a capture of everything.
"""

import json
import os
import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from engine.errors import FormatError, InputError
from engine.files import make_folder, write_text

CHARACTER, PLAN = "character.json", "plan.json"
PICTURES = ("frames", "masks")
SAME = ("format", "version", "identity", "fps", "width", "height", "source", "fingerprint", "engine", "samples",
        "expression_names")
LISTS = ("labels", "sound", "warnings", "frames", "viewmats", "Ks", "expression")


@dataclass(frozen=True)
class Part:
    """A share of the pictures, and what they say: spoken lines are (sound file, emotion -> weight)."""

    name: str
    share: float
    lines: tuple[tuple[str, dict[str, float]], ...] = ()


# Few films of a face show what designed poses do, and no design shows how shapes go together in speech: half and half.
# Nothing in a fit looks at two pictures at once, and those 40 ms apart are nearly the same, so speech is shown every
# fourth frame of many lines; only what is held out, the last tenth, is shown frame by frame, for lips to be judged by.
# It is a line that no other part has.
PARTS = (
    Part("designed", 0.468),
    Part("spoken", 0.432, (
        ("Claire_neutral.wav", {}), ("Claire_anger.wav", {"angry": 1.0}), ("Mark_sadness.wav", {"sad": 1.0}),
        ("", {"happy": 1.0}), ("", {"surprised": 1.0}), ("Mark_sadness.wav", {"fear": 1.0}),
        ("Claire_anger.wav", {"disgusted": 1.0}), ("", {"contempt": 1.0}), ("Claire_neutral.wav", {"happy": 0.5}),
        ("Mark_sadness.wav", {}), ("Claire_anger.wav", {"angry": 0.5, "sad": 0.5}),
        ("Mark_sadness.wav", {"surprised": 0.5, "happy": 0.5}), ("", {"fear": 0.5, "surprised": 0.5}), ("", {}),
    )),
    Part("held_out", 0.100, (("Mark_joy.wav", {"happy": 0.7}),)),
)


def join(folders: list[Path], out: Path) -> int:
    """Make one character's folder of those parts that are there, as far as they are rendered. Pictures are linked.

    Args:
        folders: of the parts, in their order in time.
        out: replaced where it is there.

    Returns:
        How many pictures it has.

    Raises:
        FormatError: a part is damaged, or the parts are not of one character and one kind.
        InputError: nothing is rendered yet.
    """
    shutil.rmtree(out, ignore_errors=True)
    for kind in (*PICTURES, "audio"):
        make_folder(out / kind)
    whole: dict = {}
    start = 0
    for folder in folders:
        if (plan := _plan(folder)) is None:
            continue
        if not whole:
            whole = plan | {name: [] for name in LISTS}
        if different := [name for name in SAME if plan[name] != whole[name]]:
            raise FormatError(f"{folder} is of another {different[0]} than the part before.",
                              "Render the parts from one actor with the same settings.")
        start = _append(whole, plan, folder, out, start)
    if not whole or not whole["frames"]:
        raise InputError("No picture is rendered yet.", "Let the rendering run for a while first.")
    write_text(out / CHARACTER, json.dumps(whole))
    return len(whole["frames"])


def _plan(folder: Path) -> dict | None:
    """A part's plan, finished or not; None for one that was not begun. Raises FormatError."""
    for path in (folder / CHARACTER, folder / PLAN):
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError) as error:
            raise FormatError(f"{path} cannot be read ({error}).", "Delete that part and render it again.") from None
    return None


def _append(whole: dict, plan: dict, folder: Path, out: Path, start: int) -> int:
    """Add a part's pictures from frame `start` on; returns the frame after its end."""
    fps = Fraction(plan["fps"])
    for row, frame in enumerate(plan["frames"]):
        pair = [folder / kind / f"000_{frame:07d}.png" for kind in PICTURES]
        if not all(path.is_file() for path in pair):
            continue
        for path, kind in zip(pair, PICTURES):
            os.link(path, out / kind / f"000_{start + frame:07d}.png")
        whole["frames"].append(start + frame)
        for name in ("viewmats", "Ks", "expression"):
            whole[name].append(plan[name][row])
    seconds = float(start / fps)
    for label in plan["labels"]:
        whole["labels"].append(label | {"start": label["start"] + seconds, "end": label["end"] + seconds})
    for sound in plan["sound"]:
        name = f"{len(whole['sound']):03d}{Path(sound['file']).suffix}"
        os.link(folder / "audio" / sound["file"], out / "audio" / name)
        whole["sound"].append({"file": name, "frame": start + sound["frame"]})
    whole["warnings"] += [text for text in plan["warnings"] if text not in whole["warnings"]]
    end = max([plan["frames"][-1] + 1, *(round(label["end"] * fps) for label in plan["labels"])])
    return start + end

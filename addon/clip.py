# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames of one run and where they belong on the timeline: run.json beside them."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from .paths import write_text
from .problem import Problem

FILE = "run.json"


@dataclass(frozen=True)
class Clip:
    """A run that is whole.

    Args:
        folder: absolute path of the folder that holds the frames.
        first: number in the name of the first frame's file, from 1: the take's frame first - 1.
        frames: how many there are.
        scene_first: the scene frame that the first file belongs to.
        audio: absolute path of the audio.
        audio_start: the scene frame where the audio begins.
        camera: name of the camera that the first frame was drawn through.
    """

    folder: str
    first: int
    frames: int
    scene_first: int
    audio: str
    audio_start: int
    camera: str

    @property
    def scene_last(self) -> int:
        return self.scene_first + self.frames - 1

    def files(self) -> list[str]:
        """File names of the frames, in order."""
        return [f"frame_{number:05d}.png" for number in range(self.first, self.first + self.frames)]


def save_clip(clip: Clip) -> None:
    """Write run.json beside the frames. Raises Problem."""
    content = {key: value for key, value in asdict(clip).items() if key != "folder"}
    write_text(Path(clip.folder) / FILE, json.dumps({"format": "emosplat-run", "version": 1, **content}, indent=1))


def load_clip(folder: str) -> Clip:
    """Read run.json and check that every frame is there.

    Raises:
        Problem: the folder is no whole run.
    """
    path = Path(folder) / FILE
    again = "Generate again."
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Problem(f"{path} could not be read ({error.strerror}).", again) from None
    except ValueError as error:
        raise Problem(f"{path} is not JSON ({error}).", again) from None
    if not isinstance(data, dict) or (data.pop("format", None), data.pop("version", None)) != ("emosplat-run", 1):
        raise Problem(f"{path} was not written by this version of EmoSplat.", again)
    kinds = {field.name: field.type for field in fields(Clip) if field.name != "folder"}
    if data.keys() != kinds.keys() or any(type(data[name]) is not kind for name, kind in kinds.items()):
        raise Problem(f"{path} does not hold what it should.", again)
    clip = Clip(folder, **data)
    check_frames(clip)
    return clip


def check_frames(clip: Clip) -> None:
    """Raise Problem unless every frame's file is there."""
    there = {path.name for path in Path(clip.folder).glob("frame_*.png")}
    missing = [name for name in clip.files() if name not in there]
    if missing or not 0 < clip.frames < 1_000_000:
        raise Problem(f"{clip.folder} lacks {len(missing) or 'all'} of {clip.frames} frames.", "Generate again.")

# SPDX-License-Identifier: GPL-3.0-or-later
"""The work folder: pictures under their names only when whole, and character.json when all are there. No Blender.

`plan.json` lies there from the start and becomes `character.json` at the end: the same plan goes on where it was
stopped, another one begins anew.
"""

import json
import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np

from ..paths import disk_problem, write_text
from ..problem import Problem

FORMAT, VERSION = "emosplat-character", 1
PLAN, FINISHED = "plan.json", "character.json"
FRAMES, MASKS, AUDIO = "frames", "masks", "audio"
_END = b"\0\0\0\0IEND\xaeB`\x82"


class Work:
    """A work folder with its plan.

    Args:
        folder: made where missing.
        plan: what character.json will hold, without format and version; every field that changes a picture.
        sounds: files to copy into audio/, in the order of the plan's `sound`.

    Raises:
        Problem: the folder is something else's, or cannot be written.
    """

    def __init__(self, folder: Path, plan: dict, sounds: list[Path]) -> None:
        self.folder, self.rows = folder, len(plan["frames"])
        self._frames = plan["frames"]
        text = json.dumps({"format": FORMAT, "version": VERSION, **plan}, allow_nan=False)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not self._holds(text):
                self._begin(sounds)
                write_text(folder / PLAN, text)
        except OSError as error:
            raise disk_problem(error, Path(error.filename or folder)) from error

    def picture(self, row: int) -> Path:
        return self.folder / FRAMES / _name(self._frames[row])

    def mask(self, row: int) -> Path:
        return self.folder / MASKS / _name(self._frames[row])

    def finish(self) -> bool:
        """Give the plan its final name if every picture is there; True when it has it."""
        if not all(is_whole_png(path(row)) for row in range(self.rows) for path in (self.picture, self.mask)):
            return False
        try:
            os.replace(self.folder / PLAN, self.folder / FINISHED)
        except FileNotFoundError:  # another process that renders a part of the plan was quicker
            pass
        except OSError as error:
            raise disk_problem(error, self.folder / FINISHED) from error
        return (self.folder / FINISHED).is_file()

    def _holds(self, text: str) -> bool:
        for name in (PLAN, FINISHED):
            try:
                if (self.folder / name).read_text(encoding="utf-8") == text:
                    return True
            except (OSError, ValueError):
                continue
        return False

    def _begin(self, sounds: list[Path]) -> None:
        ours = (self.folder / PLAN, self.folder / FINISHED)
        known = {FRAMES, MASKS, AUDIO}
        there = {path.name for path in self.folder.iterdir()}
        if there & known and not any(path.is_file() for path in ours):
            raise Problem(f"{self.folder} holds other things.", "Choose an empty folder.", "storage")
        for path in ours:
            path.unlink(missing_ok=True)
        for kind in known:
            if (self.folder / kind).exists():
                shutil.rmtree(self.folder / kind)
            (self.folder / kind).mkdir()
        for number, sound in enumerate(sounds):
            shutil.copyfile(sound, self.folder / AUDIO / sound_name(number, sound))


def sound_name(number: int, sound: Path) -> str:
    return f"{number:03d}{sound.suffix.lower()}"


def _name(frame: int) -> str:
    """One camera moves from frame to frame: camera 0."""
    return f"000_{frame:07d}.png"


def is_whole_png(path: Path) -> bool:
    """A file that a full disk or a power cut left without its end is none."""
    try:
        with open(path, "rb") as file:
            file.seek(-len(_END), os.SEEK_END)
            return file.read(len(_END)) == _END
    except OSError:
        return False


def settle(part: Path, path: Path) -> None:
    """Give a picture its name if it is whole. Raises Problem: what was written is not."""
    if not is_whole_png(part):
        part.unlink(missing_ok=True)
        raise Problem(f"{path} could not be written whole.", "Free some space on the disk and start again: it goes on.",
                      "storage")
    os.replace(part, path)


def grey_png(image: np.ndarray) -> bytes:
    """(H, W) uint8 as an 8-bit grey PNG: Blender's own writer would take it through colour management."""
    height, width = image.shape
    rows = np.zeros((height, width + 1), np.uint8)  # every row begins with its filter, none
    rows[:, 1:] = image
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 3)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )

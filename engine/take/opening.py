# SPDX-License-Identifier: GPL-3.0-or-later
"""Any file that holds a take: .emotake, take.json, or another program's CSV."""

from fractions import Fraction
from pathlib import Path

from ..errors import InputError
from ..report import Report
from .live_link import read_csv
from .storage import load_take, read_take_json
from .take import Take

SUFFIXES = (".emotake", ".json", ".csv")


def is_take(path: str | Path) -> bool:
    """Whether a file's name says that it holds a take, and no sound."""
    return Path(path).suffix.lower() in SUFFIXES


def open_take(path: str | Path, report: Report, timecode_fps: Fraction | None = None) -> Take:
    """Read a take of any kind.

    Args:
        report: told "read", and what is doubtful.
        timecode_fps: frames that a CSV's timecode counts in a second; None: found from the file.

    Raises:
        InputError: there is no such file, or it is of another kind.
        FormatError: it is damaged.
    """
    path = Path(path)
    if not is_take(path):
        raise InputError(f"{path.name or path} is no take.", f"Choose a file that ends in {', '.join(SUFFIXES)}.")
    if not path.is_file():
        raise InputError(f"The take {path} does not exist.", "Choose a file that exists.")
    if path.suffix.lower() == ".csv":
        return read_csv(path, report, timecode_fps)
    return load_take(path) if path.suffix.lower() == ".emotake" else read_take_json(path)

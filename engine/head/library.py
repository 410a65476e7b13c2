# SPDX-License-Identifier: GPL-3.0-or-later
"""The heads at hand: the bundled ones by name (the puppet and the files of engine/data), and those of a folder."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from ..errors import FormatError, InputError
from .head import Head
from .puppet import build_puppet
from .storage import glance, load_head

SUFFIX = ".emohead"
DATA = Path(__file__).resolve().parents[1] / "data"


@dataclass(frozen=True)
class HeadInfo:
    """One line of the list of heads.

    Args:
        name: what `open_head` takes.
        path: its file; "" for a bundled head.
        gaussians: how many; 0 where the file cannot be used.
        title: for people.
        error: why the file cannot be used, or "".
    """

    name: str
    path: str
    gaussians: int
    title: str
    error: str = ""


@cache
def _puppet() -> Head:
    return build_puppet()


@cache
def _fitted(path: Path) -> Head:
    return load_head(path)


def bundled_heads() -> dict[str, Callable[[], Head]]:
    """Makers of the heads that came with the program, by name; the puppet, which is no person, last."""
    return {path.stem: partial(_fitted, path) for path in _files(DATA)} | {"puppet": _puppet}


def list_heads(folder: str | Path = "") -> list[HeadInfo]:
    """Every bundled head, then every .emohead of `folder`, sorted by name; a broken one is listed with its error.

    Raises:
        InputError: `folder` is given and is no folder that can be read.
    """
    puppet = _puppet()
    infos = [replace(_info(path), path="") for path in _files(DATA)]
    infos.append(HeadInfo(puppet.name, "", len(puppet.gaussians), puppet.meta["title"]))
    return infos + [_info(path) for path in _files(folder)]


def open_head(name_or_path: str | Path, folder: str | Path = "") -> Head:
    """A head by its bundled name, by the name of a file in `folder`, or by the path of an .emohead.

    Raises:
        FormatError: the file is missing or cannot be used.
        InputError: no head has this name; the message lists those there are.
    """
    name = str(name_or_path)
    bundled = bundled_heads()
    if name in bundled:
        return bundled[name]()
    if Path(name).suffix.lower() == SUFFIX:
        return load_head(name)
    files = _files(folder)
    for path in files:
        if path.stem == name:
            return load_head(path)
    names = ", ".join([*bundled, *(path.stem for path in files)])
    raise InputError(f"There is no head {name!r}; there are: {names}.", "Choose one of these, or an .emohead file.")


def _files(folder: str | Path) -> list[Path]:
    if not str(folder):
        return []
    try:
        return sorted(path for path in Path(folder).iterdir() if path.suffix.lower() == SUFFIX)
    except OSError as error:
        raise InputError(
            f"The heads folder {folder} cannot be read ({error.strerror}).", "Choose a folder that exists."
        ) from None


def _info(path: Path) -> HeadInfo:
    try:
        meta, gaussians = glance(path)
    except FormatError as error:
        return HeadInfo(path.stem, str(path), 0, path.stem, str(error))
    return HeadInfo(path.stem, str(path), gaussians, str(meta.get("title", path.stem))[:200])

# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures on disk: where they lie, which there are, which is chosen, and what the next one may be called."""

import itertools
import json
import re
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import bpy

from . import paths
from .problem import Problem

CAPTURE_JSON, REPORT, JOURNAL, PART = "capture.json", "report.html", "journal.json", ".part"
# What a character is rendered to, before its capture is made: a copy of the file, the engine's takes, pictures.
RENDER, RENDERED_FILE, TAKES = ".render", "character.blend", "takes"
MAX_JSON_BYTES = 4_000_000


@dataclass(frozen=True)
class KnownCapture:
    """A finished capture as the panel shows it; `error` says why its capture.json cannot be used, or is "", and
    `person` is False where a Blender character was rendered."""

    folder: Path
    pictures: int = 0
    made: str = ""
    warnings: tuple[str, ...] = ()
    has_report: bool = False
    error: str = ""
    person: bool = True

    @property
    def name(self) -> str:
        return self.folder.name


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Args:
        captures: by name.
        begun: names of captures that were broken off and can go on.
        rendered: names of characters' captures that were broken off while they were rendered, and can go on.
        taken: names, in lower case, that a new capture may not have.
    """

    captures: tuple[KnownCapture, ...] = ()
    begun: frozenset[str] = frozenset()
    rendered: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()


# By folder. Panels are drawn often and disks may be far away: a folder is read once, then again after `look_again`.
_listings: dict[Path, Listing] = {}


def listing(folder: Path) -> Listing:
    """What a folder of captures holds, as it was when it was last looked at."""
    if folder not in _listings:
        _listings[folder] = _list(folder)
    return _listings[folder]


def discard_begun(folder: Path, name: str) -> None:
    """Delete a capture that was broken off. Raises Problem when there is none of this name, or the disk refuses."""
    look_again()
    there = listing(folder)
    parts = [folder / f"{name}{PART}"] if name in there.begun else []
    parts += [folder / f"{name}{RENDER}"] if name in there.rendered else []
    if not parts:
        raise Problem(f"No capture {name!r} was broken off in this folder.", "Look again which there are.")
    try:
        for part in parts:
            shutil.rmtree(part)
    except OSError as error:
        raise paths.disk_problem(error, part) from error
    finally:
        look_again()


def look_again() -> None:
    _listings.clear()


def captures_folder(scene: bpy.types.Scene) -> Path:
    """Where a scene's captures go: its own choice, beside the .blend, or the extension's user folder.

    It need not exist yet.
    """
    if scene.emosplat_capture.folder:
        return Path(paths.absolute(scene.emosplat_capture.folder))
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / "captures"
    return Path(bpy.utils.extension_path_user(paths.EXTENSION, path="captures"))


def free_folder(parent: Path, name: str) -> tuple[Path, bool]:
    """Where a new capture called `name` goes, and whether one that was broken off goes on there.

    Whatever has the name already is left alone: the next one gets a number.
    """
    known = listing(parent)
    stem = paths.file_name(name) or "capture"
    candidates = itertools.chain([stem], (f"{stem}_{number:03d}" for number in itertools.count(2)))
    name = next(candidate for candidate in candidates if candidate.lower() not in known.taken)
    return parent / name, name in known.begun


def chosen_capture(scene: bpy.types.Scene) -> KnownCapture | None:
    """The capture that is chosen in the panel, if it is one of the folder's."""
    folder = Path(paths.absolute(scene.emosplat_capture.capture))
    return next((known for known in listing(captures_folder(scene)).captures if known.folder == folder), None)


def choose_capture(scene: bpy.types.Scene, folder: Path) -> None:
    scene.emosplat_capture.capture = paths.stored(folder)


def _list(folder: Path) -> Listing:
    try:
        entries = sorted(folder.iterdir(), key=lambda path: path.name.lower())
        captures = [_read(path) for path in entries if (path / CAPTURE_JSON).is_file() and path.suffix != PART]
        begun = {path.stem for path in entries if path.suffix == PART and (path / JOURNAL).is_file()}
        rendered = {path.stem for path in entries if path.suffix == RENDER and _is_rendered(path)}
        foreign = _foreign(entries, begun)
    except OSError:  # not there yet, or not ours to look into: making a capture will say so
        return Listing()
    return Listing(tuple(captures), frozenset(begun), frozenset(rendered), frozenset(foreign))


def _is_rendered(folder: Path) -> bool:
    return (folder / RENDERED_FILE).is_file() and (folder / TAKES).is_dir()


def _foreign(entries: Iterable[Path], begun: set[str]) -> Iterable[str]:
    """The names that are taken: by whatever has them, and by a .part that is no capture that was begun."""
    for path in entries:
        if path.suffix != PART:
            yield path.name.lower()
        elif path.stem not in begun:
            yield path.stem.lower()


def _read(folder: Path) -> KnownCapture:
    """A capture's line; the folder may come from a stranger."""
    file = folder / CAPTURE_JSON
    try:
        facts = file.stat()
        if facts.st_size > MAX_JSON_BYTES:
            raise ValueError("it is too large")
        data = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("format") != "emosplat-capture":
            raise ValueError("it is no capture's")
        pictures, warnings = data["pictures"], data.get("warnings", [])
        if not isinstance(pictures, int) or not isinstance(warnings, list):
            raise ValueError("its fields are of other kinds")
    except (OSError, KeyError, ValueError, RecursionError) as error:
        return KnownCapture(folder, error=f"{CAPTURE_JSON} cannot be used ({error!s:.80})")
    made = time.strftime("%d %b", time.localtime(facts.st_mtime))
    texts = tuple(re.sub(r"\s+", " ", text)[:500] for text in warnings if isinstance(text, str))
    person = not str(data.get("source", "")).endswith(".blend")
    return KnownCapture(folder, pictures, made, texts, (folder / REPORT).is_file(), person=person)

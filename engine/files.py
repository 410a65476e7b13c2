# SPDX-License-Identifier: GPL-3.0-or-later
"""Files appear under their final name only when they are whole; what the disk refuses becomes a sentence."""

import errno
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

from .errors import StorageError


def storage_error(error: OSError, path: Path) -> StorageError:
    """The sentence for an OSError met while writing `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        todo = "Free some space or choose another folder."
        return StorageError(f"The disk is full: {path} could not be written.", todo)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(f"{path.parent} may not be written to.", "Choose a folder that you own.")
    return StorageError(f"{path} could not be written ({error.strerror or error}).", "Choose another folder.")


def make_folder(path: str | os.PathLike) -> Path:
    """Create a folder with its parents. Raises StorageError."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise StorageError(f"{path} is a file, not a folder.", "Choose another folder.") from None
    except OSError as error:
        raise storage_error(error, path) from error
    if not os.access(path, os.W_OK):
        raise StorageError(f"{path} may not be written to.", "Choose a folder that you own.")
    return path


@contextmanager
def whole_file(path: str | os.PathLike):
    """Yield a temporary path beside `path`; it takes the final name when the block ends well, and goes otherwise.

    Raises:
        StorageError: for every OSError in the block or at the renaming.
    """
    path = Path(path)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        raise storage_error(error, path) from error
    finally:
        part.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write a whole UTF-8 file or none. Raises StorageError."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def user_cache() -> Path:
    """The user's folder for what can be made or fetched again; it need not exist. RuntimeError: there is no home."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "EmoSplat" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "EmoSplat"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emosplat"


def existing_parent(path: str | os.PathLike) -> Path:
    """The nearest folder at or above `path` that is there; the root where nothing is (a drive that was unplugged)."""
    path = Path(path).absolute()
    while not os.path.exists(path) and path != path.parent:
        path = path.parent
    return path


def require_space(folder: str | os.PathLike, needed: int) -> None:
    """Raise StorageError unless `needed` bytes are free where `folder` lies (it need not exist yet)."""
    folder = existing_parent(folder)
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise StorageError(f"{folder} cannot be looked at ({error.strerror}).", "Choose another folder.") from error
    if free < needed:
        raise StorageError(
            f"{folder} has {free / 1e6:,.1f} MB free and this needs about {needed / 1e6:,.1f} MB.",
            "Free some space or choose another folder.",
        )

# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things lie: the extension, its user folder, the frames of a head."""

import errno
import os
import re
import sys
from pathlib import Path

import bpy

from .problem import Problem

# The name that Blender knows the extension by, such as "bl_ext.user_default.emosplat".
EXTENSION = __package__.rpartition(".")[0]
EXTENSION_FOLDER = Path(__file__).resolve().parent.parent
HEAD_SUFFIX = ".emohead"
RUN_PREFIX = "run_"


def user_folder(name: str = "") -> Path:
    """A folder that the extension may write to, made where missing. Raises Problem."""
    try:
        return Path(bpy.utils.extension_path_user(EXTENSION, path=name, create=True))
    except OSError as error:
        raise disk_problem(error, "the extension's user folder") from error


def wheels_folder() -> Path:
    """Where Blender unpacks the wheels of extensions for its own Python."""
    version = "python{}.{}".format(*sys.version_info)
    return Path(bpy.utils.user_resource("EXTENSIONS")) / ".local" / "lib" / version / "site-packages"


def log_file() -> Path:
    return user_folder("log") / "engine.log"


def absolute(path: str) -> str:
    """A path as typed in Blender ("//" is beside the .blend) as an absolute one; "" stays ""."""
    return os.path.abspath(bpy.path.abspath(path)) if path else ""


def sound_file(sound: bpy.types.Sound) -> str:
    """A sound's file as an absolute path; a linked sound's "//" is beside the file that it is linked from."""
    return os.path.abspath(bpy.path.abspath(sound.filepath, library=sound.library))


def stored(path: str | Path) -> str:
    """A path as it should stand in the .blend: relative to it where it lies below the .blend's folder."""
    home = bpy.path.abspath("//") if bpy.data.filepath else ""
    if home and Path(path).is_relative_to(os.path.abspath(home)):
        return bpy.path.relpath(str(path))
    return str(path)


def file_name(text: str) -> str:
    """What a file or folder may be called after something that an animator named."""
    return re.sub(r"[^\w\-]+", "_", text)[:80]


def frames_folder(head: bpy.types.Object, override: str) -> Path:
    """The folder that holds a head's runs. It need not exist yet.

    Args:
        override: the preference's folder, or "": beside the .blend, or the extension's user folder for an unsaved one.

    Each .blend has its own, so that deleting what one does not show leaves the frames of its neighbours alone.
    """
    name = file_name(head.name)
    blend = bpy.data.filepath
    if override:
        return Path(absolute(override)) / (Path(blend).stem or "unsaved") / name
    if blend:
        return Path(blend).parent / "emosplat" / Path(blend).stem / name
    return user_folder("frames") / name


def new_run_folder(parent: Path) -> Path:
    """Make the next free run_#### folder, so that strips of earlier runs keep their pictures. Raises Problem."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        number = max((int(run.name[len(RUN_PREFIX):]) for run in run_folders(parent)), default=0)
        while True:
            number += 1
            folder = parent / f"{RUN_PREFIX}{number:04d}"
            try:
                folder.mkdir()
                return folder
            except FileExistsError:  # another Blender was quicker
                continue
    except OSError as error:
        raise disk_problem(error, parent) from error


def run_folders(parent: Path) -> list[Path]:
    """The runs of a head, oldest first."""
    if not parent.is_dir():
        return []
    runs = (path for path in parent.iterdir() if re.fullmatch(RUN_PREFIX + r"\d{4,9}", path.name))
    return sorted(path for path in runs if path.is_dir())


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file or none. Raises Problem."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise disk_problem(error, path) from error


def disk_problem(error: OSError, path: str | Path) -> Problem:
    """The sentence for an OSError met while writing `path`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Problem(f"The disk is full: {path} could not be written.",
                       "Free some space, or choose another frames folder in the preferences.", "storage")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Problem(f"{path} may not be written to.",
                       "Save the .blend in a folder that you own, or choose a frames folder in the preferences.",
                       "storage")
    return Problem(f"{path} could not be written ({error.strerror or error}).",
                   "Choose another frames folder in the preferences.", "storage")

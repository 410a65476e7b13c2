# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender renders of a talking head says of itself that it is synthetic: PNGs as they are written, films at their
end. A preference, on by default.
"""

import logging
import os
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from ..engine.protocol.provenance import MP4_UUID, marked_png, mp4_box
from .compat import all_strips_of
from .preferences import preferences

OURS = "emosplat_"  # what the add-on puts into a scene has a custom property of such a name
FILMS = {"MPEG4", "QUICKTIME"}
log = logging.getLogger(__name__)


def shows_a_head(scene: bpy.types.Scene) -> bool:
    """Whether the scene has a strip, a plane or points that the add-on made."""
    things = list(scene.objects)
    if scene.sequence_editor is not None:
        things += all_strips_of(scene.sequence_editor)
    return any(key.startswith(OURS) for thing in things for key in thing.keys())


def mark_png(path: Path) -> None:
    """Mark a picture that is there. Raises OSError, or ValueError for what is no PNG."""
    data = path.read_bytes()
    marked = marked_png(data)
    if marked is not data:
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(marked)
        os.replace(part, path)


def mark_film(path: Path) -> None:
    """Mark a film that is there. Raises OSError, or ValueError for what is no MPEG-4 or QuickTime film."""
    with open(path, "r+b") as film:
        while head := film.read(24):
            size, kind = int.from_bytes(head[:4], "big"), head[4:8]
            if size == 1:
                size = int.from_bytes(head[8:16], "big")
            if size < 8 or not kind.isalnum():
                raise ValueError("this is no MPEG-4 film")
            if kind == b"uuid" and head[8:24] == MP4_UUID:
                return
            film.seek(size - len(head), os.SEEK_CUR)
        film.seek(0, os.SEEK_END)
        film.write(mp4_box())


def _written(scene: bpy.types.Scene) -> Path:
    """The picture or film that the scene has just rendered on its current frame.

    A single picture's name has no number, and an extension of its own stays, or gives way to the right one. Of all
    these the file that was written last is meant: others may lie there from former renders.
    """
    settings = scene.render
    numbered = Path(bpy.path.abspath(settings.frame_path(frame=scene.frame_current)))
    plain, extension = Path(bpy.path.abspath(settings.filepath)), settings.file_extension
    names = [numbered, plain, Path(f"{plain}{extension}")] + [plain.with_suffix(extension)] * bool(plain.suffix)
    return max((path for path in names if path.is_file()), key=lambda path: path.stat().st_mtime_ns, default=numbered)


def _wanted(scene: bpy.types.Scene) -> bool:
    return preferences().mark_synthetic and shows_a_head(scene)


@persistent
def _picture_written(scene: bpy.types.Scene, *_arguments) -> None:
    if scene.render.image_settings.file_format == "PNG" and _wanted(scene):
        _try(mark_png, _written(scene))


@persistent
def _render_ended(scene: bpy.types.Scene, *_arguments) -> None:
    if scene.render.is_movie_format and scene.render.ffmpeg.format in FILMS and _wanted(scene):
        _try(mark_film, _written(scene))


def _try(mark, path: Path) -> None:
    """A render is worth more than its mark: what stands in the way is logged."""
    try:
        mark(path)
    except (OSError, ValueError) as error:
        log.warning("%s could not be marked as synthetic (%s)", path, error)


HANDLERS = (("render_write", _picture_written), ("render_complete", _render_ended), ("render_cancel", _render_ended))


def register() -> None:
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)

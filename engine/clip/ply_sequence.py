# SPDX-License-Identifier: GPL-3.0-or-later
"""A clip as one PLY file per frame, for other splat tools; the order of the splats is the same in all of them."""

from pathlib import Path

from ..files import require_space
from ..report import Report
from ..splats.ply import write_ply
from .clip import Clip


def ply_name(frame: int) -> str:
    """File name of the take's frame `frame` (from 0); files count from 1, as rendered frames do."""
    return f"frame_{frame + 1:05d}.ply"


def write_ply_sequence(clip: Clip, folder: Path, report: Report) -> list[Path]:
    """Write every frame into an existing folder.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
        Cancelled: asked to stop; the files that were finished stay, each whole.
    """
    properties = 14 + 3 * clip.rest.sh.shape[1]
    require_space(folder, 4 * properties * len(clip.rest) * len(clip))
    paths = []
    for frame in range(len(clip)):
        report.progress("write", frame, len(clip))
        paths.append(folder / ply_name(clip.start + frame))
        write_ply(paths[-1], clip.posed(frame))
    report.progress("write", len(clip), len(clip))
    return paths

# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a capture's report: report.html and the pictures in report/."""

import shutil
from pathlib import Path

from ...files import make_folder, storage_error, write_text
from ...report import Report
from ..capture import Capture
from ..storage import AUDIO_FILE, read_mask, read_picture
from .advice import advise
from .coverage import measure_coverage
from .looks import Look, changed_head, gather, head_movement, look_at, mask_jumps
from .page import PICTURES, Findings, render_page
from .pictures import Album, choose, draw_mask, draw_small
from .sound import measure_sound

PAGE = "report.html"


def write_report(folder: Path, capture: Capture, report: Report | None = None) -> list[str]:
    """Look at a capture and write what an animator should know of it; an earlier report goes.

    It opens a fixed number of pictures and so takes about the same time for every capture.

    Args:
        folder: that holds frames, masks and sound of `capture`, under whatever name.

    Returns:
        Advice, one text each, what stops a good head first.

    Raises:
        FormatError: a picture is missing or damaged.
        StorageError: the disk refuses.
        Cancelled: the person asked to stop; no part of a report is left.
    """
    report = report or Report()
    folder = Path(folder)
    _remove(folder)
    try:
        findings = _examine(folder, capture, report)
        write_text(folder / PAGE, render_page(findings))
    except BaseException:
        _remove(folder)
        raise
    return [item.text for item in findings.advice]


def _examine(folder: Path, capture: Capture, report: Report) -> Findings:
    coverage = measure_coverage(capture)
    sound = measure_sound(folder / AUDIO_FILE, report)
    pairs = mask_jumps(folder, capture, report)
    album = choose(capture, *pairs)
    looks = gather(capture, _open_pictures(folder, capture, album, report), pairs)
    advice = advise(coverage, looks, sound, capture.facts)
    return Findings(capture, coverage, looks, sound, album, advice)


def _open_pictures(folder: Path, capture: Capture, album: Album, report: Report) -> dict[int, Look]:
    """Draw what the album shows and measure its samples, each picture opened once."""
    out = make_folder(folder / PICTURES)
    rows, samples, looks = album.rows(), set(album.samples), {}
    for k, row in enumerate(rows):
        report.progress("report", k, len(rows))
        picture, mask = read_picture(folder, capture, row)
        if row in samples:
            tracked = capture.landmarks is not None and capture.confidence[row] > 0
            looks[row] = look_at(picture, mask, capture.landmarks[row] if tracked else None)
        for shot in (*album.contacts, *album.extremes):
            if shot.row == row:
                draw_small(out / shot.file, picture)
        for shot in album.overlays:
            if shot.row == row:
                draw_mask(out / shot.file, picture, mask)
        for shot in album.jumps:
            if shot.row == row:
                before = read_mask(folder, capture, row - 1)
                draw_mask(out / shot.file, picture, mask, changed_head(before, mask, head_movement(capture, row)))
    report.progress("report", len(rows), len(rows))
    return looks


def _remove(folder: Path) -> None:
    try:
        (folder / PAGE).unlink(missing_ok=True)
        if (folder / PICTURES).exists():
            shutil.rmtree(folder / PICTURES)
    except OSError as error:
        raise storage_error(error, folder / PAGE) from error

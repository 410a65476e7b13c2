# SPDX-License-Identifier: GPL-3.0-or-later
"""An hour of video takes little more memory than a minute: what is done with a film's journal once it is tracked."""

import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from synthetic_face import ACTED_FRAMES, SIZE, acted_face

from engine import disk_rows
from engine.capture import film_shots
from engine.capture.film import _capture
from engine.capture.film_shots import judge_clip
from engine.capture.film_sound import FilmSound
from engine.capture.film_tracking import SeenFilm
from engine.capture.storage import load_capture, verify
from engine.capture.tracking import cameras, codes, covering, smoothing
from engine.capture.tracking.journal import RECORD, column, read_columns, read_tracks
from engine.capture.video import VideoInfo
from engine.capture.writer import CaptureWriter
from engine.protocol import CaptureJob
from engine.report import Report

# Tracks have 410 bytes a frame without landmarks; with these, and each of them held once, it would be 10 kB.
MOST_BYTES_PER_FRAME = 1500
FEW, MANY = 500, 2000


@pytest.fixture(scope="module")
def records() -> np.ndarray:
    """(ACTED_FRAMES,) of a face that acts, in the middle of a film of twice its picture's size."""
    records = np.zeros(ACTED_FRAMES, RECORD)
    pixels = acted_face()[3]
    records["landmarks"] = pixels + np.array([SIZE[0] / 2, SIZE[1] / 2, 0])
    records["there"] = records["faces"] = records["sharpness"] = 1
    records["transform"] = np.eye(4)
    records["skin"] = np.random.default_rng(0).integers(120, 130, records["skin"].shape)
    return records


def make(records: np.ndarray, frames: int, folder: Path) -> int:
    """Make the capture of a tracked film whose pictures are all there. Returns the largest memory in bytes."""
    at = np.arange(frames) % (2 * ACTED_FRAMES - 2)  # there and back again: a head that never jumps
    at = np.minimum(at, 2 * ACTED_FRAMES - 2 - at)
    job = CaptureJob("film.mp4", str(folder), size=16)
    writer = CaptureWriter(folder, {"of": "a journal"})
    journal = writer.work / "journal"
    records[at].tofile(journal)
    mask = np.full((16, 16), 2, np.uint8)
    writer.add(0, 0, np.zeros((16, 16, 3), np.uint8), mask)
    first = [folder.with_name(f"{folder.name}.part") / kind / "000_0000000.png" for kind in ("frames", "masks")]
    for frame in range(1, frames):
        writer.link(0, frame, *first)
    size = 2 * SIZE[0], 2 * SIZE[1]
    info = VideoInfo(
        Path("film.mp4"), *size, Fraction(25), False, frames / 25, 0, False, False, False, Fraction(0), None
    )
    tracemalloc.start()
    try:
        small = read_columns(journal, "there", "sharpness")
        seen = SeenFilm(
            read_tracks(journal, size), small["there"] > 0, small["sharpness"], column(journal, "skin"),
            column(journal, "thumbnail"), {frame: journal for frame in range(0, frames, frames // 20)},
        )  # fmt: skip
        faces = judge_clip(seen, 25.0, job.size, "film.mp4", writer.work, Report())
        capture = _capture(job, info, info.fps, seen, faces, FilmSound(info, frames / 25, Report()))
        writer.finish(capture, None, Report())
        assert verify(folder) == []
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_hardly_grows_with_the_film(records, tmp_path, monkeypatch):
    # What has a bound must be at it, and small beside what grows.
    for module, name, value in (
        (disk_rows, "BLOCK", 32), (cameras, "KEY_FRAMES", 40), (codes, "SAMPLES", 60), (covering, "SAMPLES", 60),
        (smoothing, "SEGMENT", 16), (film_shots, "MOTION_SAMPLES", 60),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    few, many = make(records, FEW, tmp_path / "few"), make(records, MANY, tmp_path / "many")
    assert len(load_capture(tmp_path / "many")) > 0.9 * MANY
    assert (many - few) / (MANY - FEW) < MOST_BYTES_PER_FRAME

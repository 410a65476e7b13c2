# SPDX-License-Identifier: GPL-3.0-or-later
"""How good a head is, on pictures of a capture that it was not fitted to: driven by what was tracked, and by the sound.

Each picture is drawn from its own camera. A film's poses are first refined on the picture, head and all else fixed,
since the fit refined those that it saw; what the tracked poses give stands beside it. Driven by the sound, a head has
the poses of the other pass, and from the pictures nothing else.
"""

import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import numpy as np

from ..capture.capture import Capture
from ..capture.storage import load_capture
from ..deform.drive import DriveFrame
from ..errors import InputError, MissingModelError, MissingPackageError
from ..head.head import Head
from ..head.library import open_head
from ..protocol import EvaluateJob
from ..report import Report
from .demands import require_memory
from .faces import SeenFaces, track_both
from .heard import drive_of, hear, only
from .metrics import core, in_box, psnr, sharpness, structural_similarity
from .pictures import Pictures, fitted_size
from .scene import Scene
from .settings import HEARD
from .sync import sync_measures
from .view import Placed, draw, refined, tracked, true_picture, uncertainty

SPLITS = ("test", "train", "all")
LARGEST_SIZE = 512  # pixels where neither the job nor the head says a size
DOUBTED = 40  # pictures that the uncertainty is judged on
TIMED = 20  # pictures that the speed is measured on


def evaluate(job: EvaluateJob, report: Report, heard: Collection[str] = HEARD) -> dict:
    """Measure a head against a capture.

    Args:
        heard: what the head was fitted to hear, where that was not all.

    Returns:
        `expression_driven` and `audio_driven` (None without sound) with the measures of docs/formats.md.

    Raises:
        FormatError: the head or the capture cannot be used.
        InputError: no pictures in the split.
        Cancelled: the person asked to stop.
    """
    capture = load_capture(job.capture)
    head = open_head(job.head)
    held_out = split_rows(capture, job.split)
    size = fitted_size(capture, job.size or max(head.meta.get("fit", {}).get("size", [LARGEST_SIZE])))
    require_memory(len(head.gaussians), size)
    take = hear(Path(job.capture), capture, head.person, job.emotion_model, report)
    driving = take and only(take, heard)
    with tempfile.TemporaryDirectory(prefix="emosplat-evaluate-") as folder:
        pictures = Pictures(Path(folder), Path(job.capture), capture, size)
        scene = Scene.of(capture, pictures, drive_of(capture, driving), held_out, report)
        rows = scene.test
        places = place_rows(head, scene, rows, report)
        shown = _measure(head, scene, rows, scene.drive.frame, places, take, report)
        if scene.views.filmed:
            shown["tracked_poses"] = _likeness(head, scene, rows, report)
        by_sound = None
        if driving is not None:
            by_sound = _measure(
                head, scene, rows, lambda row: DriveFrame.of_take(driving, int(capture.frames[row])), places, take,
                report,
            )
        del scene, pictures  # they map the folder's files: Windows deletes no such file
    return {
        "head": head.name, "capture": str(job.capture), "split": job.split, "pictures": len(rows),
        "width": size[0], "height": size[1], "points": len(head.gaussians), "expression_driven": shown,
        "audio_driven": by_sound,
    }


def split_rows(capture: Capture, split: str) -> np.ndarray:
    """(F,) bool: the pictures of a split, by its name or as seconds "16-20", "16-". Raises InputError."""
    if split == "all":
        chosen = np.ones(len(capture), bool)
    elif split in SPLITS:
        chosen = capture.test if split == "test" else ~capture.test
    else:
        start, end = parse_seconds(split)
        chosen = (capture.times >= start) & (capture.times < end)
    if not (chosen & (capture.confidence > 0)).any():
        raise InputError(f"The capture has no pictures in the split {split!r}.", "Choose test, train, all or seconds.")
    return chosen


def parse_seconds(text: str) -> tuple[float, float]:
    """"16-20" or "16-" as seconds. Raises InputError."""
    first, dash, last = text.partition("-")
    try:
        start, end = float(first), float(last) if last else float("inf")
        if not dash or not 0 <= start < end:
            raise ValueError
        return start, end
    except ValueError:
        raise InputError(f"{text!r} are no seconds of a capture.", "Write, for example, 16-20 or 16-.") from None


def place_rows(head: Head, scene: Scene, rows: np.ndarray, report: Report) -> dict[int, Placed]:
    """From where each row is seen; of a film, refined, each row from where the one before it came to."""
    places, before, offsets = {}, -2, None
    for done, row in enumerate(rows.tolist()):
        report.progress("poses", done, len(rows))
        frame = int(scene.capture.frames[row])
        start = offsets if frame - before == 1 else None
        places[row], offsets = refined(head, scene, row, scene.drive.frame(row), start)
        before = frame
    report.progress("poses", len(rows), len(rows))
    return places


def _likeness(head: Head, scene: Scene, rows: np.ndarray, report: Report) -> dict:
    """The measures of pictures alone, at the tracked poses."""
    sums = Likeness(scene)
    for done, row in enumerate(rows.tolist()):
        report.progress("tracked poses", done, len(rows))
        sums.add(row, draw(head, scene, row, scene.drive.frame(row), tracked(scene, row)))
    return sums.means()


class Likeness:
    """Means over pictures of how near they come."""

    NAMES = ("psnr", "psnr_head", "mouth_psnr", "ssim", "sharpness", "flicker")

    def __init__(self, scene: Scene) -> None:
        self._scene, self._values = scene, {name: [] for name in self.NAMES}
        self._last: tuple[int, np.ndarray] | None = None
        self.rows: list[int] = []

    def add(self, row: int, picture: np.ndarray) -> np.ndarray:
        """Take a row's picture; returns the true one."""
        scene, values = self._scene, self._values
        target = true_picture(scene, row)
        middle = core(scene.pictures.regions(row))
        height, width = middle.shape
        found = {
            "psnr": psnr(picture, target), "psnr_head": psnr(picture, target, middle),
            "mouth_psnr": psnr(picture, target, in_box(scene.boxes["mouth"][row], height, width)),
            "ssim": structural_similarity(picture, target),
        }  # fmt: skip
        true_sharpness = sharpness(target, middle)
        if true_sharpness > 0:
            found["sharpness"] = sharpness(picture, middle) / true_sharpness
        if self._last is not None and self._follows(self._last[0], row) and scene.views.filmed and middle.any():
            before = self._last[1]
            found["flicker"] = 255 * float(np.abs((picture - target) - before)[middle].mean())
        self._last = row, picture - target
        self.rows.append(row)
        for name, value in found.items():
            if value is not None:
                values[name].append(value)
        return target

    def _follows(self, before: int, row: int) -> bool:
        capture = self._scene.capture
        return capture.frames[row] == capture.frames[before] + 1 and capture.cameras[row] == capture.cameras[before]

    def means(self) -> dict[str, float | None]:
        return {name: float(np.mean(values)) if values else None for name, values in self._values.items()}

    def of_rows(self, name: str = "psnr_head") -> list[float]:
        return self._values[name]


def _measure(
    head: Head, scene: Scene, rows: np.ndarray, frame: Callable[[int], DriveFrame], places: dict[int, Placed],
    take, report: Report,
) -> dict:
    """All measures of one way to drive."""
    likeness, faces = Likeness(scene), SeenFaces()

    def pairs() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for done, row in enumerate(rows.tolist()):
            report.progress("measure", done, len(rows))
            picture = draw(head, scene, row, frame(row), places[row])
            yield picture, likeness.add(row, picture)
        report.progress("measure", len(rows), len(rows))

    try:
        for seen in track_both(pairs(), float(scene.capture.fps)):
            faces.add(*seen)
    except (MissingModelError, MissingPackageError) as error:
        report.warning(f"No faces were tracked: {error.what}")
        for _ in pairs():
            pass
    measures = likeness.means() | {"lpips": None} | faces.measures(max(scene.pictures.width, scene.pictures.height))
    content = None if take is None else take.content
    for whose, seen in (("", faces.drawn), ("true_", faces.true)):
        found = sync_measures(scene.capture, rows[faces.kept], seen and faces.lips(seen), content)
        measures |= {f"{whose}{name}": value for name, value in found.items()}
    measures["fps"] = _speed(head, scene, rows, frame, places)
    measures["uncertainty_ratio"] = _uncertainty_ratio(head, scene, rows, frame, places)
    return measures


def _uncertainty_ratio(
    head: Head, scene: Scene, rows: np.ndarray, frame: Callable[[int], DriveFrame], places: dict[int, Placed]
) -> float | None:
    """Mean error of the tenth of the head's pixels that are said to be most uncertain over the least uncertain tenth's;
    None for a head that says nothing."""
    expected, errors = [], []
    for row in rows[np.unique(np.linspace(0, len(rows) - 1, DOUBTED).astype(int))].tolist():
        found = uncertainty(head, scene, row, frame(row), places[row])
        if found is None:
            return None
        middle = core(scene.pictures.regions(row))
        picture = draw(head, scene, row, frame(row), places[row])
        expected.append(found[middle])
        errors.append(np.abs(picture - true_picture(scene, row)).mean(axis=2)[middle])
    order = np.argsort(np.concatenate(expected), kind="stable")
    errors = np.concatenate(errors)[order]
    tenth = len(errors) // 10
    return float(errors[-tenth:].mean() / max(errors[:tenth].mean(), 1e-9)) if tenth else None


def _speed(head: Head, scene: Scene, rows: np.ndarray, frame, places: dict[int, Placed]) -> float:
    """Pictures a second, moved and drawn."""
    timed = rows[:TIMED].tolist()
    start = time.perf_counter()
    for row in timed:
        draw(head, scene, row, frame(row), places[row])
    return len(timed) / (time.perf_counter() - start)

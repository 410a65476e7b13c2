# SPDX-License-Identifier: GPL-3.0-or-later
"""What a film's first pass is good for: whose face counts, its cameras, which frames are used and what they show."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..disk_rows import DiskRows, blocks, write_rows
from ..errors import InputError
from ..report import Report
from .crop import cropped_points, shot_squares
from .face_geometry import face_width
from .film_pictures import Shot
from .film_tracking import SeenFilm
from .tracking.cameras import CameraSolve, refine
from .tracking.covering import covered
from .tracking.flaws import REASONS, find_cuts, find_flaws
from .tracking.landmarks import LANDMARKS, FaceTracks
from .tracking.people import main_person, stretches

LANDMARKS_FILE = "landmarks"
LEAST_FRAMES = 3
# Root mean square movement of a face, in face widths, below which it is a photograph: encoders stir even those a
# little, and nobody holds so still.
MOTIONLESS = 0.002
MOTION_SAMPLES = 500  # frames, spread over the film, that are compared
STRANGER = "another person is shown"
TOO_SHORT = "the shot is too short"


@dataclass
class ClipFaces:
    """One person's face in a film.

    Args:
        tracks: of the film's T frames; `found` where that person's face is.
        solve: the cameras of these frames.
        shots: the frames that are used.
        landmarks: (F, 478, 2) float32, the shots' one after the other, in the capture's pixels, on the disk.
        dropped: why the others are not -> how many.
    """

    tracks: FaceTracks
    solve: CameraSolve
    shots: list[Shot]
    landmarks: DiskRows
    dropped: dict[str, int]

    @property
    def frames(self) -> np.ndarray:
        """(F,) that are used, rising."""
        return np.concatenate([shot.frames for shot in self.shots])


def judge_clip(seen: SeenFilm, fps: float, size: int, name: str, folder: Path, report: Report) -> ClipFaces:
    """Choose person and frames, and solve the cameras.

    Args:
        size: side of the capture's pictures, pixels.
        name: the film's, for people.
        folder: for what is too large for memory.

    Raises:
        InputError: nothing moves, or fewer than three frames can be used.
        StorageError: the disk refuses.
    """
    parts = stretches(seen.tracks, find_cuts(seen.thumbnails), fps)
    ours = [part for part, is_main in zip(parts, main_person(seen.tracks, parts)) if is_main]
    found = np.zeros(len(seen.tracks), bool)
    found[np.concatenate(ours)] = True
    tracks = replace(seen.tracks, found=found)
    _require_motion(tracks, name)
    begins = np.array([part[0] for part in ours[1:]])
    solve = refine(tracks.landmarks, tracks.size, fps, found, begins, report)
    hidden = np.zeros(len(found), bool)
    for part in ours:
        report.check()
        hidden[part] = covered(seen.skin[part], seen.tracks.found[part])
    why = find_flaws(tracks, solve, seen.sharpness, hidden).first()
    why = np.array([REASONS.get(flaw, "") for flaw in why], object)
    why[seen.tracks.found & ~found] = STRANGER

    stretches_used = []
    for part in ours:
        used = part[why[part] == ""]
        samples = np.array([frame for frame in used if int(frame) in seen.samples], int)
        if not len(samples):
            why[used] = TOO_SHORT
            continue
        report.check()
        stretches_used.append((used, shot_squares(tracks.landmarks, used, tracks.size, fps), samples))
    dropped = dict(sorted(Counter(why[seen.there & (why != "")]).items()))
    used = sum(len(frames) for frames, _, _ in stretches_used)
    if used < LEAST_FRAMES:
        some = f"Only {used}" if used else "None"
        others = "the others" if used else "them"
        because = f": in most of {others} {max(dropped, key=dropped.get)}" if dropped else ""
        raise InputError(
            f"{some} of {seen.there.sum()} frames can be used{because}.",
            "Choose a film of one person who speaks to the camera, well lit, the head larger than 100 pixels.",
        )
    landmarks = write_rows(
        folder / LANDMARKS_FILE, _cropped(tracks.landmarks, stretches_used, size), (np.float32, (LANDMARKS, 2))
    )
    shots, first = [], 0
    for frames, squares, samples in stretches_used:
        shots.append(Shot(frames, squares, landmarks.part(first, first + len(frames)), samples))
        first += len(frames)
    return ClipFaces(tracks, solve, shots, landmarks, dropped)


def _cropped(landmarks: DiskRows, used: list[tuple], size: int) -> Iterator[np.ndarray]:
    for frames, squares, _ in used:
        for part in blocks(len(frames)):
            yield cropped_points(landmarks[frames[part]], squares[part], size)


def _require_motion(tracks: FaceTracks, name: str) -> None:
    frames = np.flatnonzero(tracks.found)
    chosen = frames[np.unique(np.linspace(0, len(frames) - 1, min(len(frames), MOTION_SAMPLES)).round().astype(int))]
    points = tracks.landmarks[chosen][..., :2].astype(np.float64)
    spread = np.sqrt(((points - points.mean(0)) ** 2).sum(-1).mean())
    if len(frames) >= LEAST_FRAMES and spread < MOTIONLESS * face_width(points.mean(0)):
        raise InputError(
            f"{name} shows one still picture for {len(frames)} frames.", "Choose a film of the person speaking."
        )

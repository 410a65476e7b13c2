# SPDX-License-Identifier: GPL-3.0-or-later
"""A film of a person becomes a capture, in two passes that both stream: tracking, then pictures and masks."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from math import ceil
from pathlib import Path

import numpy as np

from ..errors import Cancelled, EngineError, InputError
from ..files import require_space
from ..protocol import CaptureJob
from ..report import Report
from .asked import asked_fps, asked_labels
from .capture import Capture, SourceFacts, split_test
from .crop import cropped_camera
from .film_pictures import write_pictures
from .film_shots import ClipFaces, judge_clip
from .film_sound import FilmSound
from .film_tracking import SeenFilm, track_film
from .masks import RegionMasks
from .segmenter import SegmentedMasks, fetch_segmenter
from .tracking.codes import HeadLandmarks, expression_basis, gaze, lip_opening
from .tracking.flaws import face_widths
from .tracking.model import face_landmarker_path
from .video import VideoInfo, probe
from .writer import CaptureWriter

MOST_FPS = 30  # of the capture, unless the job says otherwise: more are more alike, not more telling
FPS_LIMITS = 5, 120
BYTES_PER_PIXEL = 1.3  # of a picture and its mask as PNG
ENLARGED = 1.1
# Frames whose landmarks miss a rigid head by this share of the face's width count half.
HALF_CONFIDENCE = 0.01


def capture_film(job: CaptureJob, report: Report) -> Path:
    """Make the capture of a film.

    Returns:
        The capture's folder.

    Raises:
        InputError: no film, no face, too few frames that can be used, or settings that make no sense.
        StorageError: the folder is taken, or the disk refuses.
        MissingModelError, MissingPackageError: what tracks faces is not there.
        Cancelled: asked to stop. The same job goes on from there.
    """
    info = probe(job.source)
    fps = _frame_rate(job, info)
    model = face_landmarker_path()
    notes: dict[str, None] = {}  # a set in order: both passes may meet the same
    quiet = replace(report, on_warning=lambda text: notes.setdefault(text))
    segmented = None
    try:
        segmented = _segmented(quiet) if job.allow_download else None
        writer = CaptureWriter(job.out, _plan(job, info, fps, segmented is not None))
        learn = (lambda samples: segmented) if segmented else partial(RegionMasks, report=quiet)
        try:
            return _make(job, info, fps, model, learn, writer, notes, quiet)
        except InputError:  # of this film there will never be a capture
            writer.discard()
            raise
    finally:
        quiet.finish()
        if segmented:
            segmented.close()


def _make(
    job: CaptureJob, info: VideoInfo, fps: Fraction, model: Path, learn: Callable, writer: CaptureWriter,
    notes: dict[str, None], report: Report,
) -> Path:
    """Both passes, the sound, and what to say of it all. `learn`: see `write_pictures`; `notes`: what was warned of."""
    seen = track_film(info, fps, writer.work, model, report)
    faces = judge_clip(seen, float(fps), job.size, info.path.name, writer.work, report)
    missing = sum(not writer.has(0, int(frame)) for frame in faces.frames)
    require_space(writer.folder, int(missing * job.size**2 * BYTES_PER_PIXEL))
    write_pictures(info, fps, seen, faces.shots, job.size, writer, learn, report)
    report.progress("sound", 0, 1)
    sound = FilmSound(info, float((int(faces.frames[-1]) + 1) / fps), report)
    capture = _capture(job, info, fps, seen, faces, sound)
    capture.warnings = [*notes, *_advice(capture, faces)]
    folder = writer.finish(capture, sound.pieces(), report)
    report.progress("sound", 1, 1)
    return folder


def _frame_rate(job: CaptureJob, info: VideoInfo) -> Fraction:
    """The job's frames per second, or the film's own, divided until they are few enough."""
    fps = asked_fps(job)
    if fps is None:
        return info.fps / ceil(info.fps / MOST_FPS)
    low, high = FPS_LIMITS
    if not low <= fps <= high:
        raise InputError(f"{job.fps} frames per second are outside {low} to {high}.", "Choose, for example, 25.")
    return fps


def _segmented(report: Report) -> SegmentedMasks | None:
    """Masks by the segmenter that its makers offer; a warning and None where it is not to be had."""
    try:
        return SegmentedMasks(fetch_segmenter(report))
    except Cancelled:
        raise
    except EngineError as error:
        report.warning(f"{error.what} Masks were learnt from the film alone.")
        return None


def _plan(job: CaptureJob, info: VideoInfo, fps: Fraction, segmented: bool) -> dict:
    """What changes a picture: the film, and how it is looked at."""
    about = info.path.stat()
    return {
        "film": info.path.name, "bytes": about.st_size, "changed": about.st_mtime_ns, "fps": str(fps),
        "size": job.size, "segmented": segmented,
    }


def _capture(
    job: CaptureJob, info: VideoInfo, fps: Fraction, seen: SeenFilm, faces: ClipFaces, sound: FilmSound
) -> Capture:
    tracks, solve, frames = faces.tracks, faces.solve, faces.frames
    points = HeadLandmarks(tracks.landmarks, solve, tracks.found)
    codes = expression_basis(points, _among(frames, len(tracks))).encode(points)[frames]
    offset = sound.lip_offset(lip_opening(points), tracks.found, fps)
    squares = np.concatenate([shot.squares for shot in faces.shots])
    misses = solve.residuals[frames] / face_widths(solve)[frames]
    facts = SourceFacts(
        frames=int(seen.there.sum()), tracked=int(seen.tracks.found.sum()),
        clip_seconds=round(float(len(tracks) / fps), 3), dropped=faces.dropped,
        reprojection_error_relative=solve.reprojection_error_relative,
        av_offset_seconds=float(info.audio_offset) if sound else None, lip_offset_seconds=offset,
    )
    return Capture(
        identity=(job.identity or info.path.stem)[:200], fps=fps, width=job.size, height=job.size,
        frames=frames.astype(np.int32), cameras=np.zeros(len(frames), np.int32), viewmats=solve.viewmats[frames],
        Ks=cropped_camera(solve.K, squares, job.size), expression=np.clip(tracks.blendshapes[frames], 0, 1),
        gaze=gaze(points, solve, tracks.found)[frames],
        confidence=(1 / (1 + (misses / HALF_CONFIDENCE) ** 2)).astype(np.float32),
        labels=asked_labels(job, float((int(frames[-1]) + 1) / fps)),
        test=split_test(frames, job.seed), landmarks=faces.landmarks,
        codes=codes, source=str(info.path), facts=facts,
    )


def _among(frames: np.ndarray, count: int) -> np.ndarray:
    flags = np.zeros(count, bool)
    flags[frames] = True
    return flags


def _advice(capture: Capture, faces: ClipFaces) -> list[str]:
    """What to tell the person beside what the report says of every capture."""
    facts = capture.facts
    texts = [
        f"{count} of {facts.frames} frames are left out because {reason}." for reason, count in facts.dropped.items()
    ]
    beside = int((faces.tracks.faces[faces.frames] > 1).sum())
    if beside:
        texts.append(f"A second face is seen in {beside} frames; the larger one was followed.")
    side = min(shot.squares[:, 2].min() for shot in faces.shots)
    if side * ENLARGED < capture.width:
        texts.append(
            f"The head takes {side:.0f} pixels of the film and was enlarged to {capture.width}: nothing is gained by "
            f"more than {side:.0f}."
        )
    return texts

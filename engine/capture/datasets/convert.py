# SPDX-License-Identifier: GPL-3.0-or-later
"""From a data set to a capture: faces tracked, the head's frame found, pictures and masks brought to one size."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...audio.read import lasting, probe
from ...errors import InputError
from ...files import require_space
from ...protocol import CaptureJob
from ...report import Report
from ..asked import asked_fps, asked_labels
from ..capture import Capture, SourceFacts, split_test
from ..writer import CaptureWriter
from .cameras import HeadCameras, head_cameras
from .data_set import DataSet
from .er_nerf import is_er_nerf, read_er_nerf
from .faces import Expressions, Faces, expressions, face_model, track_faces
from .geometry import Canvas
from .nerfstudio import is_nerfstudio, read_nerfstudio
from .regions import DataSetRegions
from .strangers import read_picture

MOST_RATE = 48000  # samples per second
BYTES_PER_PIXEL = 1.3  # of a picture and its mask as PNG
NO_FACE = "no face was found in them and the data set gives no mask"


def is_data_set(folder: Path) -> bool:
    """Whether a folder is a data set of a layout that is read here."""
    return folder.is_dir() and (is_er_nerf(folder) or is_nerfstudio(folder))


def capture_data_set(job: CaptureJob, report: Report) -> Path:
    """Make a capture of a data set.

    Returns:
        The capture's folder.

    Raises:
        FormatError: the data set is wrong somewhere.
        InputError: no picture shows a face or has a mask.
        AudioError: its sound is none.
        StorageError: the capture cannot be written.
    """
    source = Path(job.source)
    fps = asked_fps(job)
    data_set = read_er_nerf(source, fps) if is_er_nerf(source) else read_nerfstudio(source, fps)
    canvas = Canvas([picture.size for picture in data_set.pictures], job.size)
    notes = list(data_set.warnings)
    quiet = replace(report, on_warning=lambda text: None if text in notes else notes.append(text))
    try:
        model = face_model(quiet)
        plan = {"data set": str(source.resolve()), "size": job.size, "faces": model is not None}
        plan["pictures"] = _digest(data_set)
        writer = CaptureWriter(job.out, plan)
        require_space(writer.folder, int(len(data_set.pictures) * canvas.width * canvas.height * BYTES_PER_PIXEL))
        faces = track_faces(data_set, canvas, model, quiet)
        cameras = head_cameras(data_set, canvas, faces, quiet)
        shown = expressions(data_set, faces, cameras.viewmats, cameras.Ks, cameras.points)
        _say_what_is_known(data_set, faces, quiet)
        regions = DataSetRegions(data_set, canvas, faces, cameras, quiet)
        kept = _write_pictures(writer, regions, data_set, canvas, quiet)
        capture = _capture(job, data_set, canvas, faces, cameras, shown, kept)
        capture.warnings = notes  # itself: the sound is read, and warned of, while the capture is finished
        return writer.finish(capture, _sound(data_set, capture.seconds, quiet), quiet)
    finally:
        quiet.finish()


def _digest(data_set: DataSet) -> str:
    """Tells pictures, masks and cameras from any others, so that one that was changed after a break is made anew."""
    digest = hashlib.sha256()
    for picture in data_set.pictures:
        camera = picture.camera, picture.frame, picture.size, picture.lens, picture.K.tolist(), picture.pose.tolist()
        digest.update(repr(camera).encode())
        for path in (picture.path, picture.foreground, picture.parsing, picture.teeth, picture.points):
            about = path.stat() if path else None
            digest.update(ascii((path and path.name, about and (about.st_size, about.st_mtime_ns))).encode())
    return digest.hexdigest()


def _sound(data_set: DataSet, seconds: float, report: Report) -> tuple[Iterator[np.ndarray], int] | None:
    """The set's sound from frame 0 on, `seconds` long, and its samples per second."""
    if data_set.audio is None:
        return None
    rate = min(probe(data_set.audio).sample_rate, MOST_RATE)
    return lasting(data_set.audio, rate, seconds, report=report), rate


def _say_what_is_known(data_set: DataSet, faces: Faces, report: Report) -> None:
    if faces.found.any():
        return
    if data_set.expression is not None:
        report.warning(
            "No face was tracked: the expression comes from au.csv, which tells little of the mouth's shape."
        )
    else:
        report.warning("No face was tracked and the data set tells no expression: the face is taken to be at rest.")


def _write_pictures(
    writer: CaptureWriter, regions: DataSetRegions, data_set: DataSet, canvas: Canvas, report: Report
) -> np.ndarray:
    """Write every picture that a mask is known of; returns their rows."""
    kept, count = [], len(data_set.pictures)
    for row, picture in enumerate(data_set.pictures):
        report.progress("pictures", row, count)
        if writer.has(picture.camera, picture.frame):
            kept.append(row)
            continue
        raw = read_picture(picture.path, picture.size)
        image = canvas.image(picture, raw)
        mask = regions(row, raw, image)
        if mask is not None:
            writer.add(picture.camera, picture.frame, image, mask)
            kept.append(row)
    report.progress("pictures", count, count)
    if not kept:
        raise InputError(
            f"No face was found in {count} pictures of {data_set.name}, and it gives no masks.",
            "Choose a data set of one head, or give masks of the person.",
        )
    if len(kept) < count:
        report.warning(f"{count - len(kept)} of {count} pictures are left out because {NO_FACE}.")
    return np.array(kept)


def _capture(job, data_set: DataSet, canvas: Canvas, faces: Faces, cameras: HeadCameras, shown: Expressions, kept):
    pictures = [data_set.pictures[row] for row in kept]
    frames = np.array([picture.frame for picture in pictures], np.int32)
    held = np.array([bool(picture.test) for picture in pictures])
    if any(picture.test is None for picture in pictures) or held.all() or not held.any():
        held = split_test(frames, job.seed)
    seconds = float((int(frames.max()) + 1) / data_set.fps)
    left_out = len(data_set.pictures) - len(kept)
    tracked = bool(faces.found.any())
    return Capture(
        identity=(job.identity or data_set.name)[:200], fps=data_set.fps, width=canvas.width, height=canvas.height,
        frames=frames, cameras=np.array([picture.camera for picture in pictures], np.int32),
        viewmats=cameras.viewmats[kept].astype(np.float32), Ks=cameras.Ks[kept].astype(np.float32),
        expression=np.clip(shown.expression[kept], 0, 1).astype(np.float32),
        gaze=np.clip(shown.gaze[kept], -1.6, 1.6).astype(np.float32),
        confidence=faces.found[kept].astype(np.float32), test=held,
        landmarks=faces.landmarks[kept, :, :2] if tracked else None,
        codes=None if shown.codes is None else shown.codes[kept], labels=asked_labels(job, seconds), source=job.source,
        facts=SourceFacts(
            frames=len(data_set.pictures), tracked=int(faces.found.sum()), clip_seconds=seconds,
            dropped={NO_FACE: left_out} if left_out else {}, reprojection_error_relative=cameras.error_relative,
        ),
    )  # fmt: skip

# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture becomes a head: what is checked before, the loop, and what stands in the end.

The method is UA-3DTalk's (arXiv 2601.19112), the course after Kerbl et al. 2023 and TalkingGaussian (Li et al. 2024):
Gaussians at rest first, then what moves them. course.py has the loop, trainer.py a step of it.
"""

import datetime
import os
from dataclasses import asdict, replace
from pathlib import Path

import torch

from ..capture.capture import Capture
from ..capture.storage import CAPTURE_JSON, TRACKS_FILE, load_capture
from ..emotion.finetune import FineTuned
from ..emotion.recogniser import open_recogniser
from ..errors import BackendError, InputError
from ..head.head import Head
from ..head.library import SUFFIX
from ..head.storage import save_head
from ..protocol import FitJob
from ..report import Report
from ..splats.choose import choose_backend
from .advice import capture_warnings, mask_warnings, refuse_unfit
from .budget import Budget
from .course import Course, History
from .demands import require_disk, require_memory
from .evaluate import parse_seconds
from .heard import drive_of, hear, only
from .initial import first_points
from .page import write_fit_report
from .pictures import Pictures, bytes_needed, fitted_size
from .scene import Scene
from .settings import FitSettings, points_for
from .trainer import Trainer
from .voice import learn_voice
from .workplace import Workplace

MINUTES = 10.0  # where neither minutes nor steps are asked for
LARGEST_SIZE = 512  # where no size is asked for


def fit(job: FitJob, report: Report, settings: FitSettings | None = None) -> dict:
    """Fit a head.

    Args:
        settings: for studies of the method; how many points there are, the pictures' size says.

    Returns:
        `out`, `report`, `steps`, `seconds`, `points`, and how near held-out pictures come: `psnr`, `psnr_head`,
        `mouth_psnr`, `ssim`, None where none are held out.

    Raises:
        FormatError: the capture, or the emotion model, cannot be used.
        MissingModelError, MissingPackageError: what the emotion model listens to.
        InputError: settings that make no sense, a capture nothing can be fitted to, too little memory.
        StorageError: `out` exists, or the disk refuses.
        BackendError: the device asked for is not there.
        Cancelled: the person asked to stop. The same job goes on from there.
    """
    out, budget = _asked(job)
    capture = open_capture(job.capture)
    device = choose_device(job.device)
    size = fitted_size(capture, job.size or LARGEST_SIZE)
    settings = replace(settings or FitSettings(), points=points_for(size))
    held_out = capture.test.copy()
    if job.hold_out:
        start, end = parse_seconds(job.hold_out)
        held_out |= (capture.times >= start) & (capture.times < end)
    refuse_unfit(capture, held_out)
    recogniser = open_recogniser(job.emotion_model, report, job.allow_download)
    require_memory(settings.points, size)
    with Workplace(out, _plan(job, budget, size, settings)) as place:
        require_disk(out.parent, bytes_needed(capture, size), settings.points)
        for text in capture_warnings(capture, held_out, job):
            report.warning(text)
        voice = learn_voice(Path(job.capture), capture, held_out, recogniser, report)
        take = hear(Path(job.capture), capture, voice and voice.person, job.emotion_model, report)
        take = take and only(take, settings.heard)
        pictures = Pictures(place.work, Path(job.capture), capture, size)
        pictures.read(report)
        scene = Scene.of(capture, pictures, drive_of(capture, take), held_out, report)
        for text in mask_warnings(scene):
            report.warning(text)
        try:
            head, history = _fitted(job, scene, voice, settings, budget, place, device, report)
        except torch.cuda.OutOfMemoryError:
            used = torch.cuda.max_memory_allocated() / 1e9
            what = f"The GPU ran out of memory: the fit had taken {used:.1f} GB and wanted more."
            if job.device == "cuda":
                raise InputError(what, "Choose a smaller size, close other programs, or --device cpu.") from None
            report.warning(f"{what} It goes on without the GPU, which takes longer.")
            head, history = _fitted(job, scene, voice, settings, budget, place, "cpu", report)
        measures = write_fit_report(place.folder, head, scene, history, job.threads, report)
        save_head(head, out)
        del pictures, scene  # they map files that are deleted now
        place.clear()
    return {
        "out": str(out), "report": str(place.folder / "fit_report.html"), "steps": history.steps,
        "seconds": round(history.seconds, 2), "points": len(head.gaussians), **measures,
    }


def _fitted(
    job: FitJob, scene: Scene, voice: FineTuned | None, settings: FitSettings, budget: Budget, place: Workplace,
    device: str, report: Report,
) -> tuple[Head, History]:
    first = first_points(
        scene.capture, scene.pictures, scene.places, scene.fitted, int(settings.points * settings.start_share),
        job.seed, report,
    )
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several stall each other where other programs use the cores; the kernels have their own
    try:
        trainer = Trainer(scene, first, settings, job.seed, device, job.threads)

        def make_head(history: History) -> Head:
            head = trainer.head(place.out.stem, _meta(job, scene, voice, history))
            return replace(head, person=voice and voice.person)

        course = Course(trainer, budget, place.work, place.best, make_head, report)
        history = course.run()
        return trainer.bound(make_head(history)), history
    finally:
        torch.set_num_threads(threads)


def open_capture(folder: str) -> Capture:
    """The capture in a folder. Raises FormatError, and InputError for a head's file in its place."""
    path = Path(folder)
    if path.suffix.lower() == SUFFIX or path.is_file():
        raise InputError(f"{path} is a file, and a capture is a folder.", "Choose the folder that holds capture.json.")
    return load_capture(path)


def choose_device(name: str) -> str:
    """cpu or cuda, of auto, cpu or cuda. Raises InputError and BackendError."""
    if name not in ("auto", "cpu", "cuda"):
        raise InputError(f"There is no device {name!r}.", "Choose auto, cpu or cuda.")
    if name == "cpu":
        return "cpu"
    on_gpu = choose_backend("auto")[0] == "gsplat"
    if name == "cuda" and not on_gpu:
        raise BackendError(f"No GPU can be used: {choose_backend('auto')[1]}", "Choose auto or cpu.")
    return "cuda" if on_gpu else "cpu"


def _asked(job: FitJob) -> tuple[Path, Budget]:
    """The file to write and the budget. Raises InputError."""
    out = Path(job.out)
    if out.suffix.lower() != SUFFIX:
        raise InputError(f"The head cannot be written as {str(out)!r}.", f"Choose a name that ends in {SUFFIX}.")
    if job.steps < 0 or not 0 <= job.minutes < 1e5:
        raise InputError(f"{job.steps} steps or {job.minutes:g} minutes are no length of a fit.", "Choose more than 0.")
    if job.steps and job.minutes:
        raise InputError("A fit is told its minutes or its steps, not both.", "Leave one of them out.")
    if job.size and not 32 <= job.size <= 2048:
        raise InputError(f"The size {job.size} is outside 32 to 2048 pixels.", "Choose a size in that range.")
    if job.threads < 0:
        raise InputError(f"{job.threads} threads cannot draw.", "Choose 0 for all cores, or 1 and more.")
    if len(job.consent) > 2000:
        raise InputError("The consent is longer than 2,000 characters.", "Say it shorter.")
    return out, Budget(job.steps, 0.0 if job.steps else job.minutes or MINUTES)


def _plan(job: FitJob, budget: Budget, size: tuple[int, int], settings: FitSettings) -> dict:
    """What changes the result: the capture as it is now, the budget and all numbers."""
    folder = Path(job.capture)
    files = {name: (folder / name).stat() for name in (CAPTURE_JSON, TRACKS_FILE)}
    return {
        "capture": os.path.abspath(folder), "files": {n: [s.st_size, s.st_mtime_ns] for n, s in files.items()},
        "budget": asdict(budget), "size": list(size), "seed": job.seed, "hold_out": job.hold_out,
        "emotion_model": job.emotion_model,
        "settings": asdict(settings),
    }


def _meta(job: FitJob, scene: Scene, voice: FineTuned | None, history: History) -> dict:
    """What a head's header says for people."""
    capture, today = scene.capture, datetime.date.today().isoformat()
    meta = {
        "title": capture.identity or Path(job.out).stem, "identity": capture.identity,
        "fit": {
            "date": today, "steps": history.steps, "seconds": round(history.seconds, 1), "seed": job.seed,
            "size": [scene.pictures.width, scene.pictures.height], "pictures": int(len(scene.fitted)),
            "filmed": scene.views.filmed,
        },
    }
    if voice is not None:
        meta["fit"]["voice"] = voice.text
    if job.consent:
        meta["consent"] = {"text": job.consent, "date": today}
    return meta

# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs: one function per verb, shared by the command line and the worker.

Each takes its dataclass of protocol/jobs.py and a Report, and returns a dict that JSON can hold. Heavy modules are
imported inside, so that a Python which lacks one of them can still say so.
"""

import os
import time
from fractions import Fraction
from pathlib import Path

from .errors import EngineError, InputError
from .protocol import (
    BakeJob, CameraTrack, CaptureJob, Controls, DoctorJob, EmotionJob, EvaluateJob, ExportJob, ExportTakeJob, FitJob,
    HeadsJob, ImportJob, PerformJob, SpeakJob, SyncJob, VerifyJob, WarmUpJob, exact_fps,
)
from .report import Report


def run_job(job, report: Report) -> dict:
    """Run any job of protocol.JOBS.

    Returns:
        The job's result, with the seconds of each stage and in total: `seconds` of a capture or a bake is the total,
        and `stage_seconds` holds the stages.

    Raises:
        EngineError: whatever went wrong, in words for people.
    """
    started = time.monotonic()
    try:
        result = _FUNCTIONS[type(job)](job, report)
    finally:
        report.finish()
    seconds = {stage: round(spent, 3) for stage, spent in report.seconds.items()}
    total = round(time.monotonic() - started, 3)
    if isinstance(job, CaptureJob | BakeJob | FitJob):
        return {**result, "seconds": total, "stage_seconds": seconds}
    return {**result, "seconds": {**seconds, "total": total}}


def perform_job(job: PerformJob, report: Report) -> dict:
    """Audio and sliders become take.json and .emotake."""
    out = _take_file(job.out)
    person = None
    if job.head:
        from .head.library import open_head

        person = open_head(job.head).person
    return _write_take(_make_take(job, report, person), out, report)


def import_job(job: ImportJob, report: Report) -> dict:
    """A take of any kind becomes take.json and .emotake."""
    from .take.opening import open_take
    from .take.resample import resample

    out = _take_file(job.out)
    fps, timecode_fps = (_fps(text) if text else None for text in (job.fps, job.timecode_fps))
    take = open_take(job.take, report, timecode_fps)
    return _write_take(resample(take, fps or take.fps), out, report)


def export_take_job(job: ExportTakeJob, report: Report) -> dict:
    """A take becomes a CSV."""
    from .files import make_folder
    from .take.live_link import write_csv
    from .take.opening import open_take

    out = Path(job.csv)
    if out.suffix.lower() != ".csv":
        raise InputError(f"The take cannot be exported as {str(out)!r}.", "Choose a name that ends in .csv.")
    take = open_take(job.take, report)
    make_folder(out.parent)
    write_csv(take, out, report)
    return {"csv": str(out), "frames": len(take), "fps": float(take.fps), "fps_exact": str(take.fps)}


def speak_job(job: SpeakJob, report: Report) -> dict:
    """Audio and sliders become rendered frames and take.json."""
    report.progress("load", 0, 1)
    from .files import make_folder
    from .head.library import open_head
    from .render.camera_path import CameraPath
    from .render.render import frame_name, render
    from .splats.choose import choose_backend
    from .take.storage import write_take_json

    if not 8 <= job.size <= 8192:
        raise InputError(f"The size {job.size} is outside 8 to 8192 pixels.", "Choose a size in that range.")
    if job.threads < 0:
        raise InputError(f"{job.threads} threads cannot draw.", "Choose 0 for all cores, or 1 and more.")
    _check_range(job)
    backend, why = choose_backend(job.backend)
    head = open_head(job.head)
    if job.uncertainty and not head.fitted:
        raise InputError(f"{head.name} was not fitted and expects no errors.", "Leave uncertainty out.")
    cameras = CameraPath(_camera_track(job))
    out = make_folder(job.out)
    report.progress("load", 1, 1)
    take = _make_take(job, report, head.person)
    last = _last_frame(job, len(take))
    write_take_json(take, out / "take.json")
    frames = render(
        head, take, cameras, out, first=job.first - 1, last=last - 1, depth=job.depth,
        uncertainty=job.uncertainty, backend=backend, threads=job.threads or os.cpu_count() or 1, report=report,
    )
    return {
        "frames": len(frames), "first": job.first, "last": last, "take_frames": len(take), "fps": float(take.fps),
        "fps_exact": str(take.fps), "width": cameras.width, "height": cameras.height, "backend": backend,
        "backend_why": why, "head": head.name, "out": str(out), "take": str(out / "take.json"),
        "first_file": str(out / frame_name(job.first - 1)),
    }


def bake_job(job: BakeJob, report: Report) -> dict:
    """A take played by a head, or a PLY file, becomes an .emoclip."""
    report.progress("load", 0, 1)
    from .clip.bake import bake, still_clip
    from .clip.storage import SUFFIX, save_clip
    from .files import make_folder
    from .head.library import open_head
    from .splats.ply import read_ply
    from .take.opening import is_take, open_take

    out, source = Path(job.out), Path(job.source)
    if out.suffix.lower() != SUFFIX:
        raise InputError(f"The clip cannot be written as {str(out)!r}.", f"Choose a name that ends in {SUFFIX}.")
    if not 0.001 <= job.error <= 10:
        raise InputError(f"An error of {job.error:g} mm is outside 0.001 to 10.", "Choose about 0.2.")
    _check_range(job)
    make_folder(out.parent)
    if source.suffix.lower() == ".ply":
        clip = still_clip(source.stem, read_ply(source), report)
    else:
        head = open_head(job.head)
        report.progress("load", 1, 1)
        take = open_take(source, report) if is_take(source) else _make_take(job, report, head.person)
        last = _last_frame(job, len(take))
        clip = bake(head, take, error_mm=job.error, first=job.first - 1, last=last - 1, report=report)
    report.check()
    save_clip(clip, out)
    return {
        "points": len(clip.rest), "frames": len(clip), "basis": len(clip.basis), "error_mm": clip.error_mm,
        "megabytes": round(out.stat().st_size / 1e6, 2), "fps": float(clip.fps), "fps_exact": str(clip.fps),
        "first": clip.start + 1, "head": clip.name, "clip": str(out),
    }


def emotion_job(job: EmotionJob, report: Report) -> dict:
    """The emotion in a voice: what `emotion` prints, and a plot where asked."""
    from .emotion.listen import as_dict, feel
    from .emotion.plot import check_plot_path, plot

    if job.plot:
        check_plot_path(job.plot)
    felt = feel(job.audio, report, job.emotion_model, job.allow_download)
    if job.plot:
        plot(felt, Path(job.audio).name, job.plot)
    return as_dict(felt)


def export_job(job: ExportJob, report: Report) -> dict:
    """A head at rest becomes a PLY file, a clip a folder of them."""
    from .clip.ply_sequence import write_ply_sequence
    from .clip.storage import SUFFIX, load_clip
    from .files import make_folder
    from .head.library import open_head
    from .splats.ply import write_ply

    if job.head.lower().endswith(SUFFIX):
        clip = load_clip(job.head)
        files = write_ply_sequence(clip, make_folder(job.ply), report)
        gaussians, names = clip.rest, {"ply": job.ply, "files": len(files), "first_file": str(files[0])}
        return {**names, "gaussians": len(gaussians), "sh_degree": gaussians.sh_degree}
    gaussians = open_head(job.head).gaussians
    out = Path(job.ply)
    make_folder(out.parent)
    report.check()
    write_ply(out, gaussians)
    return {"ply": str(out), "gaussians": len(gaussians), "sh_degree": gaussians.sh_degree}


def capture_job(job: CaptureJob, report: Report) -> dict:
    """A film, a data set or a character's pictures become a capture folder."""
    from .capture.make import make_capture

    return make_capture(job, report)


def verify_job(job: VerifyJob, report: Report) -> dict:
    """Open every file of a capture."""
    from .capture.storage import verify

    findings = verify(job.folder, report)
    return {"folder": job.folder, "ok": not findings, "findings": findings}


def fit_job(job: FitJob, report: Report) -> dict:
    """A capture becomes a head."""
    report.progress("load", 0, 1)
    from .fit.fit import fit

    return fit(job, report)


def evaluate_job(job: EvaluateJob, report: Report) -> dict:
    """Measure a head on pictures of a capture."""
    report.progress("load", 0, 1)
    from .fit.evaluate import evaluate

    return evaluate(job, report)


def sync_job(job: SyncJob, report: Report) -> dict:
    """Measure how many frames a mouth is late."""
    from .sync import measure_sync

    return measure_sync(job.source, job.audio, report)


def heads_job(job: HeadsJob, report: Report) -> dict:
    """List the heads at hand."""
    from dataclasses import asdict

    from .head.library import list_heads

    heads = [asdict(info) for info in list_heads(job.folder)]
    return {"heads": [{key: str(v) if isinstance(v, Path) else v for key, v in info.items()} for info in heads]}


def doctor_job(job: DoctorJob, report: Report) -> dict:
    """Say what runs here."""
    from .doctor import examine

    return examine(job.folder, job.out)


def warm_up_job(job: WarmUpJob, report: Report) -> dict:
    """Import torch and compile the kernels."""
    report.progress("warm up", 0, 1)
    from .splats.choose import choose_backend, warm_up

    backend, why = choose_backend(job.backend)
    warm_up(backend)
    report.progress("warm up", 1, 1)
    return {"backend": backend, "backend_why": why}


_FUNCTIONS = {
    PerformJob: perform_job, SpeakJob: speak_job, BakeJob: bake_job, EmotionJob: emotion_job, ExportJob: export_job,
    ImportJob: import_job, ExportTakeJob: export_take_job, CaptureJob: capture_job, VerifyJob: verify_job,
    FitJob: fit_job,
    EvaluateJob: evaluate_job, SyncJob: sync_job, HeadsJob: heads_job, DoctorJob: doctor_job, WarmUpJob: warm_up_job,
}


def _check_range(job: SpeakJob | BakeJob) -> None:
    if job.first < 1 or (job.last and job.last < job.first):
        raise InputError(f"The frames {job.first} to {job.last} are no range.", "Count from 1, first before last.")


def _last_frame(job: SpeakJob | BakeJob, frames: int) -> int:
    """The job's last frame, counted from 1, of a take of so many."""
    last = min(job.last or frames, frames)
    if job.first > last:
        raise InputError(
            f"The frames start at {job.first}, but the audio gives {frames} frames.", "Choose an earlier range."
        )
    return last


def _make_take(job: PerformJob | SpeakJob | BakeJob, report: Report, person=None):
    from .perform import perform

    audio = job.source if isinstance(job, BakeJob) else job.audio
    return perform(
        audio, fps=_fps(job.fps), controls=_controls(job), seed=job.seed, report=report, text=job.text,
        allow_download=job.allow_download, person=person, emotion_model=job.emotion_model,
    )


def _fps(text: str) -> Fraction:
    try:
        return exact_fps(text)
    except ValueError as error:
        raise InputError(str(error), "Give frames per second such as 25, 23.976 or 30000/1001.") from None


def _take_file(path: str) -> Path:
    """Where a take.json may be written, its folder made."""
    from .files import make_folder

    out = Path(path)
    if out.suffix.lower() != ".json":
        raise InputError(f"The take cannot be written as {str(out)!r}.", "Choose a name that ends in .json.")
    make_folder(out.parent)
    return out


def _write_take(take, out: Path, report: Report) -> dict:
    """take.json and the .emotake beside it."""
    from .take.storage import save_take, write_take_json

    report.check()
    write_take_json(take, out)
    exact = out.with_suffix(".emotake")
    save_take(take, exact)
    return {"frames": len(take), "fps": float(take.fps), "fps_exact": str(take.fps), "take": str(out),
            "emotake": str(exact)}


def _controls(job: PerformJob | SpeakJob | BakeJob) -> Controls:
    """The controls file, or constants; the job's own emotion weights are added to either, its auto_emotion replaces."""
    try:
        emotion = {name: [float(value)] for name, value in job.emotion.items()}
        constant = Controls(emotion=emotion, auto_emotion=[float(job.auto_emotion)])
        if not job.controls:
            life = [float(job.life)]
            return Controls(
                emotion=constant.emotion, auto_emotion=constant.auto_emotion, blink=life, gaze=life, head_motion=life,
                micro_motion=life,
            )
    except (TypeError, ValueError) as error:
        raise InputError(str(error), "Set a weight from 0 to 1.") from None
    controls = _read_file(Controls, job.controls)
    for name, (weight,) in constant.emotion.items():
        track = controls.emotion.get(name, [0.0])
        controls.emotion[name] = [min(1.0, value + weight) for value in track]
    if job.auto_emotion:
        controls.auto_emotion = constant.auto_emotion
    return controls


def _camera_track(job: SpeakJob) -> CameraTrack:
    if job.camera:
        return _read_file(CameraTrack, job.camera)
    from .splats.cameras import portrait_camera

    viewmat, K = portrait_camera(job.size, job.size)
    return CameraTrack(job.size, job.size, [viewmat.tolist()], [K.tolist()])


def _read_file(cls, path: str):
    try:
        return cls.from_json(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror}).", "Choose a file that exists.") from None
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} cannot be used. {error}", "See docs/formats.md for what it must hold.") from None


def as_engine_error(error: BaseException) -> EngineError:
    """Any exception that left a job, as one with words for people."""
    from .errors import DLL_ERRORS, DLL_REMEDY, MissingPackageError, StorageError

    if isinstance(error, EngineError):
        return error
    if isinstance(error, ImportError):
        name = error.name or "a package"
        return MissingPackageError(
            f"The engine's Python cannot load {name} ({error}).",
            "Run Doctor in the preferences, reinstall the extension, or choose another interpreter there.",
        )
    if getattr(error, "winerror", None) in DLL_ERRORS:
        return MissingPackageError(f"Windows cannot load a library of the engine ({error}).", DLL_REMEDY)
    if isinstance(error, MemoryError):
        return InputError("There is not enough memory for this job.", "Choose a smaller picture or a smaller head.")
    if isinstance(error, OSError):
        return StorageError(f"A file could not be used ({error}).", "Check the folder and the disk.")
    internal = EngineError(f"The engine failed: {type(error).__name__}: {error}.", "Please report it with the log.")
    internal.code = "internal"
    return internal

# SPDX-License-Identifier: GPL-3.0-or-later
"""Fits of a puppet: what is learned, what goes on after a break, and what is refused in a sentence."""

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import Cancelled, EngineError, FormatError, InputError, StorageError
from engine.fit import course
from engine.fit import fit as fit_module
from engine.fit.fit import fit
from engine.fit.settings import FitSettings
from engine.head.storage import load_head
from engine.protocol import EvaluateJob, FitJob
from engine.jobs import run_job
from engine.report import Report

ROOT = Path(__file__).resolve().parents[3]
STEPS = 40


class Stop(Report):
    """A report that is cancelled when the fit has come to a step."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self.at = at

    def progress(self, stage: str, done: int, total: int) -> None:
        if stage == "fit" and done >= self.at:
            self.cancel_event.set()
        super().progress(stage, done, total)


def tensors(path) -> dict[str, torch.Tensor]:
    head = load_head(path)
    rest = head.gaussians
    return {"means": rest.means, "sh": rest.sh, "opacities": rest.opacities, **head.mover.state_dict()}


def warnings_of(job: FitJob) -> list[str]:
    texts: list[str] = []
    fit(job, Report(on_warning=texts.append))
    return texts


@pytest.fixture(scope="module")
def fitted(character, tmp_path_factory):
    """A fit of 300 steps: its file and result."""
    out = tmp_path_factory.mktemp("fitted") / "puppet.emohead"
    return out, run_job(FitJob(str(character), str(out), steps=300), Report())


def test_a_head_moves_as_it_was_seen_to(character, fitted, tmp_path):
    """Held-out pictures come out better than those of a head that was fitted as long and does not move."""
    unmoved = fit(FitJob(str(character), str(tmp_path / "still.emohead"), steps=300), Report(), FitSettings(static=1.1))
    _, moved = fitted
    assert moved["psnr_head"] > unmoved["psnr_head"] + 1.0
    assert moved["mouth_psnr"] > unmoved["mouth_psnr"] + 1.0
    assert moved["psnr_head"] > 24.0


def test_the_result_says_what_was_done(fitted):
    out, result = fitted
    assert {"steps", "seconds", "points", "psnr", "psnr_head", "mouth_psnr", "ssim", "out", "report"} <= set(result)
    head = load_head(out)
    assert result["out"] == str(out) and result["points"] == len(head.gaussians) and result["steps"] == 300
    assert head.meta["fit"]["steps"] == 300 and "consent" not in head.meta
    json.dumps(result, allow_nan=False)


def test_the_report_stands_alone_and_work_is_cleared(fitted):
    out, result = fitted
    folder = out.with_suffix(".fit")
    page = (folder / "fit_report.html").read_text(encoding="utf-8")
    assert "Curves" in page and "Pictures it never saw" in page and "<script" not in page
    shown = {part.split('"')[0] for part in page.split('src="')[1:]}
    assert shown and all((folder / name).is_file() for name in shown)
    assert {path.name for path in folder.iterdir()} <= {"fit_report.html", "report", "lock"}


def test_a_film_is_met_with_its_torso_and_its_wall(film, tmp_path):
    result = fit(FitJob(str(film), str(tmp_path / "film.emohead"), steps=400), Report())
    assert result["psnr_head"] > 22.0 and result["psnr"] > 21.0
    torso = load_head(tmp_path / "film.emohead").mover.torso
    assert torso.min() < 0.1 and torso.max() > 0.5


def test_a_broken_off_fit_goes_on_to_the_same_head(character, tmp_path):
    job = FitJob(str(character), str(tmp_path / "whole.emohead"), steps=STEPS, seed=3)
    fit(job, Report())
    broken = replace(job, out=str(tmp_path / "broken.emohead"))
    with pytest.raises(Cancelled):
        fit(broken, Stop(17))
    assert not (tmp_path / "broken.emohead").exists()
    kept = load_head(tmp_path / "broken.fit" / "best.emohead")
    assert len(kept.gaussians) > 100
    seen: list[int] = []
    fit(broken, Report(on_progress=lambda stage, done, total, eta: seen.append(done) if stage == "fit" else None))
    assert min(seen) == 17
    one, two = tensors(tmp_path / "whole.emohead"), tensors(tmp_path / "broken.emohead")
    assert set(one) == set(two)
    for name in one:
        assert torch.equal(one[name], two[name]), name


def test_a_kill_loses_what_came_after_the_last_checkpoint_alone(character, tmp_path, monkeypatch):
    """A process that dies writes nothing more: only what stands on the disk counts."""
    monkeypatch.setattr(course, "CHECKPOINT_EVERY", 0.0)
    job = FitJob(str(character), str(tmp_path / "killed.emohead"), steps=STEPS)
    taken = []

    def die(trainer, number, progress):
        if number == 21 and not taken:
            taken.append(number)
            monkeypatch.setattr(course, "save_checkpoint", None)
            raise KeyboardInterrupt
        return step(trainer, number, progress)

    step = fit_module.Trainer.step
    monkeypatch.setattr(fit_module.Trainer, "step", die)
    with pytest.raises(KeyboardInterrupt):
        fit(job, Report())
    monkeypatch.undo()
    seen: list[int] = []
    fit(job, Report(on_progress=lambda stage, done, total, eta: seen.append(done) if stage == "fit" else None))
    assert min(seen) == 21


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_a_process_killed_at_any_moment_is_in_nobodys_way(character, tmp_path, seconds):
    """Whatever it was at when it died, no half head is there, and the same command does the whole of it."""
    out = tmp_path / "head.emohead"
    command = [sys.executable, "-m", "engine", "fit", str(character), "--out", str(out), "--steps", str(STEPS)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not out.with_suffix(".fit").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds)
        process.kill()
    assert not out.exists() or load_head(out).meta["fit"]["steps"] == STEPS
    if not out.exists():
        assert fit(FitJob(str(character), str(out), steps=STEPS), Report())["steps"] == STEPS
    assert {path.name for path in tmp_path.iterdir()} == {"head.emohead", "head.fit"}


def test_a_damaged_checkpoint_begins_anew(character, tmp_path):
    job = FitJob(str(character), str(tmp_path / "head.emohead"), steps=STEPS)
    with pytest.raises(Cancelled):
        fit(job, Stop(9))
    checkpoint = tmp_path / "head.fit" / "work" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-1000])
    assert fit(job, Report())["steps"] == STEPS


def test_another_fit_of_the_same_name_begins_anew(character, tmp_path):
    job = FitJob(str(character), str(tmp_path / "head.emohead"), steps=STEPS)
    with pytest.raises(Cancelled):
        fit(job, Stop(9))
    seen: list[int] = []
    fit(replace(job, seed=9), Report(on_progress=lambda s, done, total, eta: seen.append(done) if s == "fit" else None))
    assert min(seen) == 0


def test_a_second_fit_of_the_same_head_waits_its_turn(character, tmp_path):
    job = FitJob(str(character), str(tmp_path / "head.emohead"), steps=STEPS)

    class Second(Stop):
        def progress(self, stage, done, total):
            if stage == "fit" and done == 3:
                with pytest.raises(InputError, match="being fitted already"):
                    fit(job, Report())
            super().progress(stage, done, total)

    with pytest.raises(Cancelled):
        fit(job, Second(5))


def test_an_existing_head_is_not_overwritten(character, fitted):
    out, _ = fitted
    before = out.read_bytes()
    with pytest.raises(StorageError, match="exists"):
        fit(FitJob(str(character), str(out), steps=STEPS), Report())
    assert out.read_bytes() == before


def test_a_folder_of_somebody_elses_is_left_alone(character, tmp_path):
    (tmp_path / "head.fit").mkdir()
    (tmp_path / "head.fit" / "thesis.txt").write_text("all of it")
    with pytest.raises(StorageError, match="not a fit's"):
        fit(FitJob(str(character), str(tmp_path / "head.emohead"), steps=STEPS), Report())
    assert (tmp_path / "head.fit" / "thesis.txt").read_text() == "all of it"


def test_a_head_is_no_capture(fitted, tmp_path):
    with pytest.raises(InputError, match="a capture is a folder"):
        fit(FitJob(str(fitted[0]), str(tmp_path / "x.emohead"), steps=STEPS), Report())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"out": "head.ply"}, "emohead"), ({"steps": 5, "minutes": 1.0}, "not both"), ({"steps": -5}, "no length"),
        ({"minutes": float("nan"), "steps": 0}, "no length"), ({"size": 8}, "32 to 2048"), ({"device": "tpu"}, "tpu"),
        ({"hold_out": "soon"}, "soon"), ({"hold_out": "0-"}, "pictures to fit"), ({"threads": -1}, "threads"),
    ],
)  # fmt: skip
def test_settings_without_sense_are_refused(character, tmp_path, change, words):
    job = FitJob(str(character), str(tmp_path / "x.emohead"), steps=STEPS)
    if "out" in change:
        change = {"out": str(tmp_path / change["out"])}
    with pytest.raises(EngineError, match=words):
        fit(replace(job, **change), Report())
    assert not list(tmp_path.iterdir())


def test_three_pictures_are_too_few(tmp_path):
    from puppet_capture import make_capture

    capture = make_capture(tmp_path / "capture", pictures=3, sound=False)
    with pytest.raises(InputError, match="3 pictures"):
        fit(FitJob(str(capture), str(tmp_path / "x.emohead"), steps=STEPS), Report())


def test_tracks_that_are_no_numbers_are_refused(character, tmp_path):
    from safetensors.numpy import load_file, save_file

    copy = tmp_path / "capture"
    shutil.copytree(character, copy)
    tracks = copy / "tracks.safetensors"
    arrays = load_file(tracks)
    with open(tracks, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        metadata = json.loads(file.read(length))["__metadata__"]
    arrays["expression"][4, 3] = np.nan
    save_file(arrays, tracks, metadata)
    with pytest.raises(FormatError, match="expression"):
        fit(FitJob(str(copy), str(tmp_path / "x.emohead"), steps=STEPS), Report())


def test_a_still_silent_face_from_one_side_is_fitted_with_words(film, tmp_path):
    """No mouth that opens, no sound, one camera only, and masks that show no head."""
    from PIL import Image
    from safetensors.numpy import load_file, save_file

    copy = tmp_path / "capture"
    shutil.copytree(film, copy)
    tracks = copy / "tracks.safetensors"
    arrays = load_file(tracks)
    with open(tracks, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        metadata = json.loads(file.read(length))["__metadata__"]
    arrays["expression"][:] = 0
    save_file(arrays, tracks, metadata)
    (copy / "audio.flac").unlink()
    for path in (copy / "masks").iterdir():
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(path)
    texts = warnings_of(FitJob(str(copy), str(tmp_path / "x.emohead"), steps=10))
    assert any("mouth never opens" in text for text in texts)
    assert any("from one side only" in text for text in texts)
    assert any("masks" in text for text in texts)
    assert any("no sound" in text for text in texts)
    assert load_head(tmp_path / "x.emohead").meta["fit"]["steps"] == 10


def test_consent_is_asked_for_persons_and_stands_in_the_head(film, tmp_path):
    from engine.fit.advice import is_person

    copy = tmp_path / "capture"
    shutil.copytree(film, copy)
    path = copy / "capture.json"
    data = json.loads(path.read_text())
    data["facts"] = {"frames": 60, "tracked": 60, "clip_seconds": 2.4, "reprojection_error_relative": 0.004}
    path.write_text(json.dumps(data))
    from engine.capture.storage import load_capture

    assert is_person(load_capture(copy)) and not is_person(load_capture(film))
    job = FitJob(str(copy), str(tmp_path / "a.emohead"), steps=3)
    assert any("consent" in text for text in warnings_of(job))
    given = replace(job, out=str(tmp_path / "b.emohead"), consent="Ada agreed by letter.")
    assert not any("consent" in text for text in warnings_of(given))
    consent = load_head(tmp_path / "b.emohead").meta["consent"]
    assert consent["text"] == "Ada agreed by letter." and len(consent["date"]) == 10
    assert "Ada agreed by letter." in (tmp_path / "b.fit" / "fit_report.html").read_text()


def test_too_little_memory_is_said_before(character, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.fit.demands.free_memory", lambda: 300_000_000)
    with pytest.raises(InputError, match="GB of memory"):
        fit(FitJob(str(character), str(tmp_path / "x.emohead"), steps=STEPS), Report())
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said_before(character, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1_000_000))
    with pytest.raises(StorageError, match="MB free"):
        fit(FitJob(str(character), str(tmp_path / "x.emohead"), steps=STEPS), Report())
    assert not (tmp_path / "x.emohead").exists()


def test_an_evaluation_measures_both_ways_to_drive(character, fitted):
    out, _ = fitted
    result = run_job(EvaluateJob(str(out), str(character)), Report())
    json.dumps(result, allow_nan=False)
    keys = {"psnr", "psnr_head", "mouth_psnr", "ssim", "lpips", "lmd", "aue", "e_fid", "sync_confidence",
            "sync_offset_frames", "true_sync_confidence", "sharpness", "flicker", "fps",
            "uncertainty_ratio"}  # fmt: skip
    assert keys <= set(result["expression_driven"]) and keys <= set(result["audio_driven"])
    shown, heard = result["expression_driven"], result["audio_driven"]
    assert shown["psnr_head"] > heard["psnr_head"] > 10 and 0 < shown["ssim"] <= 1 and shown["fps"] > 0
    assert result["pictures"] == 8
    train = run_job(EvaluateJob(str(out), str(character), split="train"), Report())
    assert train["pictures"] == 52 and train["expression_driven"]["psnr_head"] > shown["psnr_head"] - 1
    seconds = run_job(EvaluateJob(str(out), str(character), split="2-"), Report())
    assert seconds["pictures"] == 10


def test_an_evaluation_of_nothing_is_refused(character, fitted):
    for split in ("9-12", "late", "5-2"):
        with pytest.raises(InputError):
            run_job(EvaluateJob(str(fitted[0]), str(character), split=split), Report())


def test_the_uncertainty_is_where_the_errors_are(character, fitted):
    out, _ = fitted
    result = run_job(EvaluateJob(str(out), str(character), split="all"), Report())
    assert result["expression_driven"]["uncertainty_ratio"] > 2.0


def test_a_gpu_without_memory_is_left_for_the_cpu(character, tmp_path, monkeypatch):
    """No GPU is needed to see that: the first steps of a device called cuda run out of memory."""
    trainer = fit_module.Trainer

    def make(scene, first, settings, seed, device, threads):
        if device == "cuda":
            raise torch.cuda.OutOfMemoryError("out of memory")
        return trainer(scene, first, settings, seed, device, threads)

    monkeypatch.setattr(fit_module, "Trainer", make)
    monkeypatch.setattr(fit_module, "choose_device", lambda name: "cuda")
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 3_000_000_000)
    texts = warnings_of(FitJob(str(character), str(tmp_path / "a.emohead"), steps=3))
    assert any("3.0 GB" in text and "without the GPU" in text for text in texts)
    with pytest.raises(InputError, match="3.0 GB"):
        fit(FitJob(str(character), str(tmp_path / "b.emohead"), steps=3, device="cuda"), Report())

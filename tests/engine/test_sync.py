# SPDX-License-Identifier: GPL-3.0-or-later
"""The verb `sync`: how many frames a mouth is late, of a film and of rendered frames."""

import json

import numpy as np
import pytest
import soundfile

from engine.audio.read import read_mono
from engine.cli import main
from engine.errors import InputError
from engine.jobs import run_job
from engine.protocol import SpeakJob, SyncJob
from engine.report import Report
from tests.engine.process.client import ROOT

SAMPLE = ROOT / "engine" / "data" / "sample_speech.flac"
RATE = 16000


@pytest.fixture(autouse=True)
def face_model(shared, monkeypatch):
    if not (shared / "data/mediapipe/face_landmarker.task").is_file():
        pytest.skip("needs MediaPipe's face landmarker in ../shared/data")
    monkeypatch.setenv("EMOSPLAT_MODELS", str(shared / "data/mediapipe"))


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    out = tmp_path_factory.mktemp("frames")
    run_job(SpeakJob(str(SAMPLE), "puppet", str(out), size=192, last=100, life=0.0), Report())
    return out


@pytest.mark.parametrize("late", [0, 4, -4])
def test_rendered_frames_are_in_sync_and_a_shift_is_found(frames, tmp_path, late):
    """A sound that is cut by so many frames makes the mouth that much later."""
    sound = np.pad(read_mono(SAMPLE), (RATE, 0))[RATE + late * RATE // 25 :]
    soundfile.write(tmp_path / "moved.wav", sound, RATE)
    result = run_job(SyncJob(str(frames), str(tmp_path / "moved.wav")), Report())
    assert abs(result["offset_frames"] - late) <= 1 and result["frames"] == 100
    assert result["confidence"] > 0.1


def test_another_sound_is_less_in_sync(frames, tmp_path):
    own = run_job(SyncJob(str(frames)), Report())
    soundfile.write(tmp_path / "other.wav", read_mono(SAMPLE)[::-1], RATE)
    assert run_job(SyncJob(str(frames), str(tmp_path / "other.wav")), Report())["confidence"] < own["confidence"]


def test_the_verb_prints_one_object(frames, capsys):
    assert main(["sync", str(frames), "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {"offset_frames", "confidence"} <= set(result) and abs(result["offset_frames"]) <= 1


def test_a_film_and_its_sound_moved(shared, tmp_path):
    film = shared / "data/video/obama_20s.mp4"
    own = run_job(SyncJob(str(film)), Report())
    soundfile.write(tmp_path / "moved.wav", read_mono(film)[6 * RATE // 25 :], RATE)
    moved = run_job(SyncJob(str(film), str(tmp_path / "moved.wav")), Report())
    assert abs(moved["offset_frames"] - own["offset_frames"] - 6) <= 1


def test_a_folder_without_frames_says_so(tmp_path):
    with pytest.raises(InputError, match="holds no frames"):
        run_job(SyncJob(str(tmp_path)), Report())

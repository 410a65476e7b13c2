# SPDX-License-Identifier: GPL-3.0-or-later
"""An emotion model that listens to HuBERT or wav2vec 2.0, on a small random model of the same classes."""

import dataclasses
import json
from fractions import Fraction

import numpy as np
import pytest
import torch

from engine.audio.read import read_mono
from engine.cli import main
from engine.emotion import waveform as waveform_module
from engine.emotion.acoustics import VoiceStream
from engine.emotion.hearing import Heard, silence_after, window_starts, windows
from engine.emotion.listen import Listener, feel
from engine.emotion.model import EmotionModel, load_model, save_model, shipped_model
from engine.emotion.network import StudentSettings
from engine.emotion.personal import PersonalEmotion, last_layers
from engine.emotion.recogniser import open_recogniser
from engine.emotion.waveform import Waveform, WaveformSource, load_waveform
from engine.errors import FormatError, InputError, MissingModelError
from engine.perform import perform
from engine.prior.extract import shipped_network
from engine.prior.frontends import EncoderFrontEnd
from engine.prior.pipelines import PipelineFile
from engine.prior.storage import digest
from engine.protocol import Controls
from engine.report import Report
from tests.engine.process.client import ROOT
from tests.engine.small_pipeline import PARAMETERS, small_pipeline

pytest.importorskip("torchaudio")
SAMPLE = ROOT / "engine" / "data" / "sample_speech.flac"
NAME = "HUBERT_BASE"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The user's folder, with weights of the pipeline in it."""
    file = PipelineFile("small.pth", "http://127.0.0.1:9/small.pth", "", PARAMETERS)
    monkeypatch.setattr(waveform_module, "published", lambda name: file)
    monkeypatch.setattr(waveform_module, "user_cache", lambda: tmp_path / "cache")
    (tmp_path / "cache" / "models").mkdir(parents=True)
    torch.save(small_pipeline().state_dict(), tmp_path / "cache" / "models" / file.name)
    return tmp_path / "cache" / "models"


@pytest.fixture
def waveform(cache) -> Waveform:
    return load_waveform(NAME, 2, Report())


@pytest.fixture
def model(waveform) -> EmotionModel:
    torch.manual_seed(1)
    model = EmotionModel(StudentSettings(waveform=waveform.source.width)).eval()
    model.space.load_state_dict(shipped_model()[0].space.state_dict())
    return model


@pytest.fixture
def file(model, waveform, tmp_path):
    save_model(model, waveform.source, {"corpus": "none"}, tmp_path / "emotion.safetensors")
    return tmp_path / "emotion.safetensors"


def heard(audio: np.ndarray, waveform: Waveform) -> Heard:
    front, voice = waveform.front_end(), VoiceStream()
    front.push(audio)
    voice.push(audio)
    return Heard(voice.finish(), front.finish(), waveform.source.width)


def test_a_sound_is_felt_and_pieces_make_no_difference(file):
    felt = feel(SAMPLE, Report(), str(file))
    assert felt.feature.any() and np.abs(felt.feature[:30] - feel(SAMPLE, Report()).feature[:30]).max() > 0.01
    audio = read_mono(SAMPLE)
    listener, front = Listener(open_recogniser(str(file), Report())), EncoderFrontEnd(shipped_network().encoder)
    for first in range(0, len(audio), 12_345):
        listener.push(audio[first : first + 12_345])
        front.push(audio[first : first + 12_345])
    np.testing.assert_allclose(listener.finish(front.finish(), Report()).feature, felt.feature, atol=2e-3)


def test_features_lie_at_their_own_times(waveform):
    """A click at 1.5 s changes the moments around 1.5 s of the window from 1.0 to 3.0 s."""
    quiet = np.random.default_rng(0).normal(0.0, 0.01, 16000 * 4).astype(np.float32)
    click = quiet.copy()
    click[24000 - 160 : 24000 + 160] += 0.5
    start = np.array([25])
    rows = [windows(heard(sound, waveform), start) for sound in (quiet, click)]
    changed = (rows[1][2] - rows[0][2])[0].norm(dim=0)
    level = (rows[1][0] - rows[0][0])[0].abs().mean(0)
    assert abs((float(changed.argmax()) + 0.5) / 25 - 0.5) < 0.05
    assert abs((float(level.argmax()) + 0.5) / 50 - 0.5) < 0.05


def test_windows_have_no_seams(waveform):
    """It makes no difference which windows are asked for together, across the pipeline's own chunks, too."""
    audio = np.tile(read_mono(SAMPLE), 8)
    assert len(audio) > 24 * 16000
    whole = heard(audio, waveform)
    starts = window_starts(whole.steps)
    together = windows(whole, starts)
    for part in (slice(0, 7), slice(90, 110), slice(len(starts) - 3, None)):
        for some, every in zip(windows(whole, starts[part]), together):
            torch.testing.assert_close(some, every[part], atol=1e-5, rtol=0.0)


def test_the_header_names_the_features_and_the_file_reads_back(file, model, waveform):
    read, source = load_model(file)
    assert source == waveform.source == WaveformSource(digest(waveform.network), NAME, 2)
    sound = np.pad(read_mono(SAMPLE), (0, silence_after(0, 16000)))
    given = windows(heard(sound, waveform), np.array([0, 5]))
    with torch.no_grad():
        for one, other in zip(model(*given), read(*given)):
            torch.testing.assert_close(one, other, atol=5e-3, rtol=0.0)


def test_the_model_that_ships_listens_to_the_shipped_encoder():
    source = shipped_model()[1]
    assert source == WaveformSource(digest(shipped_network().encoder)) and source.to_header() == {
        "encoder": source.encoder
    }


def test_without_its_weights_nothing_is_fetched_and_it_is_said_what_to_do(file, cache, capsys):
    (cache / "small.pth").unlink()
    with pytest.raises(MissingModelError, match=f"listens to {NAME}.*Allow the download.*model that ships"):
        feel(SAMPLE, Report(), str(file))
    assert not (cache / "small.pth").exists()
    with pytest.raises(MissingModelError, match="could not be fetched"):  # allowed, and the page is not there
        feel(SAMPLE, Report(), str(file), allow_download=True)
    assert main(["emotion", str(SAMPLE), "--emotion-model", str(file)]) == 1
    assert "Allow the download" in capsys.readouterr().err


def test_other_weights_of_the_pipeline_are_refused(file, cache):
    torch.save(small_pipeline(seed=7).state_dict(), cache / "small.pth")
    (cache / "small.json").unlink()
    with pytest.raises(FormatError, match="other weights"):
        open_recogniser(str(file), Report())


@pytest.mark.parametrize("wrong", [
    {"pipeline": "HUBERT_HUGE"}, {"pipeline": ["HUBERT_BASE"]}, {"layer": 3}, {"layer": 0}, {"layer": "2"},
    {"encoder": "short"}, {"encoder": None}, {"pipeline": ""},
])  # fmt: skip
def test_a_header_that_names_no_features_is_refused(wrong, waveform, model, tmp_path):
    header = waveform.source.to_header() | wrong
    source = dataclasses.replace(waveform.source)
    object.__setattr__(source, "to_header", lambda: header)
    save_model(model, source, {}, tmp_path / "wrong.safetensors")
    with pytest.raises(FormatError, match="which waveform features.*export.py"):
        open_recogniser(str(tmp_path / "wrong.safetensors"), Report())


def test_students_of_other_sizes_than_the_features_are_refused(waveform, tmp_path):
    save_model(EmotionModel(), waveform.source, {}, tmp_path / "wrong.safetensors")
    with pytest.raises(FormatError, match="shape"):
        open_recogniser(str(tmp_path / "wrong.safetensors"), Report())


def test_students_of_another_space_are_refused(waveform, tmp_path):
    model = EmotionModel(StudentSettings(waveform=waveform.source.width))
    save_model(model, waveform.source, {}, tmp_path / "wrong.safetensors")
    with pytest.raises(FormatError, match="another emotion space"):
        open_recogniser(str(tmp_path / "wrong.safetensors"), Report())


def test_a_file_that_is_not_there_or_no_emotion_model(tmp_path):
    for path in (tmp_path / "none.safetensors", SAMPLE, ROOT / "engine" / "data" / "prior.safetensors"):
        with pytest.raises(FormatError, match="one ships"):
            open_recogniser(str(path), Report())


def test_a_layer_that_the_pipeline_does_not_have(cache):
    assert load_waveform(NAME, 0, Report()).source.layer == 1  # the middle of two
    with pytest.raises(InputError, match="from 1 to 2"):
        load_waveform(NAME, 3, Report())


def test_it_drives_a_take_and_knows_a_person(file, model):
    def emotion(person=None, warnings=None):
        report = Report(on_warning=warnings.append if warnings is not None else None)
        controls = Controls({}, auto_emotion=[1.0])
        return perform(SAMPLE, fps=Fraction(25), controls=controls, seed=0, report=report, emotion_model=str(file),
                       person=person).emotion

    anybody = emotion()
    layers = {name: 0.5 * value for name, value in last_layers(load_model(file)[0]).items()}
    known = emotion(PersonalEmotion(digest(load_model(file)[0]), layers))
    assert np.abs(known - anybody).max() > 1e-3
    warnings: list[str] = []
    np.testing.assert_array_equal(emotion(PersonalEmotion(digest(shipped_model()[0]), layers), warnings), anybody)
    assert "another emotion model" in warnings[0]


def test_the_command_line_hears_with_it(file, capsys):
    assert main(["emotion", str(SAMPLE), "--emotion-model", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert main(["emotion", str(SAMPLE), "--json"]) == 0
    assert said["probabilities"] != json.loads(capsys.readouterr().out.splitlines()[-1])["probabilities"]

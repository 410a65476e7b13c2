# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe on little: disturbances keep what they must, a student learns, measures measure; a model of HuBERT's kind
goes the whole way from a corpus to what `--emotion-model` takes."""

import csv
import sys

import numpy as np
import pytest
import soundfile
import torch

from assets.emotion import export, prepare
from assets.emotion import train as train_students
from assets.emotion.disturb import another_place, formants
from assets.emotion.learn import Windows, learn
from assets.emotion.measures import arousal_pairs, recall
from assets.emotion.train_space import faces, random_mixes, train
from engine.emotion import waveform as waveform_module
from engine.emotion.acoustics import DESCRIPTORS, MELS
from engine.emotion.classes import CLASSES
from engine.emotion.listen import feel
from engine.emotion.model import load_model, shipped_model
from engine.emotion.network import MEL_STEPS, STEPS
from engine.emotion.space import EmotionSpace
from engine.emotion.waveform import WaveformSource
from engine.prior.pipelines import PipelineFile
from engine.report import Report
from tests.engine.small_pipeline import PARAMETERS, small_pipeline

RATE = 16000


def buzz(hz: float, formant: float) -> np.ndarray:
    time = np.arange(RATE) / RATE
    parts = (np.exp(-(((k * hz - formant) / 250.0) ** 2)) * np.sin(2 * np.pi * k * hz * time) for k in range(1, 60))
    return (0.3 * sum(parts) + 1e-4 * np.random.default_rng(0).normal(size=RATE)).astype(np.float32)


def centre(audio: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    return float((power * np.fft.rfftfreq(len(audio), 1 / RATE)).sum() / power.sum())


@pytest.mark.parametrize("factor", [0.88, 1.12])
def test_formants_move_and_the_pitch_stays(factor):
    audio = buzz(120.0, 1500.0)
    moved = formants(audio, factor)
    assert centre(moved) / centre(audio) == pytest.approx(factor, abs=0.06)
    power = np.abs(np.fft.rfft(moved * np.hanning(RATE)))
    peak = int(np.argmax(power))  # one bin is 1 Hz
    assert min(peak % 120, -peak % 120) <= 2
    np.testing.assert_allclose(np.std(formants(audio, 1.0)), np.std(audio), rtol=0.03)


def test_disturbances_are_seeded_and_keep_the_length():
    audio = buzz(150.0, 900.0)
    for seed in range(6):
        one, again = (another_place(audio, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(one, again)
        assert len(one) == len(audio) and np.isfinite(one).all()


def test_a_student_learns_what_the_waveform_says():
    rng = np.random.default_rng(1)
    classes = np.repeat([CLASSES.index("angry"), CLASSES.index("sad")], 30)
    waveform = rng.normal(size=(2, 60, 384, STEPS)).astype(np.float16)
    waveform[:, classes == CLASSES.index("sad"), :40] += 1.0
    windows = Windows(
        torch.from_numpy(rng.normal(size=(2, 60, MELS, MEL_STEPS)).astype(np.float16)),
        torch.from_numpy(rng.normal(size=(2, 60, STEPS, len(DESCRIPTORS))).astype(np.float16)),
        torch.from_numpy(waveform), torch.from_numpy(classes), np.arange(60) % 6, torch.ones(60),
        WaveformSource("0" * 64),
    )
    torch.manual_seed(0)
    held = windows.speakers == 0
    student = learn(windows, ~held, EmotionSpace().requires_grad_(False), seed=0, steps=40)
    numbers = torch.from_numpy(np.flatnonzero(held))
    with torch.no_grad():
        _, logits = student(*windows.inputs(torch.zeros_like(numbers), numbers))
    assert recall(logits.numpy(), classes[held]) == 1.0


def test_the_space_begins_to_learn_the_faces():
    space = train(150, seed=0)
    weights = random_mixes(64, np.random.default_rng(9))
    target = faces(weights)
    with torch.no_grad():
        shown = space.decode(space.points(torch.from_numpy(weights))).numpy()
    assert np.square(shown - target).mean() < 0.2 * np.square(target).mean()


def test_measures():
    truth = np.array([0, 0, 0, 1])
    assert recall(np.eye(2)[[0, 0, 0, 0]], truth) == 0.5
    angry, neutral, sad = (CLASSES.index(name) for name in ("angry", "neutral", "sad"))
    found = arousal_pairs(np.array([0.9, -0.2, 0.0, 0.1, -0.5]), np.array([angry, angry, neutral, neutral, sad]),
                          np.zeros(5))
    assert found == {"pairs": round(4 / 6, 3), "speakers' means": 1.0}


@pytest.fixture
def corpus(tmp_path):
    """Ten utterances as EmoDB has them: what is angry is bright, what is sad is dull."""
    (tmp_path / "emodb" / "audio").mkdir(parents=True)
    names = ("file", "speaker", "sentence", "emotion", "listeners_recognised_percent")
    with (tmp_path / "emodb" / "utterances.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, names)
        rows.writeheader()
        for k in range(10):
            emotion, formant = (("anger", 2500.0), ("sadness", 600.0))[k % 2]
            rows.writerow(dict(zip(names, (f"u{k}", 3 + k % 3, "a01", emotion, 90.0))))
            audio = np.tile(buzz(110.0 + 5.0 * k, formant), 2)
            soundfile.write(tmp_path / "emodb" / "audio" / f"u{k}.flac", audio, RATE)
    return tmp_path / "emodb"


@pytest.fixture
def run(monkeypatch):
    """Runs a script of the recipe with arguments."""
    def with_arguments(module, *arguments) -> None:
        monkeypatch.setattr(sys, "argv", ["recipe", *map(str, arguments)])
        module.main()

    return with_arguments


def test_what_is_prepared_without_a_pipeline_is_what_the_model_that_ships_hears(corpus, tmp_path, run):
    run(prepare, "--emodb", corpus, "--out", tmp_path / "data", "--copies", 1)
    windows = Windows.load(tmp_path / "data")
    assert windows.source == shipped_model()[1] and windows.waveform.shape == (1, 10, windows.source.width, STEPS)


def test_students_of_a_pipeline_from_the_corpus_to_the_file(corpus, tmp_path, run, monkeypatch, capsys):
    pytest.importorskip("torchaudio")
    file = PipelineFile("small.pth", "http://127.0.0.1:9/small.pth", "", PARAMETERS)
    monkeypatch.setattr(waveform_module, "published", lambda name: file)
    monkeypatch.setattr(waveform_module, "user_cache", lambda: tmp_path / "cache")
    data, students, out = tmp_path / "data", tmp_path / "students.pt", tmp_path / "hubert.safetensors"
    preparing = ("--emodb", corpus, "--out", data, "--copies", 1, "--pipeline", "HUBERT_BASE", "--layer", 2)
    with pytest.raises(SystemExit, match="Allow the download"):
        run(prepare, *preparing)
    (tmp_path / "cache" / "models").mkdir(parents=True)
    torch.save(small_pipeline().state_dict(), tmp_path / "cache" / "models" / file.name)
    run(prepare, *preparing)
    windows = Windows.load(data)
    assert windows.source.pipeline == "HUBERT_BASE" and windows.waveform.shape[2:] == (24, STEPS)
    monkeypatch.setattr(train_students, "learn", lambda *given: learn(*given, steps=30))
    run(train_students, "--data", data, "--out", students)
    with pytest.raises(SystemExit):
        run(export, "--model", students)  # the file that ships listens to the encoder that ships
    assert "--out" in capsys.readouterr().err
    run(export, "--model", students, "--out", out)
    assert load_model(out)[1] == windows.source
    with torch.no_grad():
        _, said = load_model(out)[0](*windows.inputs(torch.zeros(10, dtype=torch.long), torch.arange(10)))
    assert recall(said.numpy(), windows.classes.numpy()) == 1.0
    angry = feel(corpus / "audio" / "u0.flac", Report(), str(out)).overall
    assert angry[CLASSES.index("angry")] > angry[CLASSES.index("sad")]


def test_what_two_encoders_heard_is_not_mixed(tmp_path):
    for k in range(2):
        np.savez(tmp_path / f"emodb-{k}.npz", source=np.array(f"{k}"))
    with pytest.raises(SystemExit, match="several encoders"):
        Windows.load(tmp_path)

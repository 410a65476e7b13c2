# SPDX-License-Identifier: GPL-3.0-or-later
"""The emotion in sound files, by the model that ships."""

import json
import threading
from fractions import Fraction

import numpy as np
import pytest
import soundfile

from engine.audio.read import read_mono
from engine.cli import main
from engine.emotion.extract import at_frames
from engine.emotion.hearing import silence_after
from engine.emotion.listen import Listener, as_dict, feel
from engine.errors import AudioError, Cancelled
from engine.prior.extract import shipped_network
from engine.prior.frontends import EncoderFrontEnd
from engine.protocol import EMOTION_NAMES
from engine.report import Report
from tests.engine.process.client import ROOT

SAMPLE = ROOT / "engine" / "data" / "sample_speech.flac"
NEUTRAL = EMOTION_NAMES.index("neutral")


@pytest.fixture(scope="module")
def felt():
    return feel(SAMPLE, Report())


def test_what_is_felt_covers_the_sound_five_times_a_second(felt):
    assert abs(felt.times[-1] - soundfile.info(SAMPLE).duration) < 0.3
    np.testing.assert_allclose(np.diff(felt.times), 0.2)
    np.testing.assert_allclose(felt.probabilities.sum(1), 1.0, atol=1e-5)
    assert felt.probabilities.min() >= 0.0 and np.abs(felt.valence).max() < 1.5 and np.abs(felt.arousal).max() < 1.5
    assert felt.feature.shape == (len(felt.times), 128) and felt.speech.max() > 0.9


def test_pieces_make_no_difference(felt):
    audio = read_mono(SAMPLE)
    listener, front = Listener(), EncoderFrontEnd(shipped_network().encoder)
    for first in range(0, len(audio), 12_345):
        listener.push(audio[first : first + 12_345])
        front.push(audio[first : first + 12_345])
    np.testing.assert_allclose(listener.finish(front.finish(), Report()).feature, felt.feature, atol=1e-3)


def test_louder_or_quieter_is_the_same_emotion(felt, tmp_path):
    soundfile.write(tmp_path / "quiet.wav", 0.05 * read_mono(SAMPLE), 16000, subtype="FLOAT")
    np.testing.assert_allclose(feel(tmp_path / "quiet.wav", Report()).probabilities, felt.probabilities, atol=0.05)


def test_silence_is_neutral_and_feels_nothing(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000 * 3), 16000)
    felt = feel(tmp_path / "silence.wav", Report())
    assert (felt.probabilities[:, NEUTRAL] == 1.0).all() and not felt.feature.any()
    assert as_dict(felt)["label"] == "neutral"


def test_a_short_word_is_heard(tmp_path):
    audio = read_mono(SAMPLE)
    start = int(np.argmax(np.abs(audio) > 0.05))
    soundfile.write(tmp_path / "word.wav", audio[start : start + 8000], 16000)
    felt = feel(tmp_path / "word.wav", Report())
    assert len(felt.times) >= 3 and felt.feature.any()


def test_after_speech_the_feeling_fades(tmp_path):
    audio = read_mono(SAMPLE)
    soundfile.write(tmp_path / "long.wav", np.concatenate([audio, np.zeros(16000 * 8, np.float32)]), 16000)
    felt = feel(tmp_path / "long.wav", Report())
    strength = np.linalg.norm(felt.feature, axis=1)
    end = int(5 * len(audio) / 16000)
    assert strength[-1] < 0.1 * strength[end - 5]
    assert (np.diff(strength[end + 5 :]) <= 1e-6).all()


def test_frames_come_at_their_own_times(felt):
    ramp = np.arange(11, dtype=np.float32)[:, None]
    np.testing.assert_allclose(at_frames(ramp, 5, Fraction(25)), np.arange(5)[:, None] * 0.2, atol=1e-6)
    assert at_frames(ramp, 1000, Fraction(30000, 1001))[-1] == 10.0


def test_cancel_stops():
    report = Report(cancel_event=threading.Event())
    report.cancel_event.set()
    with pytest.raises(Cancelled):
        feel(SAMPLE, report)


def test_no_sound_is_said_so(tmp_path):
    with pytest.raises(AudioError):
        feel(tmp_path / "nothing.wav", Report())


def test_the_command_line_prints_just_that(capsys, tmp_path):
    plot = tmp_path / "plot.svg"
    assert main(["emotion", str(SAMPLE), "--json", "--plot", str(plot)]) == 0
    heard = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(heard) == {"times", "probabilities", "valence", "arousal", "overall", "label"}
    assert set(heard["probabilities"]) == set(heard["overall"]) == set(EMOTION_NAMES)
    assert all(len(track) == len(heard["times"]) for track in heard["probabilities"].values())
    assert len(heard["valence"]) == len(heard["arousal"]) == len(heard["times"])
    assert heard["label"] == max(heard["overall"], key=heard["overall"].get)
    assert plot.read_text(encoding="utf-8").lstrip().startswith("<?xml")


def test_a_plot_of_an_unknown_kind_is_refused_before_the_work(capsys, tmp_path):
    assert main(["emotion", str(SAMPLE), "--plot", str(tmp_path / "plot.docx")]) == 1
    assert ".svg" in capsys.readouterr().err


def test_acted_lines_rank_right_against_the_neutral_one(shared):
    lines = shared / "data" / "speech"
    neutral = as_dict(feel(lines / "Claire_neutral.wav", Report()))["overall"]
    for file, emotion in (("Claire_anger", "angry"), ("Mark_joy", "happy"), ("Mark_sadness", "sad")):
        assert as_dict(feel(lines / f"{file}.wav", Report()))["overall"][emotion] > neutral[emotion], file

# SPDX-License-Identifier: GPL-3.0-or-later
"""perform(): a sound file and sliders become a Take."""

import threading
from fractions import Fraction

import numpy as np
import pytest
import soundfile

from engine.errors import AudioError, Cancelled
from engine.perform import perform, sample_track
from engine.prior.lips import MOUTH_NAMES
from engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES, MICRO_EXPRESSIONS, Controls
from engine.report import Report
from tests.engine.process.client import ROOT

SAMPLE = ROOT / "engine" / "data" / "sample_speech.flac"
FPS = Fraction(25)


def take_of(audio=SAMPLE, fps=FPS, controls=None, seed=0, report=None):
    return perform(audio, fps=fps, controls=controls or Controls(), seed=seed, report=report or Report())


def still(**tracks) -> Controls:
    return Controls(blink=[0.0], gaze=[0.0], head_motion=[0.0], micro_motion=[0.0], **tracks)


@pytest.fixture
def silent_file(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(16000 * 4), 16000)
    return tmp_path / "silence.wav"


def test_a_take_of_the_sample_speech():
    take = take_of()
    seconds = soundfile.info(SAMPLE).duration
    assert len(take) == int(np.ceil(seconds * 25))
    assert take.fps == FPS and take.audio == str(SAMPLE) and take.seed == 0
    assert take.expression.dtype == np.float32
    assert 0.0 <= take.expression.min() and take.expression.max() <= 1.0
    for name in ("jawOpen", "mouthClose", "eyeBlinkLeft", "eyeLookOutLeft"):
        assert take.expression[:, EXPRESSION_NAMES.index(name)].max() > 0.0
    assert take.gaze.any() and take.head_pose.any()


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(60), Fraction(1)])
def test_length_is_the_sound_rounded_up(fps):
    samples = soundfile.info(SAMPLE).frames
    assert len(take_of(fps=fps)) == -(-samples * fps.numerator // (16000 * fps.denominator))


def test_the_same_seed_gives_the_same_take():
    first, again, other = take_of(seed=3), take_of(seed=3), take_of(seed=4)
    for name in ("expression", "gaze", "head_pose"):
        np.testing.assert_array_equal(getattr(first, name), getattr(again, name))
    assert np.abs(first.head_pose - other.head_pose).max() > 0.0


def test_sliders_at_zero_are_exactly_still(silent_file):
    take = take_of(silent_file, controls=still())
    assert not np.ptp(take.expression, 0).any() and not take.gaze.any() and not take.head_pose.any()
    assert {EXPRESSION_NAMES[k] for k in np.flatnonzero(take.expression[0])} <= set(MOUTH_NAMES)


def test_life_sliders_scale_frame_by_frame(silent_file):
    half = [1.0] * 50 + [0.0]
    take = take_of(silent_file, controls=Controls(blink=half, gaze=half, head_motion=half))
    whole = take_of(silent_file)
    np.testing.assert_array_equal(take.head_pose[:50], whole.head_pose[:50])
    assert not take.head_pose[50:].any() and not take.gaze[50:].any()
    still_after = take.expression[50:] - take.expression[-1]
    assert not still_after.any() and (take.expression[:50] - take.expression[-1]).any()


def test_controls_start_anywhere(silent_file):
    take = take_of(silent_file, controls=still(emotion={"happy": [0.2, 0.4, 0.6]}, intensity=[0.5], start=10))
    happy = take.emotion_weights[:, EMOTION_NAMES.index("happy")]
    np.testing.assert_allclose(happy[[0, 9, 10, 11, 12, 13, 99]], [0.1, 0.1, 0.1, 0.2, 0.3, 0.3, 0.3], atol=1e-6)


def test_sample_track():
    np.testing.assert_array_equal(sample_track([1.0, 2.0, 3.0], -1, 4), [2.0, 3.0, 3.0, 3.0])
    np.testing.assert_array_equal(sample_track([1.0, 2.0], 2, 5), [1.0, 1.0, 1.0, 2.0, 2.0])
    np.testing.assert_array_equal(sample_track([0.5], 0, 3), [0.5, 0.5, 0.5])


@pytest.mark.parametrize("name", MICRO_EXPRESSIONS)
def test_micro_expressions_are_added_and_bounded(silent_file, name):
    columns = [EXPRESSION_NAMES.index(shape) for shape in MICRO_EXPRESSIONS[name]]
    take = take_of(silent_file, controls=still(micro={name: [0.6]}))
    added = take.expression - take_of(silent_file, controls=still()).expression
    np.testing.assert_allclose(added[:, columns], 0.6, atol=1e-6)
    assert np.count_nonzero(added.any(0)) == len(columns)
    for value in (1.0, -1.0):
        bounded = take_of(silent_file, controls=still(micro={name: [value]}, emotion={"happy": [1.0]}))
        assert 0.0 <= bounded.expression.min() and bounded.expression.max() <= 1.0


def test_emotion_shows_and_speech_goes_on():
    neutral, happy = take_of(controls=still()), take_of(controls=still(emotion={"happy": [1.0]}))
    smile, jaw = EXPRESSION_NAMES.index("mouthSmileLeft"), EXPRESSION_NAMES.index("jawOpen")
    assert happy.expression[:, smile].min() > 0.5 > neutral.expression[:, smile].max()
    np.testing.assert_allclose(happy.expression[:, jaw], neutral.expression[:, jaw], atol=1e-6)


def test_progress_names_its_stages_and_ends():
    calls = []
    take_of(report=Report(on_progress=lambda stage, done, total, eta: calls.append((stage, done, total))))
    assert [stage for stage, done, total in calls if done == total] == ["listen", "extract", "perform"]


def test_a_cancel_is_heard():
    event = threading.Event()
    with pytest.raises(Cancelled):
        take_of(report=Report(on_progress=lambda *_: event.set(), cancel_event=event))


def test_bad_audio_is_an_error_with_words():
    with pytest.raises(AudioError, match="There is no file"):
        take_of("nowhere.wav")


def test_the_shortest_sound(tmp_path):
    soundfile.write(tmp_path / "short.wav", 0.1 * np.random.default_rng(0).normal(size=1600), 16000)
    assert len(take_of(tmp_path / "short.wav")) == 3


def test_ten_minutes(tmp_path):
    path = tmp_path / "long.wav"
    rng = np.random.default_rng(0)
    minute = np.concatenate([rng.normal(0, 0.1, 8000 * 40), np.zeros(8000 * 20)])
    with soundfile.SoundFile(path, "w", 8000, 1, "PCM_U8") as file:
        for _ in range(10):
            file.write(minute)
    take = take_of(path)
    assert len(take) == 15_000
    blinks = take.expression[:, EXPRESSION_NAMES.index("eyeBlinkLeft")] > 0.5
    assert 100 < np.count_nonzero(np.diff(blinks.astype(int)) == 1) < 250


def test_an_acted_line(shared):
    take = take_of(shared / "data/speech/Claire_neutral.wav", controls=still())
    jaw = take.expression[:, EXPRESSION_NAMES.index("jawOpen")]
    assert jaw[98:103].max() < 0.7 * jaw[107:118].max()  # she pauses from 3.8 to 4.1 s
    assert jaw[107:118].max() > 0.2

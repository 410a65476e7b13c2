# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's voice is learned from faces and labels, kept where it helps, carried by the head and heard with it."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
import soundfile

from engine.audio.read import read_mono
from engine.emotion.classes import CLASSES
from engine.emotion.extract import extract
from engine.emotion.finetune import Lesson, fine_tune, usual_face
from engine.emotion.hearing import Heard, window_starts
from engine.emotion.listen import listen
from engine.emotion.model import shipped_model
from engine.emotion.personal import layer_shapes, with_layers
from engine.emotion.recogniser import shipped_recogniser
from engine.errors import FormatError
from engine.head.puppet import build_puppet
from engine.head.storage import load_head, save_head
from engine.perform import perform
from engine.prior.storage import digest
from engine.protocol import EMOTION_NAMES, Controls
from engine.report import Report
from tests.engine.process.client import ROOT

SAMPLE = ROOT / "engine" / "data" / "sample_speech.flac"
HAPPY, SAD, NEUTRAL = (EMOTION_NAMES.index(name) for name in ("happy", "sad", "neutral"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Twenty seconds of speech and more."""
    path = tmp_path_factory.mktemp("voice") / "long.wav"
    audio = read_mono(SAMPLE)
    soundfile.write(path, np.tile(audio, 1 + 20 * 16000 // len(audio)), 16000)
    return path


@pytest.fixture(scope="module")
def heard(sound) -> Heard:
    return listen(sound, shipped_recogniser(), Report())


def lesson(heard: Heard, emotion: int, labelled: bool = True) -> Lesson:
    """A person who shows one emotion all the time, and whose usual face is none."""
    count = len(window_starts(heard.steps))
    space = shipped_model()[0].space
    faces = np.repeat(space.expression(space.of_weights(np.eye(8, dtype=np.float32)[[emotion]])), count, 0)
    labels = np.full(count, emotion if labelled else -1)
    return Lesson(faces, np.ones(count, bool), labels, np.ones(count, np.float32))


@pytest.fixture(scope="module")
def happy(heard):
    return fine_tune(heard, lesson(heard, HAPPY), shipped_model()[0], Report())


def test_a_voice_that_is_happy_is_heard_as_that(heard, happy):
    shipped = shipped_model()[0]
    before, after = (extract(heard, model, Report()) for model in (shipped, with_layers(shipped, happy.person.layers)))
    last = slice(-happy.judged, None)  # not learned from
    assert after.probabilities[last, HAPPY].mean() > before.probabilities[last, HAPPY].mean() + 0.2
    target = shipped.space.prototypes[CLASSES.index("happy")].numpy()
    far = [np.linalg.norm(felt.feature[last] - target, axis=1).mean() for felt in (before, after)]
    assert far[1] < 0.8 * far[0]
    assert happy.after < happy.before and "learned from" in happy.text


def test_the_model_that_ships_stays_as_it_is_and_the_same_lesson_gives_the_same(heard, happy):
    before = digest(shipped_model()[0])
    again = fine_tune(heard, lesson(heard, HAPPY), shipped_model()[0], Report())
    assert digest(shipped_model()[0]) == before
    for name, value in happy.person.layers.items():
        np.testing.assert_array_equal(value, again.person.layers[name])


def test_what_does_not_help_later_is_not_kept(heard):
    """What was learned at first is wrong in the end."""
    one, other = lesson(heard, HAPPY), lesson(heard, SAD)
    first = int(0.75 * len(one.labels))
    mixed = {f.name: np.concatenate([getattr(one, f.name)[:first], getattr(other, f.name)[first:]])
             for f in dataclasses.fields(Lesson)}  # fmt: skip
    went = fine_tune(heard, Lesson(**mixed), shipped_model()[0], Report())
    assert went.person is None and went.after > went.before and "as anybody's" in went.text


def test_too_little_teaches_nothing(heard):
    few = dataclasses.replace(lesson(heard, HAPPY), seen=np.arange(len(window_starts(heard.steps))) < 20)
    went = fine_tune(heard, few, shipped_model()[0], Report())
    assert went.person is None and went.before is None and "too few" in went.text


def test_the_usual_face_is_the_neutral_one_or_else_the_unlabelled_one(heard):
    base = lesson(heard, HAPPY)
    half = np.arange(len(base.labels)) % 2 == 0
    faces = np.where(half[:, None], 0.2, 0.6) * np.ones_like(base.faces)
    for other in (NEUTRAL, -1):
        mixed = dataclasses.replace(base, faces=faces, labels=np.where(half, other, HAPPY))
        np.testing.assert_allclose(usual_face(mixed), 0.2, atol=1e-6)
    assert not usual_face(base).any()


def test_a_head_carries_it_and_is_heard_with_it(happy, sound, tmp_path):
    path = tmp_path / "one.emohead"
    save_head(dataclasses.replace(build_puppet(), person=happy.person), path)
    person = load_head(path).person
    assert person.model == happy.person.model and set(person.layers) == set(layer_shapes())
    controls = Controls({}, auto_emotion=[1.0])
    anybody, known = (
        perform(SAMPLE, fps=Fraction(25), controls=controls, seed=0, report=Report(), person=p) for p in (None, person)
    )
    assert known.emotion_weights[:, HAPPY].mean() > anybody.emotion_weights[:, HAPPY].mean() + 0.2


def test_a_head_of_another_emotion_model_is_heard_as_anybody(happy):
    warnings = []
    stranger = dataclasses.replace(happy.person, model="0" * 64)
    recogniser = shipped_recogniser().knowing(stranger, Report(on_warning=warnings.append))
    assert recogniser.model is shipped_model()[0] and "Fit it again" in warnings[0]


def test_a_head_that_lacks_some_of_it_is_refused(happy, tmp_path):
    path = tmp_path / "one.emohead"
    layers = {name: value for name, value in happy.person.layers.items() if name != "students.1.to_feature.bias"}
    save_head(dataclasses.replace(build_puppet(), person=dataclasses.replace(happy.person, layers=layers)), path)
    with pytest.raises(FormatError):
        load_head(path)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts against the sample speech, whose phones Flite has told the times of; texts that fit in part or not at all."""

import shutil
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from engine.audio.read import RATE, read_mono
from engine.dialogue.align import LONGEST_TEXT, align
from engine.errors import Cancelled, InputError
from engine.prior.bands import BandStream
from engine.prior.loudness import measure_loudness
from engine.report import Report
from tests.engine.process.client import ROOT

pocketsphinx = pytest.importorskip("pocketsphinx")

SAMPLE = ROOT / "engine" / "data" / "sample_speech.flac"
FIRST, SECOND = "Hello! I am a face made of light.", "Give me a voice, move a slider, and I will speak with feeling."
TEXT = f"{FIRST} {SECOND}"
# `flite -voice slt -psdur`, moved by the pauses that assets/speech/make_sample.py puts in: m of am and made, f of face,
# m of me and move, p of speak, f of feeling.
KNOWN = (
    ("m", 1.485, 1.566), ("f", 1.616, 1.710), ("m", 2.015, 2.117), ("m", 3.676, 3.744), ("m", 4.468, 4.531),
    ("p", 6.141, 6.227), ("f", 6.558, 6.664),
)


def speech_of(sound: np.ndarray) -> np.ndarray:
    stream = BandStream()
    stream.push(sound)
    return measure_loudness(stream.finish()).speech


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    return read_mono(SAMPLE)


@pytest.fixture(scope="module")
def speech(sound) -> np.ndarray:
    return speech_of(sound)


@pytest.fixture
def aligned(speech, monkeypatch, tmp_path):
    """The alignment of a text with the sample, and what was warned of. No model lies in the cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))

    def of(text: str, path: Path = SAMPLE, speech: np.ndarray = speech, **more):
        warnings: list[str] = []
        return align(path, text, speech, Report(on_warning=warnings.append), **more), warnings

    return of


def phones_of(alignment) -> list:
    return [phone for stretch in alignment.stretches for phone in stretch]


def errors(alignment, known) -> list[float]:
    """Seconds between where each of `known` begins and the nearest of its name."""
    phones = phones_of(alignment)
    return [min(abs(start - at) for name, start, _ in phones if name == wanted) for wanted, at, _ in known]


def test_every_word_is_found_at_its_time(aligned):
    alignment, warnings = aligned(TEXT)
    assert not warnings and alignment.shapes == 1.0
    assert np.median(errors(alignment, KNOWN)) < 0.02 and max(errors(alignment, KNOWN)) < 0.08
    names = [name for name, _, _ in phones_of(alignment)]
    assert names.count("m") == 4 and names.count("p") == 1 and names.count("f") == 6  # v, too
    times = [time for _, start, end in phones_of(alignment) for time in (start, end)]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "text, missing",
    [
        (f"{FIRST} Yesterday, wonderful people! {SECOND}", "yesterday, wonderful, people"),
        (f"{TEXT} That is not all of it", "that, is, not, all, of, it"),
        (f"{'Nothing of this is ever said in here at all. ' * 20}{TEXT}", "and 188 more"),
        (f"{TEXT} {'Nothing of this is ever said in here at all. ' * 1000}", "and 9988 more"),
    ],
)
def test_words_that_are_not_spoken_are_named_and_the_others_found(aligned, text, missing):
    alignment, warnings = aligned(text)
    assert len(warnings) == 1 and missing in warnings[0]
    assert np.median(errors(alignment, KNOWN)) < 0.02


def test_speech_that_is_not_in_the_text_is_left_out(aligned):
    alignment, warnings = aligned(SECOND)
    assert not warnings
    assert phones_of(alignment)[0][1] > 3.2
    assert np.median(errors(alignment, KNOWN[3:])) < 0.02


def test_words_that_no_dictionary_has_are_found_by_their_sound(aligned):
    alignment, _ = aligned("Helloh! I am a faice made of lighte. Give me a voyce, moove a slyder, and I will speak")
    assert np.median(errors(alignment, KNOWN[:-1])) < 0.03 and len(phones_of(alignment)) > 45


@pytest.mark.parametrize(
    "text, said",
    [
        ("The committee approved seventeen budgets without a single objection.", "0 of the dialogue text's 9 words"),
        ("Guten Tag, ich bin ein Gesicht aus Licht.", "0 of the dialogue text's 8 words"),
        ("你好，世界", "mms_fa.pth is not in"),
        ("…?! 👋", "holds no word"),
    ],
)
def test_a_text_that_does_not_fit_is_left_out_with_one_warning(aligned, text, said):
    alignment, warnings = aligned(text)
    assert alignment is None and len(warnings) == 1 and said in warnings[0]


def test_no_text_is_no_text(aligned):
    assert aligned("") == (None, []) and aligned(" \n") == (None, [])


def test_silence_says_nothing(aligned, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(3 * RATE), RATE)
    alignment, warnings = aligned(TEXT, tmp_path / "silence.wav", np.zeros(300, np.float32))
    assert alignment is None and "0 of the dialogue text's 21 words" in warnings[0]


def test_long_sounds_are_followed_to_their_end(aligned, sound, tmp_path):
    long = np.tile(sound, 4)
    soundfile.write(tmp_path / "long.wav", long, RATE)
    alignment, warnings = aligned(f"{TEXT} " * 4, tmp_path / "long.wav", speech_of(long))
    assert not warnings
    shift = 3 * len(sound) / RATE
    assert np.median(errors(alignment, [(name, a + shift, b) for name, a, b in KNOWN])) < 0.02


def test_without_the_package_it_is_said_and_the_mouth_goes_on(aligned, monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    alignment, warnings = aligned(TEXT)
    assert alignment is None and len(warnings) == 1 and "pocketsphinx" in warnings[0]


def test_the_model_for_free_dictation_is_not_needed(aligned, monkeypatch, tmp_path):
    model = Path(pocketsphinx.get_model_path())
    shutil.copytree(model, tmp_path / "model", ignore=shutil.ignore_patterns("en-us.lm.bin"))
    monkeypatch.setenv("POCKETSPHINX_PATH", str(tmp_path / "model"))
    assert aligned(TEXT)[0] is not None


def test_a_broken_model_is_said(aligned, monkeypatch, tmp_path):
    monkeypatch.setenv("POCKETSPHINX_PATH", str(tmp_path))
    alignment, warnings = aligned(TEXT)
    assert alignment is None and "cannot be read" in warnings[0]


def test_the_longest_text(aligned):
    with pytest.raises(InputError, match="characters"):
        aligned("word " * (LONGEST_TEXT // 5 + 1))


def test_it_stops_when_asked(speech):
    event = threading.Event()
    event.set()
    with pytest.raises(Cancelled):
        align(SAMPLE, TEXT, speech, Report(cancel_event=event))


def test_real_speakers(aligned, shared):
    path = shared / "data/speech/Claire_anger.wav"
    text = ("The beige hue on the waters of the loch impressed all, including the French queen, before she heard that "
            "symphony again, just as young Arthur wanted.")
    alignment, _ = aligned(text, path, speech_of(read_mono(path)))
    names = [name for name, _, _ in phones_of(alignment)]
    assert names.count("p") + names.count("m") >= 4 and names.count("f") >= 2

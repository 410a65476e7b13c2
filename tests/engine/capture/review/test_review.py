# SPDX-License-Identifier: GPL-3.0-or-later
"""A report is written for every capture, shows only files that are there, and believes no stranger's text."""

import json
from fractions import Fraction
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile

from engine.capture.capture import Capture, EmotionLabel, SourceFacts, split_test
from engine.capture.review.review import write_report
from engine.capture.storage import load_capture, verify
from engine.capture.writer import CaptureWriter
from engine.errors import Cancelled, FormatError
from engine.protocol import EXPRESSION_NAMES
from engine.report import Report
from drawn_head import SIDE, landmarks, paint, regions

RATE = 16000


def capture_of(rows: int = 30, cameras: int = 1, tracked: bool = True, **changes) -> Capture:
    """A drawn head before `cameras` cameras that look from slightly different sides."""
    frames = np.tile(np.arange(rows, dtype=np.int32), cameras)
    owner = np.repeat(np.arange(cameras, dtype=np.int32), rows)
    front = np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0.8], [0, 0, 0, 1]], np.float32)
    viewmats = np.tile(front, (len(frames), 1, 1))
    viewmats[:, 0, 3] = 0.1 * owner
    expression = np.zeros((len(frames), 52), np.float32)
    expression[:, EXPRESSION_NAMES.index("jawOpen")] = 0.5 + 0.5 * np.sin(frames)
    points = np.stack([landmarks(96.0, 80.0, 1 + 5 * weight) for weight in expression[:, 24]])
    K = np.array([[300, 0, SIDE / 2], [0, 300, SIDE / 2], [0, 0, 1]], np.float32)
    values = {
        "identity": "Ada", "fps": Fraction(25), "width": SIDE, "height": SIDE, "frames": frames, "cameras": owner,
        "viewmats": viewmats, "Ks": np.tile(K, (len(frames), 1, 1)), "expression": expression,
        "gaze": np.zeros((len(frames), 2), np.float32), "confidence": np.ones(len(frames), np.float32),
        "test": split_test(frames), "landmarks": points if tracked else None, "source": "ada.mp4",
    }  # fmt: skip
    return Capture(**{**values, **changes})


def write(folder, capture: Capture, sound: np.ndarray | None = None, report: Report | None = None):
    writer = CaptureWriter(folder, {"source": "film"})
    mask = regions(96.0, 80.0)
    image = paint(mask, np.random.default_rng(0))
    for row in range(len(capture)):
        writer.add(int(capture.cameras[row]), int(capture.frames[row]), image, mask)
    return writer.finish(capture, None if sound is None else ([sound], RATE), report)


def syllables(seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    loud = np.sin(2 * np.pi * 2 * time) > 0
    return (0.2 * loud * np.sin(2 * np.pi * 180 * time)).astype(np.float32)


class Page(HTMLParser):
    """Collects what a browser would load, and the tags there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources, self.tags, self.text = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]

    def handle_data(self, data):
        self.text.append(data)


def page_of(folder) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


VARIANTS = {
    "film": (dict(), True),
    "no sound": (dict(), False),
    "one picture": (dict(rows=1), False),
    "several cameras": (dict(rows=5, cameras=4), True),
    "exact": (dict(tracked=False), True),
    "nothing tracked": (dict(confidence=np.zeros(30, np.float32)), True),
    "labels": (dict(tracked=False, labels=[EmotionLabel(0, 0.5, "happy", 0.7), EmotionLabel(0.4, 9, "sad")]), True),
    "facts": (dict(facts=SourceFacts(40, 35, 1.6, {"the face is blurred": 5}, 0.004, 0.02, -0.01)), True),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_capture_gets_a_report_that_shows_what_is_there(tmp_path, variant):
    values, loud = VARIANTS[variant]
    folder = write(tmp_path / "c", capture_of(**values), syllables(1.2) if loud else None)
    page = page_of(folder)
    images = {source for source in page.sources if source.startswith("report/")}
    assert images and images == {f"report/{path.name}" for path in (folder / "report").iterdir()}
    assert all(source.startswith("#") for source in set(page.sources) - images)
    assert "script" not in page.tags and "link" not in page.tags
    assert verify(folder) == []
    said = " ".join(page.text)
    assert all(warning in said for warning in load_capture(folder).warnings)
    assert "nan" not in said.lower().split() and "NaN" not in (folder / "report.html").read_text()


def test_advice_stands_in_the_capture_once(tmp_path):
    silent = "No sound: the head can be fitted for its looks, but the voice of this person cannot be learned."
    capture = capture_of(warnings=[silent, "The film ends early."])
    folder = write(tmp_path / "c", capture)
    warnings = json.loads((folder / "capture.json").read_text())["warnings"]
    assert warnings.count(silent) == 1 and "The film ends early." in warnings and len(warnings) > 3
    assert warnings == load_capture(folder).warnings == capture.warnings


def test_strangers_names_stay_text(tmp_path):
    evil = "<script>alert(1)<img src=x onerror='alert(2)'>"
    facts = SourceFacts(40, 35, 1.6, {evil: 35})
    capture = capture_of(identity=evil, source=f"C:\\films of Ada\\{evil}.mp4", warnings=[evil], facts=facts)
    folder = write(tmp_path / "c", capture)
    page = page_of(folder)
    assert "script" not in page.tags and "x" not in page.sources
    assert sum(evil in text for text in page.text) == 6  # title, heading, source, advice, warning, left out
    assert "films of Ada" not in (folder / "report.html").read_text(encoding="utf-8")


def test_names_that_are_no_unicode_do_not_break_the_page(tmp_path):
    name = b"Andr\xe9".decode("utf-8", "surrogateescape")  # an old Latin-1 file name, as Linux hands it over
    page = page_of(write(tmp_path / "c", capture_of(identity=name, source=f"{name}.mp4")))
    assert "Andr?" in page.text


@pytest.mark.parametrize("stage", ["report: sound", "report: masks", "report"])
def test_a_cancel_leaves_no_part_of_a_report(tmp_path, stage):
    report = Report()

    def stop(at, done, total, eta):
        if at == stage:
            report.cancel_event.set()

    report.on_progress = stop
    with pytest.raises(Cancelled):
        write(tmp_path / "c", capture_of(), syllables(1.2), report)
    part = tmp_path / "c.part"
    assert not (tmp_path / "c").exists() and not (part / "report.html").exists() and not (part / "report").exists()
    assert verify(write(tmp_path / "c", capture_of(), syllables(1.2))) == []


def test_a_new_report_replaces_the_old_one(tmp_path):
    folder = write(tmp_path / "c", capture_of())
    (folder / "report" / "old.jpg").write_bytes(b"old")
    again = write_report(folder, load_capture(folder))
    assert again and not (folder / "report" / "old.jpg").exists()


def test_a_damaged_picture_is_told_and_leaves_no_report(tmp_path):
    folder = write(tmp_path / "c", capture_of())
    (folder / "frames" / "000_0000000.png").write_bytes(b"none")
    with pytest.raises(FormatError, match="000_0000000"):
        write_report(folder, load_capture(folder))
    assert not (folder / "report.html").exists() and not (folder / "report").exists()


def test_sound_that_cannot_be_read_is_no_sound(tmp_path):
    folder = write(tmp_path / "c", capture_of(), syllables(1.2))
    soundfile.write(folder / "audio.flac", np.zeros(0, np.float32), RATE)
    assert any(text.startswith("No sound") for text in write_report(folder, load_capture(folder)))


def test_a_long_capture_opens_no_more_pictures_than_a_short_one(tmp_path):
    opened = []
    for rows in (125, 200):
        folder = write(tmp_path / f"c{rows}", capture_of(rows))
        seen = set()

        def count(stage, done, total, eta):
            seen.add((stage, total))

        write_report(folder, load_capture(folder), Report(on_progress=count))
        opened.append(dict(seen))
    assert opened[0]["report: masks"] == opened[1]["report: masks"]
    assert abs(opened[0]["report"] - opened[1]["report"]) < 12  # extremes may be pictures that are shown anyway

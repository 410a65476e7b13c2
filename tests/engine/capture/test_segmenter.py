# SPDX-License-Identifier: GPL-3.0-or-later
"""The segmenter is fetched whole or not at all, and its classes become regions."""

import hashlib
import io
from types import SimpleNamespace

import numpy as np
import pytest
from drawn_head import landmarks, regions

from engine.capture import segmenter
from engine.errors import Cancelled, InputError, MissingModelError
from engine.report import Report

WHOLE = bytes(range(256)) * 1000
URL = "https://example.org/model.tflite"
PIN = {"url": URL, "sha256": hashlib.sha256(WHOLE).hexdigest(), "bytes": len(WHOLE)}


class Answer(io.BytesIO):
    address = URL

    def geturl(self) -> str:
        return self.address


@pytest.fixture
def served(monkeypatch, tmp_path):
    """Lets the network answer with these bytes, and the user's cache lie in a folder of the test's."""
    monkeypatch.setattr(segmenter, "user_cache", lambda: tmp_path)
    monkeypatch.setattr(segmenter, "pinned", lambda name: PIN)
    asked = []

    def serve(data: bytes, address: str = URL) -> list:
        def urlopen(url, timeout):
            asked.append(url)
            answer = Answer(data)
            answer.address = address
            return answer

        monkeypatch.setattr(segmenter.urllib.request, "urlopen", urlopen)
        return asked

    return serve


def fetch(report: Report | None = None):
    return segmenter.fetch_segmenter(report or Report())


def test_it_is_fetched_once(served, tmp_path):
    asked, told = served(WHOLE), []
    path = fetch(Report(on_progress=lambda *progress: told.append(progress)))
    assert path.read_bytes() == WHOLE and path.is_relative_to(tmp_path) and asked == [URL]
    assert told[-1][:3] == ("download", len(WHOLE), len(WHOLE))
    assert fetch() == path and len(asked) == 1
    path.write_bytes(WHOLE[:100])  # as a power cut may leave it
    assert fetch().read_bytes() == WHOLE and len(asked) == 2


@pytest.mark.parametrize("data", [WHOLE[:-1], WHOLE + b"more", b""])
def test_what_is_not_that_file_is_refused_and_not_kept(served, tmp_path, data):
    served(data)
    with pytest.raises(MissingModelError, match="another file"):
        fetch()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_refusals_and_detours_are_told(served, monkeypatch):
    served(WHOLE, "http://example.org/model")
    with pytest.raises(MissingModelError, match="without encryption"):
        fetch()

    def refuse(url, timeout):
        raise OSError("Name or service not known")

    monkeypatch.setattr(segmenter.urllib.request, "urlopen", refuse)
    with pytest.raises(MissingModelError, match="could not be fetched"):
        fetch()


def test_a_cancel_leaves_nothing(served, monkeypatch, tmp_path):
    report = Report()

    class Slow(Answer):
        def read(self, size):
            report.cancel_event.set()
            return super().read(size)

    served(WHOLE)
    monkeypatch.setattr(segmenter.urllib.request, "urlopen", lambda url, timeout: Slow(WHOLE))
    with pytest.raises(Cancelled):
        fetch(report)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def classes_of(truth: np.ndarray, x: float, y: float) -> np.ndarray:
    """What the segmenter says of a drawn head: ears and neck are body skin, mouths are faces."""
    ys, xs = np.mgrid[0 : truth.shape[0], 0 : truth.shape[1]] + 0.5
    classes = np.array([0, 1, 3, 3, 4], np.uint8)[truth]
    classes[(truth == 2) & (np.abs(xs - x) > 36)] = 2
    classes[(truth == 4) & (ys - y < 66)] = 2
    return classes


def test_classes_become_regions():
    x, y = 96.0, 90.0
    truth, points = regions(x, y, 8.0), landmarks(x, y, 8.0)
    classes = classes_of(truth, x, y)
    classes[0:12, 0:12] = 4  # somebody's sleeve
    classes[int(y) - 12 : int(y) - 8, int(x) - 24 : int(x) + 24] = 5  # glasses
    got = segmenter.regions_of(classes, points)
    assert (got == truth).mean() > 0.985
    assert not got[0:12, 0:12].any() and (got[int(y) - 10, int(x) - 20 : int(x) + 20] == 2).all()
    assert (got[truth == 3] == 3).mean() > 0.8


def test_the_segmenter_is_asked_and_alpha_obeyed(monkeypatch, tmp_path):
    x, y = 96.0, 90.0
    classes = classes_of(regions(x, y), x, y)
    asked = []

    class Stand:
        def segment(self, picture):
            asked.append(picture["data"].shape)
            return SimpleNamespace(category_mask=SimpleNamespace(numpy_view=lambda: classes[..., None]))

    made = SimpleNamespace(create_from_options=lambda options: Stand())
    vision = SimpleNamespace(ImageSegmenter=made, ImageSegmenterOptions=lambda **settings: settings)
    mediapipe = SimpleNamespace(
        Image=lambda **settings: settings, ImageFormat=SimpleNamespace(SRGB=1),
        tasks=SimpleNamespace(BaseOptions=lambda **settings: settings),
    )  # fmt: skip
    monkeypatch.setattr(segmenter, "load_mediapipe", lambda: (vision, mediapipe))
    path = tmp_path / "model.tflite"
    path.write_bytes(b"model")
    masks = segmenter.SegmentedMasks(path)
    image = np.full((192, 192, 4), 255, np.uint8)
    image[:, :96, 3] = 0
    got = masks(image, landmarks(x, y))
    assert asked == [(192, 192, 3)] and not got[:, :96].any() and set(np.unique(got)) == {0, 1, 2, 3, 4}


def test_a_file_that_is_no_segmenter(tmp_path):
    pytest.importorskip("mediapipe", reason="needs the package mediapipe, which is not installed here")
    (tmp_path / "model.tflite").write_bytes(b"no model")
    with pytest.raises(InputError, match="is no segmenter"):
        segmenter.SegmentedMasks(tmp_path / "model.tflite")

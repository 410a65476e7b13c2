# SPDX-License-Identifier: GPL-3.0-or-later
"""Doctor on captures: what they lack is told, and keeps no head from speaking."""

import shutil
import sys

import pytest

from engine import doctor
from engine.capture.tracking import model


@pytest.fixture
def examined(tmp_path):
    """What Doctor says of captures, and everything that it says."""

    def examine() -> tuple[dict, dict]:
        found = doctor.examine("", str(tmp_path))
        return next(entry for entry in found["checks"] if entry["name"] == "captures"), found

    return examine


def _stops_only_captures(line: dict, found: dict) -> bool:
    told = "note captures: films cannot be captured" in doctor.as_text(found)
    return found["ok"] and not found["captures"] and not line["ok"] and told and line["todo"] in doctor.as_text(found)


def test_everything_is_there(examined, shared, monkeypatch):
    if not (shared / "data/mediapipe/face_landmarker.task").is_file():
        pytest.skip("needs MediaPipe's face landmarker in ../shared/data")
    monkeypatch.setenv("EMOSPLAT_MODELS", str(shared / "data/mediapipe"))
    line, found = examined()
    assert line["ok"] and found["captures"] and "mediapipe" in line["detail"] and "OpenCV" in line["detail"]
    assert found["summary"] == "Everything that EmoSplat needs runs here."


def test_no_face_model(examined, tmp_path, monkeypatch):
    monkeypatch.delenv("EMOSPLAT_MODELS", raising=False)
    shutil.copy(model.BUNDLED_FOLDER / "models.json", tmp_path)
    monkeypatch.setattr(model, "BUNDLED_FOLDER", tmp_path)
    line, found = examined()
    assert _stops_only_captures(line, found) and "no face model" in line["detail"] and "setup" in line["todo"]
    assert "films cannot be captured yet" in found["summary"]


@pytest.mark.parametrize("package", ["mediapipe", "cv2"])
def test_a_package_is_missing(package, examined, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    line, found = examined()
    assert _stops_only_captures(line, found) and package in line["detail"]


@pytest.mark.skipif(sys.platform != "linux", reason="Linux's libraries")
@pytest.mark.parametrize("kind", [OSError, ImportError])  # MediaPipe's words and OpenCV's
def test_a_system_library_is_missing(kind, examined, monkeypatch):
    def refuse(**options):
        raise kind("libgthread-2.0.so.0: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("mediapipe.Image", refuse)
    line, found = examined()
    assert _stops_only_captures(line, found) and "libgthread" in line["detail"] and "libglib2.0-0" in line["todo"]


def test_dialogue_text_that_cannot_be_used_is_a_note(monkeypatch):
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    found = doctor.examine()
    line = next(entry for entry in found["checks"] if entry["name"] == "dialogue text")
    assert found["ok"] and not line["ok"] and not line["fatal"] and "pocketsphinx" in line["detail"] and line["todo"]

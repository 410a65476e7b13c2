# SPDX-License-Identifier: GPL-3.0-or-later
"""The face model is the one that captures were tested with, or the person is told what to do."""

import hashlib
import json

import pytest

from engine.capture.tracking import model
from engine.errors import MissingModelError


@pytest.fixture
def bundled(tmp_path, monkeypatch):
    """An engine/data/ of the test's own, whose models.json wants the words `the model`."""
    folder = tmp_path / "data"
    folder.mkdir()
    pin = {"face_landmarker.task": {"sha256": hashlib.sha256(b"the model").hexdigest()}}
    (folder / "models.json").write_text(json.dumps(pin))
    monkeypatch.setattr(model, "BUNDLED_FOLDER", folder)
    monkeypatch.delenv("EMOSPLAT_MODELS", raising=False)
    return folder


def test_the_bundled_one(bundled):
    (bundled / "face_landmarker.task").write_bytes(b"the model")
    assert model.face_landmarker_path() == bundled / "face_landmarker.task"


def test_a_folder_of_the_persons_own_comes_first(bundled, tmp_path, monkeypatch):
    (bundled / "face_landmarker.task").write_bytes(b"the model")
    (tmp_path / "own").mkdir()
    monkeypatch.setenv("EMOSPLAT_MODELS", str(tmp_path / "own"))
    assert model.face_landmarker_path() == bundled / "face_landmarker.task"
    (tmp_path / "own" / "face_landmarker.task").write_bytes(b"the model")
    assert model.face_landmarker_path() == tmp_path / "own" / "face_landmarker.task"


def test_none_at_all(bundled):
    with pytest.raises(MissingModelError, match="There is no face model") as caught:
        model.face_landmarker_path()
    assert str(bundled) in caught.value.what and "build_addon.py setup" in caught.value.todo


def test_another_file_under_its_name(bundled, tmp_path, monkeypatch):
    (bundled / "face_landmarker.task").write_bytes(b"half the mod")
    with pytest.raises(MissingModelError, match="is damaged"):
        model.face_landmarker_path()
    (bundled / "face_landmarker.task").write_bytes(b"the model")
    (tmp_path / "face_landmarker.task").write_bytes(b"another model")
    monkeypatch.setenv("EMOSPLAT_MODELS", str(tmp_path))
    with pytest.raises(MissingModelError, match="is damaged"):
        model.face_landmarker_path()


def test_the_pinned_model_is_the_one_at_hand(shared, monkeypatch):
    folder = shared / "data" / "mediapipe"
    if not (folder / "face_landmarker.task").is_file():
        pytest.skip("needs MediaPipe's face landmarker in ../shared/data")
    monkeypatch.setenv("EMOSPLAT_MODELS", str(folder))
    assert model.face_landmarker_path() == folder / "face_landmarker.task"

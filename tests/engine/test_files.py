# SPDX-License-Identifier: GPL-3.0-or-later
import os
from pathlib import Path

import pytest

from engine import doctor, files
from engine.errors import MissingPackageError, StorageError
from engine.jobs import as_engine_error


def test_the_nearest_folder_that_is_there(tmp_path):
    assert files.existing_parent(tmp_path / "a" / "b") == tmp_path
    assert files.existing_parent(tmp_path) == tmp_path


def test_a_drive_that_was_unplugged_ends_the_search(tmp_path, monkeypatch):
    """On Windows not even the root of such a path exists."""
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    assert files.existing_parent(tmp_path / "a") == Path(tmp_path.anchor)


def test_a_disk_that_does_not_answer_is_a_sentence(tmp_path, monkeypatch):
    def refuse(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files.shutil, "disk_usage", refuse)
    with pytest.raises(StorageError, match="Input/output"):
        files.require_space(tmp_path, 1)
    found = doctor.examine("", str(tmp_path))
    disk = next(entry for entry in found["checks"] if entry["name"] == "disk")
    assert not found["ok"] and not disk["ok"] and disk["todo"]


def test_doctor_says_what_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    folder = next(entry for entry in doctor.examine("", str(tmp_path))["checks"] if entry["name"] == "folder")
    assert not folder["ok"] and "cannot be written" in folder["detail"]


def test_a_dll_that_does_not_load_is_no_matter_of_the_disk():
    error = OSError(22, "A dynamic link library (DLL) initialization routine failed")
    error.winerror = 1114
    known = as_engine_error(error)
    assert isinstance(known, MissingPackageError) and "Redistributable" in known.todo

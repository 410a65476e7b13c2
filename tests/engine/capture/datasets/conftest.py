# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets these tests import the small data sets that are written beside them, and does without the face model."""

import sys
from pathlib import Path

import pytest

from engine.capture.datasets import faces
from engine.errors import MissingModelError

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def no_model(monkeypatch):
    """As on a machine without the face model, whether this one has it or not."""

    def missing():
        raise MissingModelError("There is no face model.", "Reinstall.")

    monkeypatch.setattr(faces, "face_landmarker_path", missing)

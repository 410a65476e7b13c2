# SPDX-License-Identifier: GPL-3.0-or-later
"""A puppet's capture and its film, made once, by the module that lies beside these tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def character(tmp_path_factory) -> Path:
    """The folder of 60 pictures with alpha, each from a side of its own. Nothing may be written there."""
    from puppet_capture import make_capture

    return make_capture(tmp_path_factory.mktemp("character") / "capture")


@pytest.fixture(scope="session")
def film(tmp_path_factory) -> Path:
    """The folder of 60 pictures before a wall, of a head that turns. Nothing may be written there."""
    from puppet_capture import make_capture

    return make_capture(tmp_path_factory.mktemp("film") / "capture", filmed=True)

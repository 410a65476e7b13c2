# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that make no sense are refused before the source is looked at, whatever it is."""

import pytest

from engine.capture.make import make_capture
from engine.errors import InputError
from engine.protocol import CaptureJob
from engine.report import Report


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": 16}, "16"), ({"size": 5000}, "5000"), ({"seed": -1}, "seed -1"), ({"fps": "fast"}, "'fast'"),
        ({"fps": "0"}, "fps 0"), ({"emotion": {"glad": 1.0}}, "'glad'"), ({"emotion": {"happy": 2.0}}, "2.0"),
        ({"emotion": {"happy": float("nan")}}, "nan"),
    ],
)
def test_settings_that_make_no_sense(tmp_path, settings, words):
    with pytest.raises(InputError, match=words) as caught:
        make_capture(CaptureJob(str(tmp_path / "not there.mp4"), str(tmp_path / "c"), **settings), Report())
    assert caught.value.todo and not list(tmp_path.iterdir())

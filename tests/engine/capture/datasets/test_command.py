# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line makes captures of data sets, and says what it cannot make one of."""

import json

import pytest
from written_sets import ErNerfSet, NerfstudioSet

from engine.cli import main

pytestmark = pytest.mark.usefixtures("no_model")


def run(capsys, *arguments: str) -> tuple[int, dict]:
    status = main([*arguments, "--json"])
    return status, json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(("kind", "frames"), [(ErNerfSet, 12), (NerfstudioSet, 6)])
def test_a_data_set_becomes_a_capture(tmp_path, capsys, kind, frames):
    kind(tmp_path / "set")
    out = tmp_path / "capture"
    status, result = run(capsys, "capture", str(tmp_path / "set"), "--out", str(out), "--size", "64")
    assert status == 0 and (result["frames"], result["used"], result["tracked"]) == (frames, frames, 0)
    assert any("No face was tracked" in warning for warning in result["warnings"])
    assert (out / "report.html").is_file()
    status, result = run(capsys, "capture", str(out), "--verify")
    assert status == 0 and result["ok"] and not result["findings"]
    status, result = run(capsys, "capture", str(out), "--out", str(tmp_path / "again"))
    assert status == 1 and "is a capture already" in result["error"]["what"]


def test_what_a_capture_lacks_is_told_without_json_too(tmp_path, capsys):
    NerfstudioSet(tmp_path / "set")
    assert main(["capture", str(tmp_path / "set"), "--out", str(tmp_path / "capture"), "--size", "64"]) == 0
    assert "warning: No face was tracked" in capsys.readouterr().err


def test_a_folder_of_something_else(tmp_path, capsys):
    status, result = run(capsys, "capture", str(tmp_path), "--out", str(tmp_path / "capture"))
    assert status == 1 and "is no source of a capture" in result["error"]["what"]

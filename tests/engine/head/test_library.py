# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from engine.errors import FormatError, InputError
from engine.head.library import list_heads, open_head
from engine.head.storage import save_head


@pytest.fixture
def folder(tiny_head, tmp_path):
    save_head(tiny_head, tmp_path / "zoe.emohead")
    (tmp_path / "broken.emohead").write_bytes(b"not a head")
    (tmp_path / "notes.txt").write_text("not listed")
    return tmp_path


def test_puppet_needs_no_file():
    info = list_heads()[-1]
    assert (info.name, info.path, info.error) == ("puppet", "", "")
    assert info.gaussians == len(open_head("puppet").gaussians)


def test_files_are_listed_and_a_broken_one_says_why(folder):
    *_, puppet, broken, zoe = list_heads(folder)
    assert (puppet.name, broken.name, zoe.name) == ("puppet", "broken", "zoe")
    assert broken.gaussians == 0 and "broken.emohead" in broken.error
    assert (zoe.gaussians, zoe.title, zoe.error) == (12, "Tiny", "")


def test_files_that_come_with_the_program_are_bundled_heads(folder, monkeypatch):
    monkeypatch.setattr("engine.head.library.DATA", folder)
    (folder / "broken.emohead").unlink()
    assert [info.name for info in list_heads()] == ["zoe", "puppet"]
    assert open_head("zoe").name == "tiny"


def test_open_by_name_and_by_path(folder):
    assert open_head("zoe", folder).name == "tiny"
    assert open_head(folder / "zoe.emohead").name == "tiny"


def test_unknown_name_lists_what_there_is(folder):
    with pytest.raises(InputError, match="'bob'.*puppet, broken, zoe"):
        open_head("bob", folder)


def test_missing_file_and_missing_folder(tmp_path):
    with pytest.raises(FormatError, match="no file"):
        open_head(tmp_path / "none.emohead")
    with pytest.raises(InputError, match="folder"):
        list_heads(tmp_path / "none")

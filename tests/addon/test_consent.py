# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel says whether the person whose face a head has agreed, as the head's file records it."""

from dataclasses import replace

import pytest

from tests.addon.extension import module
from tests.addon.test_panel import Layout

torch = pytest.importorskip("torch")
FILMED = {"fit": {"filmed": True}}
AGREED = {"consent": {"text": "I agree.", "date": "2026-11-25"}}


@pytest.fixture
def saved(blender, tmp_path):
    """Writes the puppet with this `meta` into the heads folder, which is the preferences'."""
    from engine.head.puppet import build_puppet
    from engine.head.storage import save_head

    blender.heads_folder = str(tmp_path)
    puppet = build_puppet()

    def save(meta):
        path = tmp_path / "ada.emohead"
        save_head(replace(puppet, meta=meta), path)
        return path

    return save


@pytest.mark.parametrize(("meta", "said", "missing"), [
    (FILMED, "no consent", True), (FILMED | AGREED, "Consent: I agree. (2026-11-25)", False),
    ({"fit": {"filmed": False}}, "", False), ({"title": "A puppet"}, "", False), ({"fit": None}, "", False),
])
def test_what_the_file_says(saved, meta, said, missing):
    path = saved(meta)
    for name in ("ada", str(path)):
        line, lacks = module("consent").consent_line(name)
        assert (said in line) if said else line == ""
        assert lacks == missing


def test_a_file_that_changes_is_read_again(saved):
    saved(FILMED)
    assert module("consent").consent_line("ada")[1]
    saved(FILMED | AGREED)
    assert not module("consent").consent_line("ada")[1]


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x10\0\0\0\0\0\0\0{\"__metadata__\":1}", None])
def test_what_cannot_be_understood_says_nothing(blender, tmp_path, content):
    if content is not None:
        (tmp_path / "x.emohead").write_bytes(content)
    assert module("consent").consent_line(str(tmp_path / "x.emohead")) == ("", False)
    assert module("consent").consent_line("") == ("", False)


def test_the_panel_says_so(saved, head, monkeypatch):
    sidebar, said = module("panels.sidebar"), []
    monkeypatch.setattr(sidebar, "draw_text", lambda _layout, _context, text, icon: said.append((text, icon)))
    for meta in (FILMED, {"title": "A puppet"}, FILMED | AGREED):
        head.emosplat.head = str(saved(meta))
        sidebar.WhichHead.draw_head(None, Layout(), None, head, head.emosplat)
    assert said == [(module("consent").MISSING, "ERROR"), ("Consent: I agree. (2026-11-25)", "INFO")]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which buttons the panel offers in which state, told from what it draws."""

from types import SimpleNamespace

import bpy
import pytest

from tests.addon.extension import module


class Layout:
    """Takes every drawing call and remembers buttons and progress bars; its rows and boxes share one list."""

    def __init__(self, drawn=None):
        self.drawn = [] if drawn is None else drawn

    def operator(self, name, **_options):
        self.drawn.append(name.removeprefix("emosplat."))
        return SimpleNamespace()

    def progress(self, **_options):
        self.drawn.append("progress")

    def label(self, **_options):
        pass

    def row(self, **_options):
        return Layout(self.drawn)

    column = box = row


def drawn():
    layout = Layout()
    module("panels.sidebar").MainPanel.draw(SimpleNamespace(layout=layout), bpy.context)
    return layout.drawn


@pytest.fixture
def at_work(monkeypatch):
    """The engine draws frame 3 of 30."""
    session = module("running").session
    task = module("session").Task("1", object(), "Generating 'Head'", print, print, "draw", 3, 30)
    monkeypatch.setattr(session, "task", task)


def test_without_a_head_it_offers_to_add_one(blender):
    assert drawn() == ["add_head"]


def test_it_offers_the_next_step_beside_generate(blender, audio):
    bpy.ops.emosplat.add_head()
    assert drawn() == ["select_head", "add_head", "choose_audio", "generate"]
    bpy.ops.emosplat.choose_audio(filepath=str(audio))
    assert drawn() == ["select_head", "add_head", "add_camera", "generate"]
    bpy.ops.emosplat.add_camera()
    assert drawn() == ["select_head", "add_head", "generate"]


def test_at_work_it_shows_progress_and_cancel(head, at_work):
    assert drawn() == ["select_head", "add_head", "progress", "cancel"]


def test_work_can_be_cancelled_after_its_head_was_deleted(head, at_work):
    bpy.data.objects.remove(head)
    assert drawn() == ["add_head", "progress", "cancel"]

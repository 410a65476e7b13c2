# SPDX-License-Identifier: GPL-3.0-or-later
"""Which buttons the panel offers in which state, told from what it draws."""

from types import SimpleNamespace

import bpy
import pytest

from tests.addon.extension import module


class Layout:
    """Takes every drawing call and remembers buttons, their texts, and progress bars; its rows and boxes share them."""

    def __init__(self, drawn=None, texts=None):
        self.drawn = [] if drawn is None else drawn
        self.texts = [] if texts is None else texts

    def operator(self, name, text="", **_options):
        self.drawn.append(name.removeprefix("emosplat."))
        self.texts.append(text)
        return SimpleNamespace()

    def prop(self, *_arguments, **_options):
        pass

    def progress(self, **_options):
        self.drawn.append("progress")

    label = template_list = prop

    def row(self, **_options):
        return Layout(self.drawn, self.texts)

    column = box = split = row


def draw(where, panel):
    layout = Layout()
    getattr(module(f"panels.{where}"), panel).draw(SimpleNamespace(layout=layout), bpy.context)
    return layout


def drawn():
    return draw("sidebar", "MainPanel").drawn


def drawn_of_captures():
    """Without the buttons beside the folder."""
    return draw("capture", "CapturePanel").drawn[2:]


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


def test_captures_are_listed_and_the_chosen_one_offers_its_report(blender, tmp_path):
    bpy.context.scene.emosplat_capture.folder = str(tmp_path)
    assert drawn_of_captures() == []
    (tmp_path / "anna.mp4").write_bytes(b"film")
    bpy.ops.emosplat.choose_film(filepath=str(tmp_path / "anna.mp4"))
    bpy.ops.emosplat.make_capture()
    assert drawn_of_captures() == ["select_capture", "open_capture_report", "wm.path_open", "verify_capture",
                                    "fit_head"]
    assert draw("capture", "CapturePanel").texts[2] == "anna"


def test_a_broken_off_capture_is_continued(blender, tmp_path):
    bpy.context.scene.emosplat_capture.folder = str(tmp_path)
    assert draw("capture", "FilmPanel").texts[-1] == "Make Capture"
    (tmp_path / "anna.mp4").write_bytes(b"film")
    bpy.ops.emosplat.choose_film(filepath=str(tmp_path / "anna.mp4"))
    assert draw("capture", "FilmPanel").texts[-1] == "Make Capture"
    (tmp_path / "anna.part").mkdir()
    (tmp_path / "anna.part" / "journal.json").touch()
    bpy.ops.emosplat.refresh_captures()
    assert draw("capture", "FilmPanel").texts[-1] == "Continue"


def test_a_capture_at_work_takes_the_place_of_its_button(blender, tmp_path, at_work):
    assert draw("capture", "FilmPanel").drawn[-1] == "make_capture"
    bpy.context.scene.emosplat_capture.folder = str(tmp_path)
    (tmp_path / "anna.part").mkdir()
    (tmp_path / "anna.part" / "journal.json").touch()
    assert drawn_of_captures() == ["discard_capture"]
    job = module("capturing").CaptureJob(source="anna.mp4", out=str(tmp_path / "anna"))
    module("running").session.task.job = job
    assert drawn_of_captures() == []
    assert draw("capture", "FilmPanel").drawn[-2:] == ["progress", "cancel"]


def test_a_character_at_work_shows_progress_at_every_stage(blender, at_work, monkeypatch, tmp_path):
    """The engine performs its lines, the background Blender renders it, the engine makes the capture."""
    assert draw("character", "CharacterPanel").drawn == ["capture_character"]
    assert draw("character", "CharacterPanel").texts[-1] == "Capture Character"
    bpy.context.scene.emosplat_capture.folder = str(tmp_path)
    (tmp_path / "capture.render" / "takes").mkdir(parents=True)
    (tmp_path / "capture.render" / "character.blend").touch()
    bpy.ops.emosplat.refresh_captures()
    assert draw("character", "CharacterPanel").texts[-1] == "Continue"
    run = SimpleNamespace(title="Capturing 'Anna'", rendering=None)
    monkeypatch.setattr(module("character.capturing"), "_current", run)
    assert draw("character", "CharacterPanel").drawn == ["progress", "cancel"]
    run.rendering = SimpleNamespace(stage="render", done=3, total=50, eta=9.0)
    assert draw("character", "CharacterPanel").drawn == ["progress", "cancel_character"]
    monkeypatch.setattr(module("character.capturing"), "_current", None)
    module("running").session.task.job = module("capturing").CaptureJob(source="anna.render", out="anna")
    assert draw("character", "CharacterPanel").drawn == ["progress", "cancel"]


@pytest.mark.parametrize(("done", "total", "eta", "text"), [
    (0, 1, None, "Download"), (12, 240, 35.4, "Download 12/240, 0:35 left"), (4_000_000, 16_000_000, 61.0,
                                                                              "Download 25%, 1:01 left"),
    (3, 1500, 4990.0, "Download 3/1500, 1 h 23 min left")])
def test_progress_is_counted_while_people_can_count(blender, done, total, eta, text):
    task = SimpleNamespace(stage="download", done=done, total=total, eta=eta, cancelled_at=None)
    assert module("panels.sidebar").progress_text(task) == text

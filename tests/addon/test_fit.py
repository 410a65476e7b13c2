# SPDX-License-Identifier: GPL-3.0-or-later
"""Heads fitted from the panel: whose face it is is asked, the active head gets it, nothing is overwritten."""

import json
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from tests.addon.extension import module
from tests.addon.test_panel import Layout, draw


@pytest.fixture
def capture(blender, tmp_path):
    """Makes a capture's folder beside the saved scene and chooses it; returns its folder."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))

    def make(name="anna", source="anna.mp4", **more):
        folder = tmp_path / "captures" / name
        folder.mkdir(parents=True)
        facts = {"format": "emosplat-capture", "pictures": 4, "source": source, **more}
        (folder / "capture.json").write_text(json.dumps(facts))
        module("captures").look_again()
        module("captures").choose_capture(bpy.context.scene, folder)
        return folder

    return make


def told():
    return " ".join(f"{message.what} {message.todo}".strip() for message in module("running").messages())


def job_of(path):
    return json.loads(Path(path).read_text())


def test_a_capture_becomes_the_active_heads(capture, tmp_path):
    folder = capture()
    bpy.ops.emosplat.add_head()
    assert bpy.ops.emosplat.fit_head(minutes=5.0) == {"FINISHED"}
    job = job_of(tmp_path / "heads" / "anna.emohead")
    assert (job["capture"], job["minutes"], job["consent"]) == (str(folder), 5.0, "")
    assert bpy.data.objects["Head"].emosplat.head == "//heads/anna.emohead"
    assert "30,000 splats, fitted in 1.5 minutes. It is Head's now." in told()


def test_consent_is_recorded_when_it_was_given(capture, tmp_path):
    capture()
    bpy.ops.emosplat.fit_head(agreed=True, consent=" Until 2030. ")
    assert job_of(tmp_path / "heads" / "anna.emohead")["consent"] == "Until 2030."
    bpy.ops.emosplat.fit_head(consent="not agreed to")
    assert job_of(tmp_path / "heads" / "anna_002.emohead")["consent"] == ""


def test_the_question_is_put_for_people_alone(capture):
    said = []

    class Dialog(Layout):
        def label(self, text="", **_options):
            said.append(text)

        def column(self, **_options):
            return self

        row = box = column

    operator, context = module("operators.fit").FitHead, bpy.context
    capture()
    operator.draw(SimpleNamespace(layout=Dialog(), goes_on=False, agreed=False), context)
    assert said == list(module("operators.fit").ASKED)
    capture("ada", source="ada.blend")
    operator.draw(SimpleNamespace(layout=Dialog(), goes_on=True, agreed=False), context)
    assert len(said) == 3 and "broken off" in said[2]


def test_a_character_is_not_asked(capture, tmp_path):
    capture(source="ada.blend")
    assert not module("captures").chosen_capture(bpy.context.scene).person
    bpy.ops.emosplat.fit_head(agreed=True)
    assert job_of(tmp_path / "heads" / "anna.emohead")["consent"] == ""


def test_without_a_head_it_says_where_the_new_one_is(capture, tmp_path):
    capture("warns")
    bpy.ops.emosplat.fit_head()
    assert f"Choose {tmp_path / 'heads' / 'warns.emohead'}" in told() and "The eyes never close." in told()


def test_the_preferences_folder_and_emotion_model_are_used(capture, blender, tmp_path):
    capture()
    blender.heads_folder = str(tmp_path / "mine")
    blender.emotion_model = str(tmp_path / "hubert.safetensors")
    bpy.ops.emosplat.fit_head()
    assert job_of(tmp_path / "mine" / "anna.emohead")["emotion_model"] == str(tmp_path / "hubert.safetensors")


def test_a_cancelled_fit_is_kept_and_goes_on_under_its_name(capture, tmp_path, monkeypatch):
    folder = capture("slow")
    running, fitting = module("running"), module("fitting")
    monkeypatch.setattr(running.session, "wait", lambda: None)
    bpy.ops.emosplat.fit_head()
    assert fitting.fit_in_work() and "progress" in draw("capture", "CapturePanel").drawn
    while running.session.task.stage != "fit":
        running.session.poll()
    running.session.cancel()
    while running.session.task is not None:
        running.session.poll()
    assert "What was learned so far is kept" in told()
    known = module("captures").chosen_capture(bpy.context.scene)
    assert known.folder == folder and fitting.next_head(known) == (tmp_path / "heads" / "slow.emohead", True)


def test_a_damaged_capture_cannot_be_fitted(capture):
    capture(pictures="many")
    with pytest.raises(RuntimeError, match="damaged|poll"):
        bpy.ops.emosplat.fit_head()
    assert "fit_head" not in draw("capture", "CapturePanel").drawn


def test_a_folder_that_cannot_be_made_is_said_so(capture, blender, tmp_path):
    capture()
    (tmp_path / "file").touch()
    blender.heads_folder = str(tmp_path / "file" / "heads")
    with pytest.raises(RuntimeError, match="heads"):
        bpy.ops.emosplat.fit_head()

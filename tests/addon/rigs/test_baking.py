# SPDX-License-Identifier: GPL-3.0-or-later
"""From the button to the curves: audio or a file, with and without a head, cancelled, damaged, and in odd scenes."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from tests.addon.extension import module, strips
from tests.addon.rigs.faces import make_face, played
from tests.addon.test_panel import Layout, at_work, draw  # noqa: F401

FRAMES = 30  # of the stand-in engine's takes


@pytest.fixture
def face(blender, audio):
    """A mesh with audio, and no head in the scene."""
    face = make_face(["jawOpen", "mouthSmile_L"])
    bpy.ops.emosplat.choose_speech(filepath=str(audio))
    return face


@pytest.fixture
def flowing(monkeypatch):
    """Baking returns at once, as in a window; `until` polls as the timer would."""
    running = module("running")
    monkeypatch.setattr(running.session, "wait", lambda: None)

    def until(condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "nothing happened"
            running.session.poll()
            time.sleep(0.01)

    return until


def action_of(face):
    animation = face.data.shape_keys.animation_data
    return animation.action if animation else None


def runs(tmp_path):
    return sorted((tmp_path / "frames").rglob("run_*"))


def job_of(face):
    """What the engine was asked for the last bake."""
    return json.loads(Path(face.emosplat_rig.last_take).read_text())["job"]


def told():
    return " ".join(f"{message.what} {message.todo}".strip() for message in module("running").messages())


def ended():
    return module("running").session.task is None


def draw_below(name):
    """The buttons of a sub-panel."""
    layout = Layout()
    panel = getattr(module("panels.rig"), name)
    panel.draw_face(None, layout, bpy.context, module("rigs.setup").active_face(bpy.context))
    return layout.drawn


def bake_with(face, tmp_path, kind):
    """Bake from a file by this name, which says what the engine does."""
    path = tmp_path / f"{kind}.csv"
    path.write_text("Timecode")
    bpy.ops.emosplat.choose_take(filepath=str(path))
    return bpy.ops.emosplat.bake_take()


def test_audio_and_sliders_are_enough(face):
    face.emosplat.emotion_happy = 0.5
    assert bpy.ops.emosplat.bake_take() == {"FINISHED"}
    assert played(face, FRAMES)["jawOpen"] == pytest.approx(1.0)
    assert played(face, 9)["mouthSmile_L"] == pytest.approx(0.5)
    assert [strip["emosplat_kind"] for strip in strips(bpy.context.scene)] == ["sound"]
    assert not any(thing.emosplat.enabled for thing in bpy.data.objects) and "30 frames" in told()


def test_keyed_sliders_arrive_frame_by_frame(face):
    for frame, value in ((11, 0.0), (40, 1.0)):
        face.emosplat.emotion_happy = value
        face.emosplat.keyframe_insert("emotion_happy", frame=frame)
    for curve in module("compat").curves_of(face.animation_data.action, face):
        for point in curve.keyframe_points:
            point.interpolation = "LINEAR"
    face.emosplat.start_frame = 11
    bpy.ops.emosplat.bake_take()
    assert played(face, 11 + 15)["mouthSmile_L"] == pytest.approx(15 / 29, abs=0.006)
    assert tuple(action_of(face).frame_range) == (11.0, 40.0)


def test_a_heads_performance_is_baked_with_its_own_sliders(head):
    face = make_face(["jawOpen", "mouthSmile_L"])
    head.emosplat.emotion_happy, head.emosplat.start_frame, head.emosplat.seed = 0.75, 21, 7
    assert "audio" in module("operators.rig").BakeTake.disabled_reason(bpy.context)
    face.emosplat_rig.performer, head.emosplat.dialogue = head, "A line."
    bpy.ops.emosplat.bake_take()
    assert played(face, 30)["mouthSmile_L"] == pytest.approx(0.75) and action_of(face).frame_range[0] == 21
    job = job_of(face)
    assert job["seed"] == 7 and job["text"] == "A line."
    assert json.loads(Path(job["controls"]).read_text())["head_motion"] == [1.0]


def test_eyes_do_not_look_past_a_head_that_stands_still(face):
    bpy.ops.emosplat.bake_take()
    assert json.loads(Path(job_of(face)["controls"]).read_text())["head_motion"] == [0.0]


def test_a_csv_is_brought_to_the_scenes_frame_rate(face, tmp_path):
    render = bpy.context.scene.render
    render.fps, render.fps_base = 24, 1.001
    face.emosplat_rig.timecode_fps = 59.94
    assert bake_with(face, tmp_path, "phone") == {"FINISHED"}
    job = job_of(face)
    assert (job["fps"], job["timecode_fps"]) == ("24000/1001", "59.940") and job["take"].endswith("phone.csv")
    assert played(face, FRAMES)["jawOpen"] == pytest.approx(1.0) and not strips(bpy.context.scene)


@pytest.mark.parametrize("fps", [1, 240])
def test_odd_frame_rates(face, fps):
    bpy.context.scene.render.fps = fps
    bpy.ops.emosplat.bake_take()
    assert job_of(face)["fps"] == str(fps) and tuple(action_of(face).frame_range) == (1.0, 30.0)


def test_an_impossible_frame_rate_is_said(face, tmp_path):
    bpy.context.scene.render.fps = 500
    with pytest.raises(RuntimeError, match="500"):
        bpy.ops.emosplat.bake_take()
    assert not runs(tmp_path)


def test_a_take_longer_than_the_scene_is_told_and_baked(face):
    bpy.context.scene.frame_end = 10
    bpy.ops.emosplat.bake_take()
    assert "goes on to frame 30" in told() and bpy.context.scene.frame_end == 10
    assert played(face, FRAMES)["jawOpen"] == pytest.approx(1.0)


def test_a_range_from_negative_frames_to_0(face):
    face.emosplat.start_frame, face.emosplat.use_range = -20, True
    face.emosplat.first, face.emosplat.last = -15, 0
    bpy.ops.emosplat.bake_take()
    assert tuple(action_of(face).frame_range) == (-15.0, 0.0)
    face.emosplat.first, face.emosplat.last = 5, -5
    with pytest.raises(RuntimeError, match="holds no frame"):
        bpy.ops.emosplat.bake_take()


def test_an_unsaved_file_keeps_its_takes_in_the_extensions_folder(face, blender):
    blender.frames_folder = ""
    bpy.ops.emosplat.bake_take()
    assert Path(face.emosplat_rig.last_take).is_relative_to(module("paths").user_folder("frames"))


def test_what_the_animator_keyed_is_asked_for_before_the_engine_works(face, tmp_path):
    block = face.data.shape_keys.key_blocks["jawOpen"]
    block.keyframe_insert("value", frame=1)
    mine = action_of(face)
    mine.name = "Mine"
    with pytest.raises(RuntimeError, match="'Mine'"):
        bpy.ops.emosplat.bake_take()
    assert action_of(face) == mine and not runs(tmp_path) and ended()
    assert bpy.ops.emosplat.bake_take(existing="BELOW") == {"FINISHED"}
    assert action_of(face) != mine and played(face, FRAMES)["jawOpen"] == pytest.approx(1.0)
    assert bpy.ops.emosplat.bake_take() == {"FINISHED"}, "its own bake needs no question"


def test_what_was_keyed_while_the_engine_worked_is_kept(face, flowing):
    bpy.ops.emosplat.bake_take()
    face.data.shape_keys.key_blocks["jawOpen"].keyframe_insert("value", frame=1)
    mine = action_of(face)
    flowing(ended)
    assert action_of(face) == mine and "already plays" in told() and len(bpy.data.actions) == 1


def test_cancelling_leaves_nothing(face, flowing, tmp_path):
    bake_with(face, tmp_path, "slow")
    flowing(lambda: module("running").session.task.done == 1)
    asked = time.monotonic()
    bpy.ops.emosplat.cancel()
    flowing(ended)
    assert time.monotonic() - asked < 1.0 and "cancelled" in told()
    assert not bpy.data.actions and not runs(tmp_path) and not face.emosplat_rig.last_take


@pytest.mark.parametrize(("kind", "words"), [("wild", "outside 0 to 1"), ("torn", "cannot be used")])
def test_a_damaged_take_changes_nothing(face, tmp_path, kind, words):
    with pytest.raises(RuntimeError, match=words):
        bake_with(face, tmp_path, kind)
    assert not bpy.data.actions and not face.emosplat_rig.last_take


def test_a_mesh_that_was_deleted_meanwhile(face, flowing, tmp_path):
    bpy.ops.emosplat.bake_take()
    bpy.data.objects.remove(face)
    flowing(ended)
    assert "'Face' was deleted" in told() and not bpy.data.actions


def test_a_frame_rate_that_changed_meanwhile(face, flowing):
    bpy.ops.emosplat.bake_take()
    bpy.context.scene.render.fps = 50
    flowing(ended)
    assert "frame rate" in told() and not bpy.data.actions


def test_edit_mode_meanwhile(face, flowing):
    bpy.ops.emosplat.bake_take()
    bpy.ops.object.mode_set(mode="EDIT")
    flowing(ended)
    assert "Edit Mode" in told() and not bpy.data.actions


def test_another_selection_meanwhile_does_not_matter(face, flowing):
    bpy.ops.emosplat.bake_take()
    make_face(["jawOpen"], "Other")
    flowing(ended)
    assert action_of(face) is not None and len(bpy.data.actions) == 1


@pytest.mark.parametrize("path", ["", "gone.csv"])
def test_a_file_that_is_not_there(face, path):
    face.emosplat_rig.source, face.emosplat_rig.file = "FILE", path
    with pytest.raises(RuntimeError, match="Choose a take|does not exist"):
        bpy.ops.emosplat.bake_take()


def test_the_last_take_leaves_as_csv(face, tmp_path):
    with pytest.raises(RuntimeError, match="Bake a take first"):
        bpy.ops.emosplat.export_take_csv(filepath=str(tmp_path / "out.csv"))
    bpy.ops.emosplat.bake_take()
    assert bpy.ops.emosplat.export_take_csv(filepath=str(tmp_path / "out.txt")) == {"FINISHED"}
    assert (tmp_path / "out.csv").read_text() == "Timecode" and "30 frames" in told()
    Path(face.emosplat_rig.last_take).unlink()
    with pytest.raises(RuntimeError, match="has gone"):
        bpy.ops.emosplat.export_take_csv(filepath=str(tmp_path / "out.csv"))


def test_the_matched_mesh_is_found_whatever_is_selected(face):
    bpy.ops.emosplat.match_keys()
    bpy.ops.object.camera_add()
    assert module("rigs.setup").active_face(bpy.context) == face
    make_face(["jawOpen"], "Other")
    assert module("rigs.setup").active_face(bpy.context).name == "Other"


def test_the_panel_offers_what_can_be_done(blender, audio):
    assert draw("rig", "RigPanel").drawn == []
    face = make_face(["jawOpen"])
    assert draw("rig", "RigPanel").drawn == ["choose_speech", "bake_take"]
    assert draw_below("KeysPanel") == ["match_keys"]
    bpy.ops.emosplat.match_keys()
    assert draw_below("KeysPanel") == ["match_keys"]
    bpy.ops.emosplat.choose_speech(filepath=str(audio))
    bpy.ops.emosplat.bake_take()
    assert draw("rig", "RigPanel").drawn == ["choose_speech", "bake_take", "export_take_csv"]
    face.emosplat_rig.source = "FILE"
    assert draw("rig", "RigPanel").drawn[0] == "choose_take"
    for name in ("RigJawPanel", "RigEmotionPanel", "RigMicroPanel", "RigLifePanel"):
        draw_below(name)
    assert not module("panels.rig").RigEmotionPanel.poll(bpy.context)
    bpy.ops.object.mode_set(mode="EDIT")
    assert draw("rig", "RigPanel").drawn == []


def test_at_work_the_panel_shows_progress(blender, at_work):  # noqa: F811
    make_face(["jawOpen"])
    assert draw("rig", "RigPanel").drawn[-2:] == ["progress", "cancel"]


def test_what_is_dropped_onto_the_view_is_for_the_chosen_mesh(blender, audio, tmp_path):
    operators = module("operators.rig")
    view = SimpleNamespace(type="VIEW_3D")

    def offered(area):
        context = SimpleNamespace(area=area, view_layer=bpy.context.view_layer, scene=bpy.context.scene)
        return [handler.poll_drop(context) for handler in (operators.DropSpeech, operators.DropTake)]

    assert offered(view) == [False, False]
    face = make_face(["jawOpen"])
    assert offered(view) == [True, True] and offered(SimpleNamespace(type="NODE_EDITOR")) == [False, False]
    (tmp_path / "phone.csv").touch()
    assert bpy.ops.emosplat.choose_take("INVOKE_DEFAULT", filepath=str(tmp_path / "phone.csv")) == {"FINISHED"}
    assert bpy.ops.emosplat.choose_speech("INVOKE_DEFAULT", filepath=str(audio)) == {"FINISHED"}
    assert face.emosplat_rig.file.endswith("phone.csv") and face.emosplat.audio is not None


def test_what_the_mesh_lacks_is_told(face):
    bpy.ops.emosplat.bake_take()
    assert "Shapes that it lacks" in told() and "shown by near ones" in told() and "lost (see Mapping)" in told()

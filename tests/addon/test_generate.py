# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate and import, as an animator meets them."""

import json
from pathlib import Path

import bpy
import pytest
from tests.addon.extension import module, strips


def by_kind(scene):
    return {strip["emosplat_kind"]: strip for strip in strips(scene) if "emosplat_kind" in strip}


def runs(tmp_path):
    return sorted(path.name for path in (tmp_path / "frames").rglob("run_*"))


def test_picture_and_sound_land_on_their_frames(head, tmp_path):
    head.emosplat.start_frame = 11
    assert bpy.ops.emosplat.generate() == {"FINISHED"}
    found = by_kind(bpy.context.scene)
    picture, sound = found["picture"], found["sound"]
    assert (picture.frame_final_start, picture.frame_final_end) == (11, 41)
    assert sound.frame_start == 11 and picture.channel > sound.channel
    assert picture.blend_type == "ALPHA_OVER" and len(picture.elements) == 30
    assert Path(bpy.path.abspath(picture.directory), picture.elements[0].filename).is_file()
    assert sound.sound == head.emosplat.audio and len(bpy.data.sounds) == 1
    assert len(bpy.data.scenes) == 1


def test_a_range_is_drawn_alone_and_lies_at_its_frames(head):
    head.emosplat.use_range, head.emosplat.first, head.emosplat.last = True, 6, 12
    bpy.ops.emosplat.generate()
    picture = by_kind(bpy.context.scene)["picture"]
    assert (picture.frame_final_start, picture.frame_final_end) == (6, 13)
    assert picture.elements[0].filename == "frame_00006.png"


def test_a_range_may_end_at_frame_0(head):
    head.emosplat.start_frame, head.emosplat.use_range, head.emosplat.first, head.emosplat.last = -20, True, -9, 0
    bpy.ops.emosplat.generate()
    picture = by_kind(bpy.context.scene)["picture"]
    assert (picture.frame_final_start, picture.frame_final_end) == (-9, 1)


def test_dialogue_goes_to_the_engine(head, monkeypatch):
    jobs = []
    monkeypatch.setattr(module("running"), "start", lambda job, *_arguments, **_options: jobs.append(job))
    head.emosplat.dialogue = "A line."
    module("generate").generate(bpy.context, head)
    head.emosplat.dialogue_text = bpy.data.texts.new("Script")
    head.emosplat.dialogue_text.write("More\nlines.")
    module("generate").generate(bpy.context, head)
    assert [job.text for job in jobs] == ["A line.", "More\nlines."]
    assert not any(job.allow_download for job in jobs)


@pytest.mark.parametrize("online", [False, True])
def test_the_speech_model_is_fetched_only_where_blender_may_go_online(blender, monkeypatch, online):
    preferences = module("preferences")
    assert not preferences.may_download_speech_model()
    blender.download_speech_model = True
    monkeypatch.setattr(bpy.context.preferences.system, "use_online_access", online)
    assert preferences.may_download_speech_model() == online


def test_an_emotion_model_of_the_animators_own_goes_to_the_engine(head, blender, monkeypatch, tmp_path):
    jobs = []
    monkeypatch.setattr(module("running"), "start", lambda job, *_arguments, **_options: jobs.append(job))
    module("generate").generate(bpy.context, head)
    blender.emotion_model = str(tmp_path / "hubert.safetensors")
    module("generate").generate(bpy.context, head)
    assert [job.emotion_model for job in jobs] == ["", str(tmp_path / "hubert.safetensors")]


def test_running_again_replaces_own_strips_only(head):
    scene = bpy.context.scene
    bpy.ops.emosplat.generate()
    mine = scene.sequence_editor.strips.new_effect("Mine", "COLOR", 7, 1, frame_end=50)
    picture = by_kind(scene)["picture"]
    picture.channel = 9
    picture.blend_alpha = 0.5
    first_folder = picture.directory
    bpy.ops.emosplat.generate()
    assert len(strips(scene)) == 3 and mine.name in scene.sequence_editor.strips
    picture = by_kind(scene)["picture"]
    assert picture.name == "Head" and by_kind(scene)["sound"].name == "Head Voice"
    assert (picture.channel, picture.blend_alpha) == (9, 0.5) and picture.directory != first_folder
    assert mine.channel == 7
    assert Path(first_folder).is_dir(), "undo may bring the former strip back: its pictures stay"


def test_a_foreign_strip_is_never_pushed_away(head):
    scene = bpy.context.scene
    strip = scene.sequence_editor_create().strips.new_effect("Mine", "COLOR", 1, 1, frame_end=50)
    bpy.ops.emosplat.generate()
    assert strip.channel == 1 and 1 not in {entry.channel for entry in by_kind(scene).values()}


def test_two_heads_keep_apart(head, audio):
    bpy.context.scene.cursor.location.x = 1
    bpy.ops.emosplat.add_head()
    other = bpy.context.object
    assert other != head
    bpy.ops.emosplat.choose_audio(filepath=str(audio))
    bpy.ops.emosplat.generate()
    bpy.context.view_layer.objects.active = head
    bpy.ops.emosplat.generate()
    owners = [strip["emosplat_head"] for strip in strips(bpy.context.scene)]
    assert sorted(owner.name for owner in owners) == ["Head", "Head", "Head.001", "Head.001"]


def test_a_duplicate_has_its_own_sliders_and_strips(head):
    head.emosplat.emotion_happy = 0.7
    bpy.ops.emosplat.generate()
    copy = head.copy()
    bpy.context.scene.collection.objects.link(copy)
    copy.emosplat.emotion_happy = 0.2
    bpy.context.view_layer.objects.active = copy
    bpy.ops.emosplat.generate()
    assert head.emosplat.emotion_happy == pytest.approx(0.7)
    assert len(strips(bpy.context.scene)) == 4


def test_saved_and_reloaded_keeps_everything(head, tmp_path, blender):
    blender.frames_folder = ""
    blend = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    head.emosplat.micro_squint = -0.25
    head.emosplat.keyframe_insert("emotion_sad", frame=3)
    bpy.ops.emosplat.generate()
    assert runs(tmp_path) == [] and (tmp_path / "emosplat" / "shot" / "Head" / "run_0001" / "frame_00001.png").is_file()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    head = bpy.data.objects["Head"]
    assert head.emosplat.micro_squint == pytest.approx(-0.25)
    assert head.animation_data.action and head.emosplat.audio.filepath.startswith("//")
    assert by_kind(bpy.context.scene)["picture"].directory.startswith("//emosplat/shot/Head/run_0001")
    bpy.ops.emosplat.generate()
    assert len(strips(bpy.context.scene)) == 2


def test_append_brings_the_settings_along(head, tmp_path, audio):
    head.emosplat.emotion_angry = 0.4
    blend = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.read_homefile(use_empty=True)
    with bpy.data.libraries.load(str(blend)) as (_, wanted):
        wanted.objects = ["Head"]
    bpy.context.scene.collection.objects.link(wanted.objects[0])
    settings = wanted.objects[0].emosplat
    assert settings.enabled and settings.emotion_angry == pytest.approx(0.4)
    assert Path(bpy.path.abspath(settings.audio.filepath)).samefile(audio)


def test_a_linked_head_needs_an_override_and_works_with_one(head, tmp_path):
    blend = tmp_path / "library.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    bpy.ops.wm.read_homefile(use_empty=True)
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 32
    with bpy.data.libraries.load(str(blend), link=True) as (_, wanted):
        wanted.objects = ["Head"]
    linked = wanted.objects[0]
    bpy.context.scene.collection.objects.link(linked)
    with pytest.raises(RuntimeError, match="library override"):
        bpy.ops.emosplat.generate()
    local = linked.override_create(remap_local_usages=True)
    bpy.context.view_layer.objects.active = local
    local.emosplat.emotion_happy = 0.3
    bpy.ops.emosplat.add_camera()
    bpy.ops.emosplat.generate()
    assert {strip["emosplat_head"] for strip in strips(bpy.context.scene)} == {local}


def test_the_engine_gets_sliders_camera_and_exact_rate(head, tmp_path):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 24, 1.001
    head.emosplat.emotion_happy = 0.0
    head.emosplat.keyframe_insert("emotion_happy", frame=1)
    head.emosplat.emotion_happy = 1.0
    head.emosplat.keyframe_insert("emotion_happy", frame=11)
    scene.frame_set(5)
    bpy.ops.emosplat.generate()
    assert scene.frame_current == 5
    folder = Path(head.emosplat.last_run)
    controls = json.loads((folder / "controls.json").read_text())
    happy = controls["emotion"]["happy"]
    assert happy[0] == 0.0 and happy[10] == happy[-1] == 1.0 and sorted(happy) == happy
    assert list(controls["emotion"]) == ["happy"] and controls["start"] == 0
    assert json.loads((folder / "camera.json").read_text())["width"] == 32
    assert str(module("sampling").scene_fps(scene)) == "24000/1001"


@pytest.mark.parametrize("moving", [False, True])
def test_a_slider_that_a_script_sets_after_a_run_reaches_the_next_run(head, moving):
    if moving:
        head.emosplat.keyframe_insert("emotion_happy", frame=1)
    bpy.ops.emosplat.generate()
    bpy.context.view_layer.update()
    head.emosplat.micro_squint = 0.5
    bpy.ops.emosplat.generate()
    assert json.loads((Path(head.emosplat.last_run) / "controls.json").read_text())["micro"] == {"squint": [0.5]}


def test_the_voices_share_and_automatic_micro_expressions_are_animatable_and_sampled(head):
    settings = head.emosplat
    assert settings.auto_emotion == 0.0 and settings.micro_motion == 1.0
    settings.micro_motion = 0.25
    for frame, value in ((1, 0.0), (30, 1.0)):
        settings.auto_emotion = value
        settings.keyframe_insert("auto_emotion", frame=frame)
    bpy.ops.emosplat.generate()
    controls = json.loads((Path(settings.last_run) / "controls.json").read_text())
    assert controls["micro_motion"] == [0.25]
    assert controls["auto_emotion"][0] == 0.0 and controls["auto_emotion"][29] == 1.0
    assert sorted(controls["auto_emotion"]) == controls["auto_emotion"]


def test_progress_ends_and_the_result_is_told(head):
    bpy.ops.emosplat.generate()
    running = module("running")
    assert running.session.task is None
    assert [message.level for message in running.messages()] == ["INFO"]


def test_warnings_of_the_engine_are_told(head):
    head.emosplat.head = "warns"
    bpy.ops.emosplat.generate()
    assert any("silent" in message.what for message in module("running").messages())


def test_the_scene_range_grows_only_when_asked(head):
    scene = bpy.context.scene
    scene.frame_end = 20
    bpy.ops.emosplat.generate()
    assert scene.frame_end == 20
    bpy.ops.emosplat.fit_scene_range()
    assert (scene.frame_start, scene.frame_end) == (1, 30)


def test_unused_runs_go_when_asked_and_used_ones_stay(head, tmp_path):
    for _ in range(3):
        bpy.ops.emosplat.generate()
    assert runs(tmp_path) == ["run_0001", "run_0002", "run_0003"]
    bpy.ops.emosplat.remove_unused_runs()
    assert runs(tmp_path) == ["run_0003"]


def test_saved_elsewhere_the_last_run_is_still_found(head, tmp_path, blender):
    blender.frames_folder = ""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    bpy.ops.emosplat.generate()
    (tmp_path / "elsewhere").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "elsewhere" / "shot.blend"))
    head = bpy.data.objects["Head"]
    for output in ("PLANE", "STRIP"):
        head.emosplat.output, head.emosplat.last_run = output, "//emosplat/shot/Head/run_0001"
        assert bpy.ops.emosplat.import_again() == {"FINISHED"}


def test_files_side_by_side_do_not_delete_each_others_frames(head, tmp_path, blender):
    blender.frames_folder = ""
    for name in ("one", "two"):
        bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / f"{name}.blend"))
        bpy.ops.emosplat.generate()
    bpy.ops.emosplat.remove_unused_runs()
    assert (tmp_path / "emosplat" / "one" / "Head" / "run_0001" / "frame_00001.png").is_file()


def test_a_run_folder_that_another_blender_takes_first_is_left_to_it(head, tmp_path, monkeypatch):
    bpy.ops.emosplat.generate()
    monkeypatch.setattr(module("paths"), "run_folders", lambda parent: [])
    bpy.ops.emosplat.generate()
    assert runs(tmp_path) == ["run_0001", "run_0002"]


def test_packed_audio_reaches_the_engine_and_is_sampled_to_its_end(head, audio):
    head.emosplat.audio.pack()
    audio.unlink()
    bpy.context.scene.frame_end = 5
    head.emosplat.keyframe_insert("emotion_happy", frame=1)
    head.emosplat.emotion_happy = 1.0
    head.emosplat.keyframe_insert("emotion_happy", frame=30)
    for _ in range(2):
        bpy.ops.emosplat.generate()
        folder = Path(head.emosplat.last_run)
        assert (folder / "audio.wav").is_file() and by_kind(bpy.context.scene)["sound"].sound == head.emosplat.audio
        assert json.loads((folder / "controls.json").read_text())["emotion"]["happy"][29] == 1.0

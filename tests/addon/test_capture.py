# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures from the panel: what is asked of the engine, what is told, what is listed, what goes on."""

import errno
import json
import time
from pathlib import Path
from types import SimpleNamespace

import bpy
import pytest

from tests.addon.extension import module


@pytest.fixture
def film(blender, tmp_path):
    """A saved scene with a film chosen; called with a name that says how the engine behaves."""
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))

    def choose(name="anna"):
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(b"film")
        assert bpy.ops.emosplat.choose_film(filepath=str(path)) == {"FINISHED"}
        return path

    return choose


@pytest.fixture
def flowing(film, monkeypatch):
    """Make Capture returns at once, as in a window; `until` polls as the timer would."""
    running = module("running")
    monkeypatch.setattr(running.session, "wait", lambda: None)

    def until(condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "nothing happened"
            running.session.poll()
            time.sleep(0.01)

    return until


def settings():
    return bpy.context.scene.emosplat_capture


def told():
    return " ".join(f"{message.what} {message.todo}".strip() for message in module("running").messages())


def levels():
    return [message.level for message in module("running").messages()]


def ended():
    return module("running").session.task is None


def refused(words):
    return pytest.raises(RuntimeError, match=words)


def listing(folder):
    return module("captures").listing(folder)


def job_of(folder):
    return json.loads((folder / "capture.json").read_text())["job"]


def test_a_film_becomes_a_capture_beside_the_file(film, tmp_path):
    path = film()
    assert settings().source == "//anna.mp4"
    assert bpy.ops.emosplat.make_capture() == {"FINISHED"}
    job = job_of(tmp_path / "captures" / "anna")
    assert job == {"source": str(path), "out": str(tmp_path / "captures" / "anna"), "size": 512, "identity": "",
                   "fps": "", "emotion": {}, "seed": 0, "allow_download": False}
    assert "The capture 'anna' has 4 of 5 pictures." in told() and levels() == ["INFO"]
    assert settings().capture == "//captures/anna"
    assert module("captures").chosen_capture(bpy.context.scene).pictures == 4
    assert bpy.ops.emosplat.open_capture_report() == {"FINISHED"}


def test_settings_reach_the_engine(film, tmp_path):
    film()
    settings().identity, settings().size = " Anna Karenina ", "256"
    settings().emotion, settings().emotion_intensity = "happy", 0.5
    settings().folder = "//mine"
    bpy.ops.emosplat.make_capture()
    job = job_of(tmp_path / "mine" / "Anna_Karenina")
    assert (job["identity"], job["size"], job["emotion"]) == ("Anna Karenina", 256, {"happy": 0.5})


@pytest.mark.parametrize(("online", "wanted", "allowed"), [(True, True, True), (True, False, False),
                                                           (False, True, False)])
def test_downloads_need_blender_and_the_animator(film, blender, tmp_path, monkeypatch, online, wanted, allowed):
    film()
    app = type("App", (), {"online_access": online, "background": True, "timers": bpy.app.timers})
    monkeypatch.setattr(module("capturing"), "bpy", type("Bpy", (), {"app": app, "data": bpy.data, "types": bpy.types}))
    blender.download_models = wanted
    bpy.ops.emosplat.make_capture()
    assert job_of(tmp_path / "captures" / "anna")["allow_download"] is allowed


def test_a_name_that_is_taken_gets_a_number_and_nothing_is_overwritten(film, tmp_path):
    film()
    (tmp_path / "captures" / "Anna").mkdir(parents=True)
    (tmp_path / "captures" / "anna_002.part").mkdir()
    for _ in range(2):
        bpy.ops.emosplat.make_capture()
    assert sorted(path.name for path in (tmp_path / "captures").iterdir()) == [
        "Anna", "anna_002.part", "anna_003", "anna_004"]


def test_remarks_are_kept_with_the_capture_and_other_warnings_are_told(film, tmp_path):
    film("warns")
    bpy.ops.emosplat.make_capture()
    assert levels() == ["WARNING", "INFO"] and "The film is slow to read." in told() and "4 remarks" in told()
    known, = listing(tmp_path / "captures").captures
    assert len(known.warnings) == 4 and known.has_report


def test_an_unsaved_file_keeps_captures_in_the_users_folder(blender, tmp_path):
    (tmp_path / "unsaved.mp4").write_bytes(b"film")
    bpy.ops.emosplat.choose_film(filepath=str(tmp_path / "unsaved.mp4"))
    bpy.ops.emosplat.make_capture()
    known = module("captures").chosen_capture(bpy.context.scene)
    assert known.folder.is_relative_to(bpy.utils.extension_path_user("bl_ext.user_default.emosplat"))


def test_bad_sources_are_named(blender, film, tmp_path):
    with refused("Choose a film or a data set's folder first"):
        bpy.ops.emosplat.make_capture()
    with refused("nowhere.mp4 does not exist"):
        bpy.ops.emosplat.choose_film(filepath=str(tmp_path / "nowhere.mp4"))
    with refused("gone does not exist"):
        bpy.ops.emosplat.choose_data_set(directory=str(tmp_path / "gone"))
    path = film()
    path.write_bytes(b"")
    with refused("anna.mp4 is empty"):
        bpy.ops.emosplat.make_capture()
    path.unlink()
    with refused("anna.mp4' does not exist"):
        bpy.ops.emosplat.make_capture()
    assert not (tmp_path / "captures").exists()


def test_what_the_engine_says_of_a_film_is_told(film, tmp_path):
    film("no face")
    with refused("No face was found. Choose a film that shows one."):
        bpy.ops.emosplat.make_capture()
    assert not listing(tmp_path / "captures").captures and "Continue" not in told()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_disk_that_refuses(film, tmp_path, monkeypatch, number):
    film()

    def refuse(path, *arguments, **more):
        raise OSError(number, "refused")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with refused(r"captures cannot hold captures \(refused\)"):
        bpy.ops.emosplat.make_capture()


def test_a_folder_that_is_a_file(film, tmp_path):
    film()
    (tmp_path / "file").touch()
    settings().folder = str(tmp_path / "file")
    with refused("it is a file"):
        bpy.ops.emosplat.make_capture()


def test_cancelled_it_goes_on_under_the_same_name(film, flowing, tmp_path):
    film("slow")
    session = module("running").session
    bpy.ops.emosplat.make_capture()
    flowing(lambda: session.task.done == 2)
    assert module("panels.sidebar").progress_text(session.task) == "Track the face 2/4, 1:23 left"
    with refused("Capturing 'slow' is still under way"):
        bpy.ops.emosplat.make_capture()
    bpy.ops.emosplat.cancel()
    flowing(ended)
    assert "was cancelled. What was done so far is kept" in told() and levels() == ["INFO"]
    assert module("capturing").next_capture(bpy.context.scene) == (tmp_path / "captures" / "slow", True)
    assert listing(tmp_path / "captures").begun == {"slow"} and not listing(tmp_path / "captures").captures


def test_a_broken_off_capture_is_discarded_when_asked_and_nothing_else_is(film, tmp_path):
    film("dies")
    with refused("stopped unexpectedly"):
        bpy.ops.emosplat.make_capture()
    (tmp_path / "captures" / "photos.part").mkdir()
    (tmp_path / "captures" / "photos.render").mkdir()
    with refused("No capture 'photos' was broken off"):
        bpy.ops.emosplat.discard_capture(name="photos")
    with refused("No capture '../captures/dies' was broken off"):
        bpy.ops.emosplat.discard_capture(name="../captures/dies")
    bpy.ops.emosplat.discard_capture(name="dies")
    assert sorted(path.name for path in (tmp_path / "captures").iterdir()) == ["photos.part", "photos.render"]
    assert not listing(tmp_path / "captures").begun


def test_an_engine_that_dies_is_told_and_the_next_try_goes_on(film, tmp_path):
    film("dies")
    with refused("stopped unexpectedly.*What was done so far is kept"):
        bpy.ops.emosplat.make_capture()
    part = tmp_path / "captures" / "dies.part"
    assert part.is_dir()
    settings().identity, settings().source = "dies", "//anna.mp4"
    film()
    bpy.ops.emosplat.make_capture()
    assert not part.exists() and (tmp_path / "captures" / "dies").is_dir()


def test_opening_another_file_stops_it_and_keeps_what_is_done(film, flowing, tmp_path):
    film("slow")
    bpy.ops.emosplat.make_capture()
    session = module("running").session
    flowing(lambda: session.task.done == 2)
    bpy.ops.wm.read_homefile(use_empty=True)
    assert ended() and "another file was opened" in told() and (tmp_path / "captures" / "slow.part").is_dir()


def test_a_scene_that_was_deleted_meanwhile_keeps_nothing_from_the_capture(film, flowing, tmp_path):
    film()
    scene = bpy.data.scenes.new("Second")
    scene.emosplat_capture.source = settings().source
    with bpy.context.temp_override(scene=scene):
        bpy.ops.emosplat.make_capture()
    bpy.data.scenes.remove(scene)
    flowing(ended)
    assert levels() == ["INFO"] and (tmp_path / "captures" / "anna").is_dir() and not settings().capture


def test_undo_takes_neither_the_capture_nor_its_choice(film, flowing, tmp_path):
    film()
    bpy.ops.ed.undo_push(message="before")
    settings().size = "256"
    bpy.ops.ed.undo_push(message="size")
    bpy.ops.emosplat.make_capture()
    bpy.ops.ed.undo()
    flowing(ended)
    assert settings().capture == "//captures/anna" and settings().size == "512"


def test_saved_and_reloaded_the_choice_is_still_there(film, tmp_path):
    film()
    bpy.ops.emosplat.make_capture()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "shot.blend"))
    assert module("captures").chosen_capture(bpy.context.scene).name == "anna"


def test_verify_tells_what_is_damaged(film, tmp_path):
    film()
    with refused("Choose a capture first"):
        bpy.ops.emosplat.verify_capture()
    bpy.ops.emosplat.make_capture()
    bpy.ops.emosplat.verify_capture()
    assert told() == "The capture 'anna' is whole."
    (tmp_path / "captures" / "anna" / "report.html").unlink()
    bpy.ops.emosplat.verify_capture()
    assert levels() == ["WARNING"] * 4 and "2 more findings" in told()
    with refused("does not exist any more"):
        bpy.ops.emosplat.open_capture_report()
    bpy.ops.emosplat.refresh_captures()
    with refused("has no report"):
        bpy.ops.emosplat.open_capture_report()


@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"format": "emosplat-capture"}', "[" * 100000, "\udcff",
                                  '{"format": "emosplat-capture", "pictures": 4, "warnings": {}}'])
def test_a_damaged_capture_is_listed_with_its_error(film, tmp_path, text):
    folder = tmp_path / "captures" / "strange"
    folder.mkdir(parents=True)
    (folder / "capture.json").write_text(text, errors="surrogateescape")
    bpy.ops.emosplat.refresh_captures()
    bpy.ops.emosplat.select_capture(name="strange")
    assert "cannot be used" in module("captures").chosen_capture(bpy.context.scene).error
    with refused("no report"):
        bpy.ops.emosplat.open_capture_report()


def test_a_capture_that_is_not_there_cannot_be_chosen(film):
    with refused("no capture 'nobody'"):
        bpy.ops.emosplat.select_capture(name="nobody")


def test_films_are_dropped_onto_3d_views_alone(blender):
    accepts = bpy.types.EMOSPLAT_FH_film.poll_drop
    assert [accepts(SimpleNamespace(area=area and SimpleNamespace(type=area)))
            for area in ("VIEW_3D", "SEQUENCE_EDITOR", None)] == [True, False, False]

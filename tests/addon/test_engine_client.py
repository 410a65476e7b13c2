# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine as the add-on meets it: cancelled, killed, missing, refused, outlived."""

import os
import signal
import stat
import sys
import time

import bpy
import pytest

from tests.addon.extension import module, strips


@pytest.fixture
def flowing(head, monkeypatch):
    """Generate returns at once, as in a window; `until` polls as the timer would."""
    running = module("running")
    monkeypatch.setattr(running.session, "wait", lambda: None)

    def until(condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "nothing happened"
            running.session.poll()
            time.sleep(0.01)

    return until


def told():
    return " ".join(f"{message.what} {message.todo}" for message in module("running").messages())


def slow_job(head, until):
    head.emosplat.head = "slow"
    bpy.ops.emosplat.generate()
    session = module("running").session
    until(lambda: session.task.done == 2)
    return session


def ended():
    return module("running").session.task is None


def runs(tmp_path):
    return list((tmp_path / "frames").rglob("run_*"))


def test_progress_and_cancel(head, flowing, tmp_path):
    session = slow_job(head, flowing)
    assert module("panels.sidebar").progress_text(session.task) == "Draw 2/30, 1:00 left"
    asked = time.monotonic()
    bpy.ops.emosplat.cancel()
    flowing(ended)
    assert time.monotonic() - asked < 2.0
    assert "Generating 'Head' was cancelled." in told() and not runs(tmp_path) and not strips(bpy.context.scene)
    head.emosplat.head = "puppet"
    bpy.ops.emosplat.generate()
    flowing(ended)
    assert len(strips(bpy.context.scene)) == 2


def test_an_engine_that_does_not_listen_is_killed(head, flowing):
    head.emosplat.head = "deaf"
    bpy.ops.emosplat.generate()
    session = module("running").session
    flowing(lambda: session.task.done == 2)
    process = session.worker._process
    asked = time.monotonic()
    bpy.ops.emosplat.cancel()
    flowing(ended)
    assert time.monotonic() - asked < 0.7  # half a second, and a tick of the timer that looks
    assert process.poll() is not None and "cancelled" in told()


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_killed_engine_is_told_and_the_next_job_works(head, flowing, tmp_path):
    session = slow_job(head, flowing)
    os.kill(session.worker.pid, signal.SIGKILL)
    flowing(ended)
    assert "stopped unexpectedly (signal 9" in told() and not runs(tmp_path)
    head.emosplat.head = "puppet"
    bpy.ops.emosplat.generate()
    flowing(ended)
    assert len(strips(bpy.context.scene)) == 2


def test_an_engine_that_exits_leaves_its_last_words(head, flowing):
    head.emosplat.head = "dies"
    bpy.ops.emosplat.generate()
    flowing(ended)
    assert "exit status 7" in told() and "a native library gave up" in told()


def test_an_engine_that_died_idle_is_replaced_silently(head, flowing):
    bpy.ops.emosplat.generate()
    flowing(ended)
    worker = module("running").session.worker
    worker._process.kill()
    worker._process.wait()
    bpy.ops.emosplat.generate()
    flowing(ended)
    assert "ERROR" not in [message.level for message in module("running").messages()]


def test_two_jobs_at_once_are_refused_with_the_reason(head, flowing):
    slow_job(head, flowing)
    with pytest.raises(RuntimeError, match="Generating 'Head' is still under way"):
        bpy.ops.emosplat.generate()
    with pytest.raises(RuntimeError, match="still under way"):
        bpy.ops.emosplat.doctor()


def test_a_warm_up_gives_way(head, flowing):
    running, protocol = module("running"), sys.modules[module("session").job_message.__module__]
    running.start(protocol.WarmUpJob(), "Warming up", lambda *_: None)
    bpy.ops.emosplat.generate()
    flowing(ended)
    assert len(strips(bpy.context.scene)) == 2


def test_deleting_the_head_drops_the_result(head, flowing):
    head.emosplat.head = "puppet"
    bpy.ops.emosplat.generate()
    bpy.data.objects.remove(head)
    flowing(ended)
    assert "was deleted" in told() and not strips(bpy.context.scene)


def test_renaming_and_reselecting_do_not_mislead_the_result(head, flowing):
    bpy.ops.emosplat.generate()
    head.name = "Renamed"
    bpy.ops.emosplat.add_head()
    flowing(ended)
    assert {strip["emosplat_head"] for strip in strips(bpy.context.scene)} == {head}


def test_opening_another_file_stops_the_job(head, flowing, tmp_path):
    session = slow_job(head, flowing)
    process = session.worker._process
    bpy.ops.wm.read_homefile(use_empty=True)
    assert ended() and process.poll() is not None and not runs(tmp_path)
    assert "another file was opened" in told() and not bpy.data.objects


def test_undo_in_the_middle_keeps_the_result_with_its_head(head, flowing):
    bpy.ops.ed.undo_push(message="before")
    head.emosplat.emotion_sad = 0.5
    bpy.ops.ed.undo_push(message="a slider")
    bpy.ops.emosplat.generate()
    bpy.ops.ed.undo()
    flowing(ended)
    assert {strip["emosplat_head"] for strip in strips(bpy.context.scene)} == {bpy.data.objects["Head"]}


def test_undo_takes_the_import_back(head):
    bpy.ops.emosplat.generate()
    bpy.ops.ed.undo_push(message="strip")
    bpy.data.objects["Head"].emosplat.output = "PLANE"
    bpy.ops.emosplat.import_again()
    bpy.ops.ed.undo_push(message="plane")
    bpy.ops.ed.undo()
    kinds = {strip["emosplat_kind"] for strip in strips(bpy.context.scene)}
    assert kinds == {"picture", "sound"} and not bpy.data.meshes


def test_switching_the_add_on_off_ends_the_engine(head, flowing):
    import addon_utils

    process = slow_job(head, flowing).worker._process
    addon_utils.disable("bl_ext.user_default.emosplat")
    assert process.poll() is not None and not hasattr(bpy.types.Object, "emosplat")


def own(blender, path):
    blender.engine_python, blender.interpreter = "OWN", str(path)


def script(tmp_path, text):
    path = tmp_path / "interpreter"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.skipif(os.name == "nt", reason="uses shell scripts")
@pytest.mark.parametrize(("text", "words"), [
    ("exit 3", "exit status 3"), ("echo hello", "not the engine's protocol"),
    ("""echo '{"type": "ready", "protocol": 99}'; sleep 5""", "another protocol"),
])
def test_an_interpreter_that_is_no_engine_is_told(head, blender, tmp_path, text, words):
    own(blender, script(tmp_path, text))
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.emosplat.generate()
    assert not runs(tmp_path)


def test_an_interpreter_that_is_missing_is_told(head, blender, tmp_path):
    own(blender, tmp_path / "python")
    with pytest.raises(RuntimeError, match="does not exist"):
        bpy.ops.emosplat.doctor()
    blender.interpreter = ""
    with pytest.raises(RuntimeError, match="No interpreter is chosen"):
        bpy.ops.emosplat.generate()
    assert not runs(tmp_path)


def test_doctor_names_what_is_missing(head):
    bpy.ops.emosplat.doctor()
    assert module("panels.doctor").report_lines() == [
        "FAIL torch: does not load Reinstall the extension.", "note captures: no face model Take it.",
    ]
    assert "EmoSplat cannot run yet." in told()


def test_broken_heads_are_listed_with_their_error(head):
    bpy.ops.emosplat.refresh_heads()
    assert "'torn' cannot be used: It is truncated." in told()
    suggestions = module("heads").search_heads(None, bpy.context, "to")
    assert suggestions == [("torn", "cannot be used")]


def test_the_log_rotates(head, monkeypatch):
    monkeypatch.setattr(module("worker"), "LOG_SIZE", 10)
    log = module("paths").log_file()
    log.write_text("of an earlier session\n")
    bpy.ops.emosplat.generate()
    assert log.with_name("engine.log.1").read_text() == "of an earlier session\n"
    assert bpy.ops.emosplat.open_log() == {"FINISHED"}

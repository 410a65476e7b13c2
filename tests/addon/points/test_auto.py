# SPDX-License-Identifier: GPL-3.0-or-later
"""Auto: points follow the sliders by themselves, once, and not when undo or Blender is in the way."""

import time

import bpy
import pytest

from tests.addon.extension import module
from tests.addon.points.test_points import points_of


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when a test says so: `clock[0] += 1`."""
    now = [100.0]
    monkeypatch.setattr(module("points.auto").time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def bakes(monkeypatch):
    """The jobs that were started."""
    running, jobs = module("running"), []
    start = running.start
    monkeypatch.setattr(running, "start", lambda job, *rest, **named: jobs.append(job) or start(job, *rest, **named))
    return jobs


@pytest.fixture
def auto(head, clock, bakes):
    """The head with points that follow it."""
    bpy.ops.emosplat.bake_points()
    head.emosplat_points.auto = True
    settle(clock)
    bakes.clear()
    return head


def settle(clock, seconds=0.6):
    """What the timer would do when so much time has passed."""
    clock[0] += seconds
    return module("points.auto").tick()


def turned(head):
    keys = points_of(head).data.shape_keys
    curves = {curve.data_path: curve for curve in module("compat").curves_of(keys.animation_data.action, keys)}
    return curves['key_blocks["Movement 02"].value'].evaluate(10)


def test_a_slider_that_rests_is_baked_once_in_place(auto, clock, bakes):
    points = points_of(auto)
    for value in (0.2, 0.5, 0.7):
        auto.emosplat.emotion_happy = value
        assert settle(clock, 0.4) > 0 and not bakes
    settle(clock)
    assert len(bakes) == 1 and points_of(auto) == points and turned(auto) == pytest.approx(0.7)
    settle(clock, 9)
    assert len(bakes) == 1 and settle(clock) is None
    for name, value in (("blink", 0.5), ("seed", 3), ("micro_squint", -0.5)):
        setattr(auto.emosplat, name, value)
        settle(clock)
    assert len(bakes) == 4


def test_a_slider_that_came_back_needs_no_bake(auto, clock, bakes):
    auto.emosplat.emotion_happy = 0.2
    auto.emosplat.emotion_happy = 0.0
    settle(clock)
    assert not bakes


def test_it_is_off_at_first_and_catches_up_when_it_is_switched_on(head, clock, bakes):
    bpy.ops.emosplat.bake_points()
    head.emosplat.emotion_happy = 0.6
    settle(clock)
    assert len(bakes) == 1 and turned(head) == 0
    head.emosplat_points.auto = True
    settle(clock)
    assert len(bakes) == 2 and turned(head) == pytest.approx(0.6)


def test_keys_of_sliders_count_and_other_keys_do_not(auto, clock, bakes):
    for frame, value in ((1, 0.0), (21, 0.8)):
        auto.emosplat.emotion_happy = value
        auto.keyframe_insert("emosplat.emotion_happy", frame=frame)
    auto.keyframe_insert("location", frame=1)
    bpy.context.view_layer.update()
    settle(clock)
    assert len(bakes) == 1
    curves = {curve.data_path: curve for curve in module("compat").curves_of(auto.animation_data.action, auto)}
    curves["location"].keyframe_points[0].co.y += 1
    curves["location"].update()
    bpy.context.view_layer.update()
    settle(clock)
    assert len(bakes) == 1
    before, curve = turned(auto), curves["emosplat.emotion_happy"]
    curve.keyframe_points[0].co.y = 0.6
    curve.update()
    bpy.context.view_layer.update()
    settle(clock)
    assert len(bakes) == 2 and turned(auto) > before + 0.1
    for frame in range(1, 30, 4):
        bpy.context.scene.frame_set(frame)
    settle(clock)
    assert len(bakes) == 2


def test_a_bake_under_way_is_begun_anew(auto, clock, bakes, monkeypatch):
    running = module("running")
    monkeypatch.setattr(running.session, "wait", lambda: None)
    auto.emosplat.head, auto.emosplat.emotion_happy = "slow", 0.3
    settle(clock)
    first = running.session.task
    assert first is not None
    auto.emosplat.head, auto.emosplat.emotion_happy = "puppet", 0.9
    assert settle(clock, 0.4) > 0 and running.session.task is first and first.cancelled_at is None
    deadline = time.perf_counter() + 20
    while turned(auto) < 0.8 and time.perf_counter() < deadline:
        settle(clock, 0.0)
        settle(clock, 0.2)
        running.session.poll()
        time.sleep(0.01)
    assert first.cancelled_at is not None and turned(auto) == pytest.approx(0.9) and len(bakes) == 2


def test_another_job_is_waited_for(auto, clock, bakes, monkeypatch):
    running = module("running")
    monkeypatch.setattr(running.session, "wait", lambda: None)
    auto.emosplat.head = "slow"
    bpy.ops.emosplat.generate()
    task = running.session.task
    auto.emosplat.head, auto.emosplat.emotion_happy = "puppet", 0.3
    for _ in range(3):
        assert settle(clock) > 0
    assert running.session.task is task and task.cancelled_at is None and len(bakes) == 1
    running.session.stop("the test says so")
    settle(clock)
    assert len(bakes) == 2


def test_it_waits_while_blender_renders_or_plays(auto, clock, bakes, monkeypatch):
    busy = [True]
    monkeypatch.setattr(module("points.auto"), "_blender_is_busy", lambda: busy[0])
    auto.emosplat.emotion_happy = 0.3
    assert settle(clock) > 0 and settle(clock) > 0 and not bakes
    busy[0] = False
    settle(clock)
    assert len(bakes) == 1


def test_undo_sets_points_back_without_a_bake(auto, clock, bakes):
    bpy.ops.ed.undo_push(message="before")
    auto.emosplat.emotion_happy = 0.4
    auto.keyframe_insert("emosplat.emotion_happy", frame=1)
    bpy.ops.ed.undo_push(message="slider")
    bpy.context.view_layer.update()
    settle(clock)
    bpy.ops.ed.undo_push(message="Bake Splat Points")
    assert len(bakes) == 1
    for expected in (0.0, 0.0):
        bpy.ops.ed.undo()
        bpy.context.view_layer.update()
        settle(clock)
        assert turned(bpy.data.objects["Head"]) == pytest.approx(expected) and len(bakes) == 1
    bpy.ops.ed.redo()
    bpy.ops.ed.redo()
    bpy.context.view_layer.update()
    settle(clock)
    assert turned(bpy.data.objects["Head"]) == pytest.approx(0.4) and len(bakes) == 1


def test_what_stands_in_the_way_is_told_without_a_pop_up(auto, clock, bakes):
    auto.emosplat.audio = None
    auto.emosplat.emotion_happy = 0.3
    settle(clock)
    message, = module("running").messages()
    assert message.level == "WARNING" and "no audio" in message.what and not bakes


def test_without_points_or_in_another_file_nothing_waits(head, clock, bakes):
    head.emosplat_points.auto = True
    head.emosplat.emotion_happy = 0.3
    settle(clock)
    assert not bakes
    bpy.ops.emosplat.bake_points()
    bpy.data.objects["Head"].emosplat.emotion_happy = 0.5
    bpy.ops.wm.read_homefile(use_empty=True)
    settle(clock)
    assert len(bakes) == 1 and settle(clock) is None


def test_sampling_keyed_sliders_leaves_the_scene_as_it_is(head):
    """A pose that was not keyed yet is lost by a change of the frame: none is made."""
    for frame, value in ((1, 0.0), (21, 0.8)):
        head.emosplat.emotion_happy = value
        head.keyframe_insert("emosplat.emotion_happy", frame=frame)
        head.keyframe_insert("location", frame=frame)
    scene = bpy.context.scene
    scene.frame_set(11)
    head.location.x = 3.0
    head.emosplat.emotion_happy = 0.77
    entries = module("sampling").sample_sliders(bpy.context, head, 1, 25).entries
    values = [entry.sliders["emotion_happy"] for entry in entries]
    assert len(values) == 25 and [values[k] for k in (0, 10, 24)] == pytest.approx([0.0, 0.4, 0.8])
    assert scene.frame_current == 11 and head.location.x == 3 and head.emosplat.emotion_happy == pytest.approx(0.77)
    assert len(bpy.data.scenes) == 1 and head.users_collection == (scene.collection,)

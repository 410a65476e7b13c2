# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong in a scene: each with its message, nothing broken, nothing left behind."""

import errno
from pathlib import Path

import bpy
import pytest

from tests.addon.extension import module, strips


def refused(words):
    return pytest.raises(RuntimeError, match=words)


def nothing_left(tmp_path):
    return not list((tmp_path / "frames").rglob("run_*")) and not strips(bpy.context.scene)


def test_no_head(blender):
    with refused("Select a head, or add one"):
        bpy.ops.emosplat.generate()


def test_no_audio(blender):
    bpy.ops.emosplat.add_head()
    with refused("Choose an audio file first"):
        bpy.ops.emosplat.generate()


def test_missing_and_empty_audio(head, tmp_path, audio):
    with refused("nowhere.wav does not exist"):
        bpy.ops.emosplat.choose_audio(filepath=str(tmp_path / "nowhere.wav"))
    (tmp_path / "empty.wav").touch()
    with refused("empty.wav is empty"):
        bpy.ops.emosplat.choose_audio(filepath=str(tmp_path / "empty.wav"))
    audio.unlink()
    with refused("line.wav does not exist"):
        bpy.ops.emosplat.generate()
    assert nothing_left(tmp_path)


def test_no_camera(head):
    bpy.data.objects.remove(bpy.context.scene.camera)
    with refused("no camera.*Add Portrait Camera"):
        bpy.ops.emosplat.generate()
    bpy.ops.emosplat.add_camera()
    assert bpy.ops.emosplat.generate() == {"FINISHED"}


@pytest.mark.parametrize(("kind", "words"), [("ORTHO", "orthographic"), ("PANO", "panoramic")])
def test_cameras_that_splats_cannot_follow(head, tmp_path, kind, words):
    bpy.context.scene.camera.data.type = kind
    with refused(f"{words}.*Perspective"):
        bpy.ops.emosplat.generate()
    assert nothing_left(tmp_path)


def test_a_light_as_camera(head):
    light = bpy.data.objects.new("Lamp", bpy.data.lights.new("Lamp", "POINT"))
    bpy.context.scene.collection.objects.link(light)
    bpy.context.scene.camera = light
    with refused("'Lamp' is a light"):
        bpy.ops.emosplat.generate()


def test_a_zero_length_range(head, tmp_path):
    head.emosplat.use_range, head.emosplat.first, head.emosplat.last = True, 20, 19
    with refused("20 to 19 holds no frame"):
        bpy.ops.emosplat.generate()
    head.emosplat.first, head.emosplat.last, head.emosplat.start_frame = 1, 5, 10
    with refused("starts at 10"):
        bpy.ops.emosplat.generate()
    assert nothing_left(tmp_path)


def test_a_tiny_picture_and_a_mad_frame_rate(head):
    render = bpy.context.scene.render
    render.resolution_percentage = 10
    with refused("3 x 3 pixels"):
        bpy.ops.emosplat.generate()
    render.resolution_percentage, render.fps, render.fps_base = 100, 1, 10
    with refused("frame rate 0.1"):
        bpy.ops.emosplat.generate()


def test_a_head_without_size_and_one_out_of_shape(head):
    head.scale = (0, 0, 0)
    with refused("scale of 0"):
        bpy.ops.emosplat.generate()
    head.scale = (1, 2, 1)
    bpy.ops.emosplat.generate()
    assert any("scaled differently" in message.what for message in module("running").messages())


def test_an_unsaved_file_keeps_frames_in_the_users_folder(head, blender):
    blender.frames_folder = ""
    bpy.ops.emosplat.generate()
    folder = Path(head.emosplat.last_run)
    assert folder.is_relative_to(bpy.utils.extension_path_user("bl_ext.user_default.emosplat"))
    assert folder.is_absolute() and len(list(folder.glob("*.png"))) == 30


@pytest.mark.parametrize(("number", "words"), [
    (errno.ENOSPC, "disk is full"), (errno.EROFS, "may not be written"), (errno.EACCES, "may not be written")])
@pytest.mark.parametrize("place", ["mkdir", "write_text"])
def test_a_disk_that_refuses(head, tmp_path, monkeypatch, number, words, place):
    genuine = getattr(Path, place)

    def refuse(path, *arguments, **more):
        if "run_" in str(path):
            raise OSError(number, "refused")
        return genuine(path, *arguments, **more)

    monkeypatch.setattr(Path, place, refuse)
    with refused(words):
        bpy.ops.emosplat.generate()
    monkeypatch.undo()
    assert nothing_left(tmp_path)


def test_a_frames_folder_that_is_a_file(head, blender, tmp_path):
    (tmp_path / "file").touch()
    blender.frames_folder = str(tmp_path / "file")
    with refused("could not be written.*another frames folder"):
        bpy.ops.emosplat.generate()


def test_a_missing_head_file(head):
    head.emosplat.head = "/nowhere/anna.emohead"
    with refused("anna.emohead does not exist"):
        bpy.ops.emosplat.generate()
    head.emosplat.head = ""
    with refused("No head is chosen"):
        bpy.ops.emosplat.generate()


def test_frames_that_never_came_are_not_imported(head, tmp_path):
    head.emosplat.head = "empty"
    with refused("lacks 30 of 30 frames"):
        bpy.ops.emosplat.generate()
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("text", [None, "no json", "{}", '{"format": "emosplat-run", "version": 2}',
                                  '{"format": "emosplat-run", "version": 1, "frames": 3}'])
def test_a_run_that_was_tampered_with_is_not_imported(head, text):
    bpy.ops.emosplat.generate()
    file = Path(head.emosplat.last_run) / "run.json"
    file.unlink() if text is None else file.write_text(text)
    with refused("Generate again"):
        bpy.ops.emosplat.import_again()
    assert len(strips(bpy.context.scene)) == 2


def test_a_frame_that_was_deleted_is_named(head):
    bpy.ops.emosplat.generate()
    (Path(head.emosplat.last_run) / "frame_00007.png").unlink()
    with refused("lacks 1 of 30 frames"):
        bpy.ops.emosplat.import_again()


def test_a_head_behind_the_camera_has_no_plane(head):
    head.emosplat.output = "PLANE"
    head.location.y = -50
    with refused("behind the camera"):
        bpy.ops.emosplat.generate()


def test_an_overshooting_slider_stays_within_its_limits(head):
    head.emosplat.driver_add("emotion_happy").driver.expression = "7.0"
    entry, = {tuple(entry.sliders.items()) for entry in module("sampling").sample(bpy.context, head, 1, 2).entries}
    assert dict(entry)["emotion_happy"] == 1.0

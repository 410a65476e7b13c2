# SPDX-License-Identifier: GPL-3.0-or-later
"""From the panel: the lists that it fills, why its button is grey, a whole capture with the real engine, and cancel."""

import os
import subprocess
import sys
import time

import bpy
import pytest
import soundfile

from tests.addon.character import tiny
from tests.addon.extension import ROOT, module


@pytest.fixture
def settings(blender, tmp_path):
    """A saved scene with a tiny character."""
    tiny.build()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    return bpy.context.scene.emosplat_character


def reason():
    return module("operators.character").CaptureCharacter.disabled_reason(bpy.context)


def told():
    return " ".join(f"{message.what} {message.todo}".strip() for message in module("running").messages())


def test_the_button_says_what_is_missing(settings):
    assert "face" in reason()
    settings.face = bpy.data.objects["Face"]
    assert reason() == ""
    for entry in settings.shapes:
        entry.shape = "NONE"
    assert "match" in reason()


def test_only_meshes_with_shape_keys_are_faces(settings):
    bpy.ops.mesh.primitive_cube_add()
    is_face = module("character.settings")._is_face
    assert is_face(settings, bpy.data.objects["Face"])
    assert not is_face(settings, bpy.data.objects["Cube"]) and not is_face(settings, bpy.data.objects["Lamp"])


def test_what_hangs_on_the_rig_belongs_to_the_character(settings):
    face = bpy.data.objects["Face"]
    rig = bpy.data.objects.new("Rig", bpy.data.armatures.new("Rig"))
    shirt, teeth, proxy, chair = (bpy.data.objects.new(name, bpy.data.meshes.new(name))
                                  for name in ("Shirt", "Teeth", "Proxy", "Chair"))
    for thing in (rig, shirt, teeth, proxy, chair):
        bpy.context.scene.collection.objects.link(thing)
    face.parent = rig
    shirt.modifiers.new("Rig", "ARMATURE").object = rig
    teeth.parent = proxy.parent = face
    proxy.hide_render = True
    settings.face = face
    members = module("character.setup").members
    assert {thing.name for thing in members(settings, bpy.context.scene)} == {"Face", "Shirt", "Teeth"}
    settings.collection = bpy.data.collections.new("Only")
    settings.collection.objects.link(chair)
    assert {thing.name for thing in members(settings, bpy.context.scene)} == {"Face", "Chair"}


def test_a_line_that_has_gone_is_told(settings, tmp_path):
    settings.face = bpy.data.objects["Face"]
    settings.lines.add().filepath = str(tmp_path / "gone.wav")
    with pytest.raises(RuntimeError, match="gone.wav"):
        bpy.ops.emosplat.capture_character()
    bpy.ops.emosplat.remove_line()
    assert not settings.lines and module("character.capturing").current() is None


def test_a_deleted_face_is_told(settings):
    settings.face = bpy.data.objects["Face"]
    bpy.data.objects.remove(bpy.data.objects["Face"])
    assert "face" in reason()


def test_the_panels_draw(settings):
    """Every panel's draw runs against Blender's own properties."""
    settings.face = bpy.data.objects["Face"]
    for name in ("face", "collection", "head", "identity", "frames", "size", "samples", "seed", "only_unmatched"):
        assert name in settings.bl_rna.properties
    for cls in module("panels.character").CLASSES:
        assert cls.is_registered


def test_the_copy_is_written_without_a_preview_and_the_preference_stays(settings, monkeypatch):
    settings.face = bpy.data.objects["Face"]
    filepaths, seen = bpy.context.preferences.filepaths, []

    def look(*_arguments):
        seen.append(filepaths.file_preview_type)

    monkeypatch.setattr(filepaths, "file_preview_type", "CAMERA")
    bpy.app.handlers.save_pre.append(look)
    try:
        run = module("character.capturing").CharacterRun(bpy.context.scene)
    finally:
        bpy.app.handlers.save_pre.remove(look)
    assert seen == ["NONE"] and filepaths.file_preview_type == "CAMERA"
    assert os.path.isfile(run.job.blend)


def test_rendering_is_followed_cancelled_and_goes_on(settings, monkeypatch, tmp_path):
    """As in a window: the operator returns at once, a timer polls, Cancel keeps what is whole."""
    capturing, process = module("character.capturing"), module("character.process")
    settings.face = bpy.data.objects["Face"]
    settings.frames, settings.size = 60, "256"
    run = capturing.CharacterRun(bpy.context.scene)
    monkeypatch.setattr(capturing, "_current", run)
    module("character.job").save_job(_without_takes(run.job), run.work / "job.json")
    run.rendering = process.Rendering(run.work / "job.json", run.job.blend)
    while run.rendering.done < 3 or run.rendering.stage != "render":
        run.poll()
        time.sleep(0.02)
    assert 3 <= run.rendering.done < run.rendering.total == 60
    assert bpy.ops.emosplat.cancel_character() == {"FINISHED"}
    assert capturing.current() is None and "is kept" in told()
    made = {path: path.stat().st_mtime_ns for path in (run.work / "frames").glob("[!.]*.png")}
    assert len(made) >= 3
    again = process.Rendering(run.work / "job.json", run.job.blend)
    again.wait()
    assert all(path.stat().st_mtime_ns == before for path, before in made.items())
    assert (run.work / "character.json").exists()
    assert module("captures").listing(run.work.parent).rendered == {run.out.name}
    bpy.ops.emosplat.discard_capture(name=run.out.name)
    assert not run.work.exists()


def _without_takes(job):
    job.emotions, job.takes = "", []
    return job


@pytest.mark.parametrize("version", ["", "4.2", "5.0"])
def test_a_whole_capture_with_the_real_engine(tmp_path, version):
    wheel = ROOT / ".venv" / f"bpy-{version}"
    if version and not wheel.is_dir():
        pytest.skip(f"needs the bpy {version} wheel unpacked in .venv/bpy-{version}")
    speech, rate = soundfile.read(ROOT / "engine/data/sample_speech.flac", frames=24000)
    (tmp_path / "sounds").mkdir()
    soundfile.write(tmp_path / "sounds" / "line.wav", speech, rate)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(wheel), str(ROOT)])}
    for name in ("BLENDER_USER_RESOURCES", "BLENDER_USER_EXTENSIONS"):
        environment[name] = str(tmp_path / name.lower())
        (tmp_path / name.lower()).mkdir()
    script = [sys.executable, ROOT / "tests/addon/character/in_blender.py", tmp_path, tmp_path / "sounds" / "line.wav"]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0 and "all is well" in done.stdout.splitlines()[-1], done.stdout[-3000:] + done.stderr

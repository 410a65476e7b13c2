# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's capture from the operator, with the real engine: a script, run by test_operator.py.

Prints "all is well" as its last line.
"""

import json
import sys
from pathlib import Path

import bpy

from tests.addon.character import tiny
from tests.addon.extension import enable, extensions_folder, install, module

folder, line = Path(sys.argv[1]), sys.argv[2]
install(extensions_folder(), real_engine=True)
bpy.ops.wm.read_factory_settings(use_empty=True)
enable()
scene = bpy.context.scene
face = tiny.build({"jawOpen": "Jaw Open", "mouthPucker": "Kiss"})
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
settings = scene.emosplat_character
settings.face = face
said = {entry.name: entry.shape for entry in settings.shapes}
assert said["Jaw Open"] == "jawOpen" and said["Kiss"] == "NONE" and said["eyeBlinkLeft"] == "eyeBlinkLeft", said
next(entry for entry in settings.shapes if entry.name == "Kiss").shape = "mouthPucker"
assert {entry.name: entry.region for entry in settings.regions} == {
    "Skin": "face", "Inner Mouth": "mouth_interior", "hair": "hair", "neck": "neck_torso", "Face": "face"}
bpy.ops.emosplat.match_shapes()
assert next(entry for entry in settings.shapes if entry.name == "Kiss").shape == "mouthPucker", "a choice stays"
bpy.ops.emosplat.add_lines(directory=str(Path(line).parent), files=[{"name": Path(line).name}])
settings.lines[0].emotion, settings.lines[0].intensity = "happy", 0.6
settings.frames, settings.size, settings.identity = 50, "256", "Tiny"
keys = face.data.shape_keys.key_blocks
weights = [key.value for key in keys]
before = (folder / "shot.blend").read_bytes()
assert bpy.ops.emosplat.capture_character() == {"FINISHED"}
assert (folder / "shot.blend").read_bytes() == before
out = folder / "captures" / "Tiny"
data = json.loads((out / "capture.json").read_text())
assert data["pictures"] == 50 and data["identity"] == "Tiny"
assert "happy" in {label["emotion"] for label in data["labels"]}
assert (out / "audio.flac").exists() and (out / "report.html").exists()
assert not list((folder / "captures").glob("*.render")), "the work folder has gone"
assert module("captures").chosen_capture(scene).folder == out
assert [key.value for key in keys] == weights, "the open file is left alone"
module("running").session.stop("the test is over")
print("all is well")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Generation, import, captures, splat points and shape keys in another Blender than the tests' own: a script, run by
test_versions.py.

Prints "all is well" as its last line.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

import bpy
import addon_utils  # found once bpy is there

from engine.protocol import EXPRESSION_NAMES
from tests.addon.extension import NAME, enable, extensions_folder, install, module, strips
from tests.addon.rigs.faces import make_face, played

audio, real_engine, folder = sys.argv[1], sys.argv[2] == "real", Path(tempfile.mkdtemp())
install(extensions_folder(), real_engine=real_engine)
bpy.ops.wm.read_factory_settings(use_empty=True)
preferences = enable()
scene = bpy.context.scene
scene.render.resolution_x = scene.render.resolution_y = 32
bpy.ops.wm.save_as_mainfile(filepath=str(folder / "shot.blend"))
bpy.ops.emosplat.add_head()
head = bpy.context.object
assert head.emosplat.enabled and head.emosplat.head == "demo"
bpy.ops.emosplat.choose_audio(filepath=audio)
try:
    bpy.ops.emosplat.generate()
except RuntimeError as error:
    assert "no camera" in str(error), error
bpy.ops.emosplat.add_camera()
head.emosplat.emotion_happy = 0.8
head.emosplat.keyframe_insert("emotion_happy", frame=5)

assert bpy.ops.emosplat.generate() == {"FINISHED"}
bpy.ops.emosplat.generate()
kinds = sorted(strip["emosplat_kind"] for strip in strips(scene))
has_sound = bpy.data.sounds[0].samplerate > 0  # the 4.2 module is built without sound
assert kinds == (["picture", "sound"] if has_sound else ["picture"]), kinds
picture = next(strip for strip in strips(scene) if strip["emosplat_kind"] == "picture")
assert (picture.frame_final_start, picture.frame_final_duration) == (1, 30)
assert picture.directory.startswith("//emosplat/shot/Head/run_0002"), picture.directory

bpy.ops.wm.save_mainfile()
bpy.ops.wm.open_mainfile(filepath=str(folder / "shot.blend"))
scene, head = bpy.context.scene, bpy.data.objects["Head"]
assert abs(head.emosplat.emotion_happy - 0.8) < 1e-6 and head.animation_data.action
assert all(strip["emosplat_head"] == head for strip in strips(scene))
head.emosplat.output = "PLANE"
bpy.ops.emosplat.import_again()
plane, = module("plane").own_planes(head)
assert plane.data.materials[0].node_tree.nodes and "picture" not in [strip["emosplat_kind"] for strip in strips(scene)]
bpy.ops.emosplat.doctor()
bpy.ops.emosplat.fix_colours()
assert scene.view_settings.view_transform == "Standard"
if not real_engine:
    (folder / "anna.mp4").write_bytes(b"film")
    bpy.ops.emosplat.choose_film(filepath=str(folder / "anna.mp4"))
    assert bpy.ops.emosplat.make_capture() == {"FINISHED"}
    assert scene.emosplat_capture.capture == "//captures/anna"
    bpy.ops.emosplat.verify_capture()
    head.emosplat.head = "dies"
    try:
        bpy.ops.emosplat.generate()
        raise AssertionError("the engine's death went unnoticed")
    except RuntimeError as error:
        assert "stopped unexpectedly" in str(error), error

face = make_face(["jawOpen", "mouthClose", "mouthLowerDown", "Ears"])
key = face.data.shape_keys
bpy.ops.emosplat.choose_speech(filepath=audio)
assert bpy.ops.emosplat.bake_take() == {"FINISHED"}
bpy.ops.emosplat.bake_take()
take = json.loads(Path(bpy.path.abspath(face.emosplat_rig.last_take)).read_text())["expression"]
jaw = [row[EXPRESSION_NAMES.index("jawOpen")] for row in take]
assert all(abs(played(face, k + 1)["jawOpen"] - value) < 0.0051 for k, value in enumerate(jaw)) and max(jaw) > 0.1
key.key_blocks["Ears"].keyframe_insert("value", frame=1)
try:
    bpy.ops.emosplat.bake_take()
    raise AssertionError("an edited action was overwritten")
except RuntimeError as error:
    assert "already plays" in str(error), error
assert bpy.ops.emosplat.bake_take(existing="BELOW") == {"FINISHED"}
face.emosplat_rig.target = "NLA"
assert bpy.ops.emosplat.bake_take() == {"FINISHED"} and key.animation_data.action is None
assert [len(track.strips) for track in key.animation_data.nla_tracks] == [1, 1]
assert all(abs(played(face, k + 1)["jawOpen"] - value) < 0.0051 for k, value in enumerate(jaw))
bpy.ops.emosplat.export_take_csv(filepath=str(folder / "take.csv"))
bpy.ops.emosplat.choose_take(filepath=str(folder / "take.csv"))
assert bpy.ops.emosplat.bake_take() == {"FINISHED"}

assert bpy.ops.emosplat.bake_points() == {"FINISHED"}
points = module("points.importing").own_points(head)
assert points.parent == head and points.data.shape_keys.animation_data.action
places = set()
for frame in (1, 25):
    scene.frame_set(frame)
    mesh = points.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    seen = sum(item.value >= 0.02 for item in points.data.attributes["opacity"].data)
    assert len(mesh.polygons) == seen > 0.8 * len(points.data.vertices), "every point that is not faint is a tile"
    places.add(tuple(round(x, 6) for x in mesh.vertices[21].co))
assert len(places) == 2, "the points move"
module("compat").set_modifier_input(points.modifiers["Splats"], "Viewport", 1)
scene.render.engine, scene.render.film_transparent, scene.cycles.samples = "CYCLES", True, 1
scene.render.filepath = str(folder / "splats.png")
bpy.ops.render.render(write_still=True)
pixels = bpy.data.images.load(scene.render.filepath).pixels[:]
assert max(pixels[3::4]) > 0.5 and max(pixels[0::4]) > 0.2, "splats render, in colour"

addon_utils.disable(NAME)
assert not hasattr(bpy.types.Object, "emosplat") and not hasattr(bpy.types.Object, "emosplat_rig")
assert not hasattr(bpy.types.Object, "emosplat_points")
shutil.rmtree(folder)
print("all is well", bpy.app.version_string)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Characters rendered by a background Blender: exact cameras and weights, masks, resuming, and files that are odd."""

import json
import math
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import bpy
import numpy as np
import pytest
from PIL import Image

from engine.protocol import EXPRESSION_NAMES
from tests.addon.character import tiny
from tests.addon.extension import NAME, extensions_folder, module

SCRIPT = extensions_folder() / NAME.removeprefix("bl_ext.").replace(".", "/") / "addon" / "character" / "background.py"
SIZE = 96
GREEN, BLUE = (0.0, 1.0, 0.0, 1.0), (0.0, 0.0, 1.0, 1.0)


def job_of(face, tmp_path, **settings):
    """A job for the open scene's character, written to disk; returns its path."""
    keys = face.data.shape_keys.key_blocks if face.data.shape_keys else []
    match = module("character.matching").match_keys([key.name for key in keys][1:])
    jobs = module("character.job")
    family = [thing.name for thing in bpy.context.scene.objects if thing == face or thing.parent == face]
    values = {
        "blend": tiny.save(tmp_path), "scene": bpy.context.scene.name, "out": str(tmp_path / "work"),
        "objects": family, "frames": 8, "size": SIZE,
        "shapes": [jobs.Shape(face.name, key, list(names)) for key, names in match.names.items()],
    }
    path = tmp_path / "job.json"
    jobs.save_job(jobs.CharacterJob(**{**values, **settings}), path)
    return path


def run(job, *arguments, **options):
    """Run the script; returns its messages."""
    done = subprocess.run([sys.executable, SCRIPT, job, *arguments], capture_output=True, text=True, **options)
    return [json.loads(line[9:]) for line in done.stdout.splitlines() if line.startswith("EMOSPLAT ")]


def rendered(job, *arguments):
    """Run a job that must end well; returns character.json and its folder."""
    messages = run(job, *arguments)
    assert messages and messages[-1]["type"] == "result", messages[-1:]
    work = Path(json.loads(job.read_text())["out"])
    return json.loads((work / "character.json").read_text()), work


def failed(job):
    messages = run(job)
    assert messages and messages[-1]["type"] == "error", messages[-1:]
    return messages[-1]


def picture(work, frame, kind="frames"):
    with Image.open(work / kind / f"000_{frame:07d}.png") as image:
        return np.asarray(image).astype(float)


def spot(image, channel):
    """(2,) middle of what shines in one channel alone, pixel centres at +0.5."""
    others = [k for k in range(3) if k != channel]
    weight = np.clip(image[..., channel] - image[..., others].max(axis=-1), 0, None) * (image[..., 3] > 0)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


@pytest.fixture
def face(blender):
    return tiny.build()


def test_cameras_and_weights_are_exact(face, tmp_path):
    """Two balls, one on the brow and one that rides on the jaw, are where cameras and weights say."""
    bpy.context.scene.view_settings.view_transform = "Raw"
    bpy.context.scene.cycles.samples = 16
    brow, chin = np.array([0.0, -0.105, 0.03]), np.array([0.0, -0.09, -0.09])
    tiny.marker(tuple(brow), GREEN, face)
    ball = tiny.marker(tuple(chin), BLUE, face)
    jaw = face.data.shape_keys.key_blocks["jawOpen"]
    rest = np.array([key.co for key in face.data.shape_keys.key_blocks["Basis"].data])
    rider = int(np.linalg.norm(rest - chin, axis=1).argmin())
    ball.parent_type, ball.parent_vertices = "VERTEX", (rider, 0, 0)
    ball.location, ball.scale, chin = (0.0,) * 3, (2.5,) * 3, rest[rider]
    assert jaw.data[rider].co.z < rest[rider][2] - 0.9 * tiny.JAW_DROP
    for slot in face.material_slots:  # so that neither ball is ever behind the head
        slot.material = tiny.clear()
    # Unapplied scale, a turn and a place of its own: the head's frame is that of the object, in metres.
    face.scale, face.rotation_euler, face.location = (2.5,) * 3, (0.2, -0.1, 0.7), (3.0, -2.0, 1.0)
    bpy.context.scene.unit_settings.scale_length = 0.4
    data, work = rendered(job_of(face, tmp_path, frames=10, size=128, head_object="Face"))
    assert data["warnings"] == [w for w in data["warnings"] if w.startswith("The character has no")]
    weights = np.array(data["expression"])[:, EXPRESSION_NAMES.index("jawOpen")]
    assert weights.max() > 0.9 and weights.min() == 0.0
    project = module("character.views").project
    for row, frame in enumerate(data["frames"]):
        viewmat, K = np.reshape(data["viewmats"][row], (4, 4)), np.reshape(data["Ks"][row], (3, 3))
        places = np.stack([brow, chin + [0.0, 0.0, -tiny.JAW_DROP * weights[row]]])
        image = picture(work, frame)
        for channel, expected in zip((1, 2), project(places, viewmat, K)):
            assert np.linalg.norm(spot(image, channel) - expected) < 0.5, (row, channel)


def test_masks_say_what_is_where(face, tmp_path):
    data, work = rendered(job_of(face, tmp_path))
    seen = set()
    for frame in data["frames"]:
        mask, image = picture(work, frame, "masks"), picture(work, frame)
        assert image.shape == (SIZE, SIZE, 4) and mask.shape == (SIZE, SIZE)
        seen |= set(np.unique(mask))
        covered = image[..., 3] > 127
        assert (covered == (mask > 0)).mean() > 0.97
        red = (image[..., 0] > 100) & (image[..., 1] < 60) & covered
        assert (mask[red] == 3).mean() > 0.8 if red.sum() > 20 else True
        rows = [np.flatnonzero(mask == region)[[0, -1]] // SIZE for region in (1, 4) if (mask == region).any()]
        assert len(rows) < 2 or rows[0][0] < rows[1][1], "hair above, neck below"
    assert seen == {0, 1, 2, 3, 4}


def test_transparent_cards_are_no_region(face, tmp_path):
    """A card of hair whose texture is empty hides nothing."""
    mesh = bpy.data.meshes.new("Card")
    mesh.from_pydata([(-1, -0.2, -1), (1, -0.2, -1), (1, -0.2, 1), (-1, -0.2, 1)], [], [(0, 1, 2, 3)])
    card = bpy.data.objects.new("Hair Card", mesh)
    card.parent = face
    material = bpy.data.materials.new("Hair")
    material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Alpha"].default_value = 0.1
    mesh.materials.append(material)
    bpy.context.scene.collection.objects.link(card)
    data, work = rendered(job_of(face, tmp_path))
    mask = picture(work, data["frames"][0], "masks")
    assert (mask == 1).mean() < 0.2 and (mask == 0).mean() > 0.3


def test_hair_of_particles_and_of_geometry_nodes_is_hair(face, tmp_path):
    """Neither carries the mesh's attributes: one grows with the skin's own material, the other is made anew."""
    bpy.context.view_layer.objects.active = face
    face.vertex_groups.clear()
    settings = face.modifiers.new("Fur", "PARTICLE_SYSTEM").particle_system.settings
    settings.type, settings.count, settings.hair_length, settings.material = "HAIR", 300, 0.06, 1
    settings.root_radius = settings.tip_radius = 1.0
    settings.radius_scale = 0.004
    quiff = bpy.data.objects.new("Hair", bpy.data.meshes.new("Quiff"))
    quiff.parent = face
    quiff.data.from_pydata([(0, 0, 0), (0.01, 0, 0), (0, 0, 0.01)], [], [(0, 1, 2)])
    quiff.location = (0.0, 0.0, 0.16)
    bpy.context.scene.collection.objects.link(quiff)
    tree = bpy.data.node_groups.new("Grow", "GeometryNodeTree")
    tree.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    cube, output = tree.nodes.new("GeometryNodeMeshCube"), tree.nodes.new("NodeGroupOutput")
    cube.inputs["Size"].default_value = (0.05,) * 3
    paint = tree.nodes.new("GeometryNodeSetMaterial")
    paint.inputs["Material"].default_value = tiny.shiny("Strands", BLUE)
    tree.links.new(cube.outputs["Mesh"], paint.inputs["Geometry"])
    tree.links.new(paint.outputs[0], output.inputs[0])
    quiff.modifiers.new("Grow", "NODES").node_group = tree
    data, work = rendered(job_of(face, tmp_path, head_object="Face"))
    project, quiffs = module("character.views").project, 0
    for row, frame in enumerate(data["frames"]):
        viewmat, K = np.reshape(data["viewmats"][row], (4, 4)), np.reshape(data["Ks"][row], (3, 3))
        x, y = project(np.array([[0.0, 0.0, 0.16]]), viewmat, K)[0].astype(int)
        mask = picture(work, frame, "masks")
        if 0 <= y < SIZE:
            quiffs += 1
            assert mask[y, x] == 1
        below = mask[max(0, y + SIZE // 4):]
        assert (below == 1).sum() > 30, "fur"
        assert (below == 2).sum() > 30, "skin between"
    assert quiffs >= 4


@pytest.mark.parametrize("engine", ["BLENDER_WORKBENCH", "BLENDER_EEVEE_NEXT"])
def test_other_engines_render_too(face, tmp_path, engine):
    bpy.context.scene.render.engine = engine
    bpy.context.scene.eevee.taa_render_samples = 1
    data, work = rendered(job_of(face, tmp_path, frames=8))
    assert data["engine"] == engine
    assert (picture(work, data["frames"][0])[..., 3] > 127).sum() > 200
    assert set(np.unique(picture(work, data["frames"][0], "masks"))) > {0, 2}


def test_it_goes_on_where_it_was_stopped(face, tmp_path):
    job = job_of(face, tmp_path)
    data, work = rendered(job)
    made = {path: path.stat().st_mtime_ns for path in sorted(work.glob("*/*.png"))}
    first, second = sorted(work.glob("frames/*.png"))[:2]
    lost = work / "masks" / first.name
    for path in (second, lost):
        path.unlink()
    (work / "character.json").rename(work / "plan.json")
    again, _ = rendered(job)
    assert again == data
    changed = {path for path, before in made.items() if path.stat().st_mtime_ns != before}
    assert changed == {second, lost}


def test_pictures_of_two_looks_are_not_mixed(face, tmp_path):
    job = job_of(face, tmp_path)
    data, work = rendered(job)
    lost = sorted(work.glob("frames/*.png"))[5]
    (work / "character.json").rename(work / "plan.json")
    lost.unlink()
    colour = face.data.materials["Skin"].node_tree.nodes["Emission"].inputs["Color"]
    colour.default_value[1] = 0.55
    error = failed(job_of(face, tmp_path))
    assert "looks different" in error["what"] and "begin anew" in error["todo"]
    assert not lost.exists() and not list(work.glob("frames/.*")), "nothing new and nothing left over"
    colour.default_value[1] = 0.5
    assert rendered(job_of(face, tmp_path))[0] == data


def test_parts_share_a_folder(face, tmp_path):
    job = job_of(face, tmp_path)
    assert run(job, "--part", "1/2")[-1]["whole"] is False
    work = tmp_path / "work"
    assert not (work / "character.json").exists() and len(list(work.glob("frames/*.png"))) == 4
    assert run(job, "--part", "2/2")[-1]["whole"] is True
    assert len(list(work.glob("frames/*.png"))) == len(list(work.glob("masks/*.png"))) == 8


def test_a_full_disk_is_told_and_a_later_try_goes_on(face, tmp_path):
    """Files larger than a limit cannot be written: the first picture breaks off, as on a disk that is full."""
    job = job_of(face, tmp_path, size=256)
    rendered_before = run(job, preexec_fn=lambda: _limit(8192))
    error = rendered_before[-1]
    assert error["type"] == "error" and error["code"] == "storage" and "goes on" in error["todo"]
    work = tmp_path / "work"
    assert not [path for path in work.rglob("*.png")], "no picture that is not whole"
    assert not (work / "character.json").exists()
    rendered(job)


def _limit(size):
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_keys_by_other_names_and_drivers(blender, tmp_path):
    """Drivers on our keys are set aside, a corrective that another key drives goes on."""
    face = tiny.build({"jawOpen": "Jaw_Open", "eyeBlinkLeft": "eyeBlink_L", "eyeBlinkRight": "eyeBlink_R"})
    face.shape_key_add(name="corrective").data[0].co.z += 0.05
    keys = face.data.shape_keys
    keys.key_blocks["Jaw_Open"].driver_add("value").driver.expression = "0.5"
    curve = keys.key_blocks["corrective"].driver_add("value")
    variable = curve.driver.variables.new()
    variable.name, variable.targets[0].id_type, variable.targets[0].id = "jaw", "KEY", keys
    variable.targets[0].data_path = 'key_blocks["Jaw_Open"].value'
    curve.driver.expression = "jaw"
    keys.key_blocks["eyeBlink_L"].mute = True
    keys.key_blocks["browInnerUp"].slider_max = 0.1
    data, work = rendered(job_of(face, tmp_path, frames=24, size=48))
    assert any("1 drivers" in text and "set aside" in text for text in data["warnings"])
    rows = np.array(data["expression"])
    assert rows[:, EXPRESSION_NAMES.index("browInnerUp")].max() == 1.0
    open_, shut = (int(np.abs(rows[:, EXPRESSION_NAMES.index("jawOpen")] - value).argmin()) for value in (1.0, 0.0))
    assert data["frames"][open_] != data["frames"][shut]


def test_what_has_no_shape_keys_is_told(blender, tmp_path):
    face = tiny.build()
    face.shape_key_clear()
    error = failed(job_of(face, tmp_path))
    assert "no shape key" in error["what"] and error["todo"]


def test_shapes_that_move_nothing_are_left_out(face, tmp_path):
    face.shape_key_add(name="tongueOut")
    data, _ = rendered(job_of(face, tmp_path, size=48))
    assert any("tongueOut" in text and "move nothing" in text for text in data["warnings"])
    assert np.array(data["expression"])[:, EXPRESSION_NAMES.index("tongueOut")].max() == 0.0


def test_a_mesh_in_pieces_with_loose_ends_renders(face, tmp_path):
    """Non-manifold: faces that share an edge three times, loose vertices and edges, no materials."""
    mesh = bpy.data.meshes.new("Mess")
    mesh.from_pydata([(0, 0, 0), (0.1, 0, 0), (0, 0, 0.1), (0, 0.1, 0.1), (0, -0.1, 0.1), (9, 9, 9)], [(0, 5)],
                     [(0, 1, 2), (0, 1, 3), (0, 1, 4), (1, 0, 2)])
    mess = bpy.data.objects.new("Mess", mesh)
    mess.parent = face
    bpy.context.scene.collection.objects.link(mess)
    empty = bpy.data.objects.new("Nothing", bpy.data.meshes.new("Nothing"))
    empty.parent = face
    bpy.context.scene.collection.objects.link(empty)
    data, _ = rendered(job_of(face, tmp_path, size=48))
    assert len(data["frames"]) == 8


def test_a_character_linked_from_a_library(blender, tmp_path):
    tiny.build()
    library = tiny.save(tmp_path)
    Path(library).rename(tmp_path / "library.blend")
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.context.scene.render.engine = "CYCLES"
    bpy.context.scene.cycles.samples = 1
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, wanted):
        wanted.objects = ["Face"]
    face = wanted.objects[0]
    bpy.context.scene.collection.objects.link(face)
    assert face.library is not None and face.data.library is not None
    data, work = rendered(job_of(face, tmp_path, size=48))
    assert np.array(data["expression"]).max() == 1.0
    assert set(np.unique([picture(work, frame, "masks") for frame in data["frames"]])) == {0, 1, 2, 3, 4}


def test_a_hidden_face_is_shown_and_other_things_are_not(face, tmp_path):
    face.hide_render = True
    bpy.ops.mesh.primitive_plane_add(size=50, location=(0, 0.3, 0), rotation=(math.pi / 2, 0, 0))
    data, work = rendered(job_of(face, tmp_path, objects=["Face"]))
    assert any("hidden" in text for text in data["warnings"])
    alpha = picture(work, data["frames"][0])[..., 3]
    assert 0.05 < (alpha > 127).mean() < 0.7, "the wall behind is not in the picture"


def test_a_head_that_no_camera_sees_is_told_before_anything_is_rendered(face, tmp_path):
    for key in list(face.data.shape_keys.key_blocks)[1:]:
        if key.name.startswith("eye"):
            face.shape_key_remove(key)
    far = bpy.data.objects.new("Far", None)
    far.location = (50.0, 0.0, 0.0)
    bpy.context.scene.collection.objects.link(far)
    error = failed(job_of(face, tmp_path, head_object="Far"))
    assert "outside" in error["what"]
    assert "eye" in failed(job_of(face, tmp_path))["what"]


@pytest.mark.parametrize("scale", [1.0, 10.0, 0.01])
def test_the_heads_frame_is_found_from_its_face(face, tmp_path, scale):
    """Whatever the character's size, place and turn: metres, origin between the ears, face towards -y."""
    face.scale, face.location, face.rotation_euler = (scale,) * 3, (1.0, 2.0, 3.0), (0.0, 0.0, 2.0)
    data, work = rendered(job_of(face, tmp_path, size=48))
    places = np.array([np.reshape(v, (4, 4)) for v in data["viewmats"]])
    away = np.array([-v[:3, :3].T @ v[:3, 3] for v in places])
    assert (away[:, 1] < -0.1).all() and np.linalg.norm(away, axis=1).max() < 2.0
    assert (picture(work, data["frames"][0], "masks") == 2).mean() > 0.1
    assert any("person's size" in text for text in data["warnings"]) == (scale != 1.0)


def test_the_file_itself_is_never_written(face, tmp_path):
    job = job_of(face, tmp_path, size=48)
    blend = Path(json.loads(job.read_text())["blend"])
    before = blend.read_bytes()
    rendered(job)
    assert blend.read_bytes() == before and not list(tmp_path.glob("*.blend1"))


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"format": "emosplat-character-job", "version": 1}', None])
def test_a_job_that_is_none_is_told(blender, tmp_path, content):
    path = tmp_path / "job.json"
    if content is not None:
        path.write_text(content)
    assert failed(path)["what"].startswith(str(path))


def test_a_rendering_is_followed_and_cancelled_at_once(face, tmp_path):
    job = job_of(face, tmp_path, frames=200)
    rendering = module("character.process").Rendering(job, json.loads(job.read_text())["blend"])
    while rendering.stage != "render" or rendering.done < 2:
        assert not rendering.poll()
        time.sleep(0.05)
    assert rendering.total == 200 and rendering.eta > 0
    started = time.monotonic()
    rendering.stop()
    assert time.monotonic() - started < 5.0
    made = list((tmp_path / "work" / "frames").glob("[!.]*.png"))
    assert made and all(module("character.work").is_whole_png(path) for path in made)
    assert not os.path.exists(tmp_path / "work" / "character.json")

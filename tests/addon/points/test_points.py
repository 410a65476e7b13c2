# SPDX-License-Identifier: GPL-3.0-or-later
"""Splat points, as an animator meets them."""

import bpy
import numpy as np
import pytest
from mathutils import Matrix, Quaternion, Vector

from tests.addon.extension import module, strips
from tests.addon.fake_clip import write_clip


def points_of(head):
    return module("points.importing").own_points(head)


def drawn(thing, attribute="", width=1):
    """Corners (C, 3) that the viewport gets of an object, or an attribute of theirs."""
    depsgraph = bpy.context.evaluated_depsgraph_get()
    mesh = thing.evaluated_get(depsgraph).to_mesh()
    if attribute:
        data = mesh.attributes[attribute].data
        values = np.empty(len(data) * width, np.float32)
        data.foreach_get({1: "value", 3: "vector", 4: "color"}[width], values)
        return values.reshape(len(data), width)
    places = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", places)
    return places.reshape(-1, 3)


def tiles(thing):
    """(N, 4, 3) corners of the tiles; the first vertex is no tile's."""
    return drawn(thing)[1:].reshape(-1, 4, 3)


def set_input(thing, name, value):
    module("compat").set_modifier_input(thing.modifiers["Splats"], name, value)
    thing.update_tag()


@pytest.fixture
def points(head):
    assert bpy.ops.emosplat.bake_points() == {"FINISHED"}
    return points_of(head)


def test_a_bake_makes_one_mesh_below_the_head(head, points):
    mesh = points.data
    assert points.parent == head and len(mesh.vertices) == 40
    assert [block.name for block in mesh.shape_keys.key_blocks] == ["Rest", "Movement 01", "Movement 02"]
    kinds = {name: mesh.attributes[name].data_type for name in ("Color", "opacity", "size", "rotation", "uncertainty")}
    assert kinds == {"Color": "FLOAT_COLOR", "opacity": "FLOAT", "size": "FLOAT_VECTOR", "rotation": "QUATERNION",
                     "uncertainty": "FLOAT"}
    assert points.modifiers["Splats"].node_group and len(strips(bpy.context.scene)) == 1


def test_points_are_where_the_clip_has_them_between_frames_too(head, points):
    scene = bpy.context.scene
    for frame, subframe in ((1, 0.0), (15, 0.0), (15, 0.5), (30, 0.0), (200, 0.0)):
        scene.frame_set(frame, subframe=subframe)
        lift = 0.01 * min((frame + subframe - 1) / 29, 1)
        assert tiles(points).mean(axis=(0, 1))[2] == pytest.approx(0.02 + lift, abs=1e-5)


@pytest.mark.parametrize("first", [-12, -9])  # one ends at 0
def test_a_start_and_a_range_place_the_keys(head, first):
    head.emosplat.start_frame, head.emosplat.use_range = -20, True
    head.emosplat.first, head.emosplat.last = first, first + 9
    bpy.ops.emosplat.bake_points()
    keys = points_of(head).data.shape_keys
    curves = list(module("compat").curves_of(keys.animation_data.action, keys))
    assert [len(curve.keyframe_points) for curve in curves] == [10, 10]
    assert curves[0].keyframe_points[0].co[:] == pytest.approx((first, (first + 20) / 29))
    assert {point.interpolation for point in curves[0].keyframe_points} == {"LINEAR"}


def test_splats_turn_with_their_points(head, points):
    """The second shape turns the sheet: the tiles follow it, and so they do an animator's armature or lattice."""
    head.emosplat.emotion_happy = 0.5
    bpy.ops.emosplat.bake_points()
    normals = np.cross(*(tiles(points)[:, k] - tiles(points)[:, 0] for k in (1, 2)))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    expected = Vector((-0.5, 1, 0)).normalized()
    assert np.abs(np.abs(normals @ np.array(expected)) - 1).max() < 1e-3


def test_baking_again_keeps_what_the_animator_did(head, points):
    mesh, material, action = points.data, points.data.materials[0], points.data.shape_keys.animation_data.action
    points.modifiers.new("Mine", "SIMPLE_DEFORM")
    points.modifiers.move(1, 0)
    own = points.shape_key_add(name="Sculpt", from_mix=False)
    own.data[3].co.z += 1
    own.keyframe_insert("value", frame=7)
    points.location.x, material.name, mesh["note"] = 0.3, "Skin", "mine"
    set_input(points, "Size", 2.0)
    head.emosplat.emotion_happy = 0.8
    head.emosplat_points.error = 0.05
    bpy.ops.emosplat.bake_points()
    assert points_of(head) == points and points.data == mesh and mesh.materials[:] == [material]
    assert points.modifiers.keys() == ["Mine", "Splats"] and points.location.x == pytest.approx(0.3)
    assert mesh.shape_keys.key_blocks.keys() == ["Rest", "Movement 01", "Movement 02", "Sculpt", "Movement 03"]
    assert mesh.shape_keys.animation_data.action == action and len(bpy.data.actions) == 1
    curves = {curve.data_path: curve for curve in module("compat").curves_of(action, mesh.shape_keys)}
    assert len(curves) == 4 and len(curves['key_blocks["Sculpt"].value'].keyframe_points) == 1
    bpy.context.scene.frame_set(5)
    assert mesh.shape_keys.key_blocks["Movement 02"].value == pytest.approx(0.8)
    assert len(bpy.data.node_groups) == 1 and len(bpy.data.meshes) == 1
    head.emosplat_points.error = 0.2
    bpy.ops.emosplat.bake_points()
    assert [b.name for b in mesh.shape_keys.key_blocks] == ["Rest", "Movement 01", "Movement 02", "Sculpt"]


def test_an_action_in_an_nla_strip_is_baked_anew_there(head, points):
    keys = points.data.shape_keys
    animation, action = keys.animation_data, keys.animation_data.action
    track = animation.nla_tracks.new()
    strip = track.strips.new("Line", 1, action)
    if hasattr(strip, "action_slot"):
        strip.action_slot = action.slots[0]
    strip.influence, strip.use_animated_influence = 0.5, True
    animation.action = None
    head.emosplat.emotion_happy = 0.8
    bpy.ops.emosplat.bake_points()
    assert animation.action is None and animation.nla_tracks[0].strips[0].action == action
    assert len(bpy.data.actions) == 1 and strip.influence == 0.5
    curves = {curve.data_path: curve for curve in module("compat").curves_of(action, keys)}
    assert curves['key_blocks["Movement 02"].value'].evaluate(4) == pytest.approx(0.8)


def test_another_number_of_points_is_told(head, points):
    head.emosplat.head = "small"
    bpy.ops.emosplat.bake_points()
    assert points_of(head) == points and len(points.data.vertices) == 16 and len(tiles(points)) == 16
    assert any("number of points changed" in message.what for message in module("running").messages())


def test_density_thins_the_viewport_and_grows_what_stays(head, points):
    def side():
        corners = tiles(points)
        return np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1).mean()

    count, before = len(tiles(points)), side()
    set_input(points, "Preview Density", 0.25)
    left = len(tiles(points))
    assert 2 <= left <= 0.5 * count and side() == pytest.approx(2 * before, rel=1e-4)
    set_input(points, "Opacity Cut-off", 0.95)
    assert not len(drawn(points)[1:])


def test_size_and_colours(head, points):
    before = np.ptp(tiles(points)[0], axis=0).max()
    set_input(points, "Size", 1.5)
    assert np.ptp(tiles(points)[0], axis=0).max() == pytest.approx(1.5 * before, rel=1e-4)
    colors = []
    for choice in range(3):
        set_input(points, "Color", choice)
        colors.append(drawn(points, "Color", 4)[1:].reshape(40, 4, 4)[:, 0, :3])
    np.testing.assert_allclose(colors[0][3], [0.6, 0.13, 3 / 8], atol=1e-5)
    assert len(np.unique(colors[1].round(4), axis=0)) == 2
    assert colors[2][0, 2] > colors[2][0, 0] and colors[2][-1, 0] > colors[2][-1, 2]


def test_every_menu_offers_its_items(points):
    sockets = points.modifiers["Splats"].node_group.interface.items_tree
    for name, items in module("points.nodes").MENUS.items():
        for item in items:
            sockets[name].default_value = item  # raises where the menu lacks it


def test_splats_fade_from_their_middle(head, points):
    set_input(points, "Viewport", 1)
    unit = drawn(points, "splat_unit", 3)[1:]
    reach = np.sqrt(2 * np.log(0.9 / 0.01))
    np.testing.assert_allclose(np.abs(unit), [[reach, reach, 0]] * len(unit), rtol=1e-4)
    places = drawn(points)[1:].reshape(-1, 4, 3)
    np.testing.assert_allclose(np.linalg.norm(places[:, 3] - places[:, 0], axis=1), 0.004 * reach * 8**0.5, rtol=1e-3)


@pytest.mark.parametrize("mode", [0, 1])
def test_corners_carry_what_is_drawn_and_nothing_else(points, mode):
    """Each attribute would cost time at four corners of every splat, on every frame."""
    set_input(points, "Viewport", mode)
    mesh = points.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    assert not set(mesh.attributes.keys()) & (set(module("points.mesh").ATTRIBUTES) - {"Color"})
    assert mesh.attributes.active_color.name == "Color"


def test_the_sound_goes_where_it_is_wanted(head, audio):
    scene = bpy.context.scene
    head.emosplat_points.sound, head.emosplat.start_frame = "SPEAKER", 11
    bpy.ops.emosplat.bake_points()
    speaker, = (thing for thing in scene.objects if thing.type == "SPEAKER")
    strip = speaker.animation_data.nla_tracks[0].strips[0]
    assert speaker.data.sound == head.emosplat.audio and speaker.parent == head and strip.frame_start == 11
    assert not strips(scene) and bpy.context.object == head and scene.frame_current == 1
    head.emosplat.start_frame = 3
    bpy.ops.emosplat.bake_points()
    assert strip.frame_start == 3 and sum(thing.type == "SPEAKER" for thing in scene.objects) == 1
    head.emosplat_points.sound = "STRIP"
    bpy.ops.emosplat.bake_points()
    assert len(strips(scene)) == 1 and not any(thing.type == "SPEAKER" for thing in scene.objects)


def test_two_heads_share_nothing(head, points, audio):
    bpy.ops.emosplat.add_head()
    bpy.ops.emosplat.choose_audio(filepath=str(audio))
    bpy.ops.emosplat.bake_points()
    other = points_of(bpy.data.objects["Head.001"])
    assert other != points and points_of(head) == points
    for pick in (
        lambda thing: thing.data, lambda thing: thing.data.materials[0], lambda thing: thing.data.shape_keys,
        lambda thing: thing.data.shape_keys.animation_data.action, lambda thing: thing.modifiers["Splats"].node_group,
    ):
        assert pick(points) != pick(other)
    assert len(bpy.data.materials) == len(bpy.data.node_groups) == len(bpy.data.actions) == 2


def test_a_picture_strip_or_plane_leaves_the_points_alone(head, points):
    head.emosplat.output = "PLANE"
    bpy.ops.emosplat.generate()
    head.emosplat.output = "STRIP"
    bpy.ops.emosplat.import_again()
    assert points_of(head) == points


def test_selected_points_show_their_head(head, points):
    bpy.ops.emosplat.select_points()
    assert bpy.context.object == points and module("heads").active_head(bpy.context) == head


def test_points_are_no_face_to_bake_shape_keys_on(head, points, tmp_path):
    write_clip(tmp_path / "a.emoclip", 24, [[0.0, 0.0], [1.0, 0.5]], "25")
    bpy.ops.emosplat.import_points(filepath=str(tmp_path / "a.emoclip"), use_head=False)
    lone = next(thing for thing in bpy.context.scene.objects if thing.name.startswith("Sheet"))
    setup = module("rigs.setup")
    for thing in (points, lone):
        bpy.context.view_layer.objects.active = thing
        assert setup.active_face(bpy.context) is None and not bpy.ops.emosplat.bake_take.poll()
    mesh = bpy.data.objects.new("Face", bpy.data.meshes.new("Face"))
    bpy.context.scene.collection.objects.link(mesh)
    for name in ("Basis", "jawOpen"):
        mesh.shape_key_add(name=name)
    bpy.context.view_layer.objects.active = mesh
    assert setup.active_face(bpy.context) == mesh


def test_append_and_link(head, points, tmp_path):
    library = str(tmp_path / "library.blend")
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_empty=True)
    for link in (False, True):
        with bpy.data.libraries.load(library, link=link) as (_, wanted):
            wanted.objects = ["Head Points"]
        thing = wanted.objects[0]
        bpy.context.scene.collection.objects.link(thing)
        bpy.context.scene.frame_set(15)
        assert tiles(thing).mean(axis=(0, 1))[2] == pytest.approx(0.02 + 0.01 * 14 / 29, abs=1e-5)
        assert (thing.library is not None) == link and thing.parent.emosplat.enabled
    head = next(thing for thing in bpy.data.objects if thing.library and thing.emosplat.enabled)
    with pytest.raises(module("problem").Problem, match="linked"):
        module("points.importing").require_free(head)


def test_undo_takes_the_points_back_and_keeps_the_head(head):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.emosplat.bake_points()
    bpy.ops.ed.undo_push(message="baked")
    bpy.ops.ed.undo()
    head = bpy.data.objects["Head"]
    assert points_of(head) is None
    bpy.ops.ed.redo()
    assert points_of(bpy.data.objects["Head"]) is not None


def test_an_imported_clip_twice(head, tmp_path):
    path = str(tmp_path / "a.emoclip")
    write_clip(path, 24, [[0.0, 0.0], [1.0, 0.5]], "25")
    for _ in range(2):
        bpy.ops.emosplat.import_points(filepath=path)
        assert len(points_of(head).data.vertices) == 24 and len(bpy.data.meshes) == 1
    bpy.ops.emosplat.import_points(filepath=path, use_head=False)
    bpy.ops.emosplat.import_points(filepath=path, use_head=False)
    lone = [thing for thing in bpy.context.scene.objects if thing.name.startswith("Sheet Points")]
    assert len(lone) == 2 and lone[0].data != lone[1].data and lone[0].parent is None


def test_a_ply_stands_by_itself(blender, tmp_path):
    (tmp_path / "rock.ply").write_bytes(b"ply")
    bpy.ops.emosplat.import_points(filepath=str(tmp_path / "rock.ply"), upright="MINUS_Y")
    thing, = bpy.context.scene.objects
    assert thing.data.shape_keys is None and len(tiles(thing)) == 40 and not bpy.data.actions
    up = thing.matrix_basis.to_quaternion() @ Vector((0, -1, 0))
    assert up.z == pytest.approx(1, abs=1e-5)


def test_points_follow_a_moved_head_and_a_lattice(head, points):
    head.matrix_world = Matrix.LocRotScale((1, 2, 3), Quaternion((0, 0, 1), 0.5), (2, 2, 2))
    bpy.context.view_layer.update()
    assert points.matrix_world.translation == head.matrix_world.translation
    lattice = bpy.data.objects.new("Lattice", bpy.data.lattices.new("Lattice"))
    bpy.context.scene.collection.objects.link(lattice)
    modifier = points.modifiers.new("Lattice", "LATTICE")
    modifier.object = lattice
    points.modifiers.move(1, 0)
    lattice.matrix_world = points.matrix_world
    before = tiles(points)
    for point in lattice.data.points:
        point.co_deform.z += 0.3
    lattice.data.update_tag()
    bpy.context.view_layer.update()
    moved = tiles(points) - before
    assert moved[..., 2].min() > 0.2 and np.ptp(moved[..., 2]) < 1e-4

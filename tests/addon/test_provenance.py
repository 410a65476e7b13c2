# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender renders of a talking head says that it is synthetic; nothing else does."""

import os

import bpy
import pytest
from PIL import Image

from engine.protocol.provenance import PNG_KEYWORD, XMP
from tests.addon.extension import module

av = pytest.importorskip("av")


@pytest.fixture
def scene(blender, tmp_path):
    """Two frames of a scene with a thing that the add-on made, rendered to `r`."""
    scene = bpy.context.scene
    camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    thing = bpy.data.objects.new("Points", bpy.data.meshes.new("Points"))
    thing["emosplat_points_of"] = camera
    for made in (camera, thing):
        scene.collection.objects.link(made)
    scene.camera, scene.frame_start, scene.frame_end = camera, 3, 4
    scene.render.engine, scene.cycles.samples = "CYCLES", 1
    scene.render.filepath = str(tmp_path / "r")
    return scene


def film(scene, container):
    if "media_type" in scene.render.image_settings.bl_rna.properties:
        scene.render.image_settings.media_type = "VIDEO"
    scene.render.image_settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format = container


def xmp_of(path):
    with av.open(str(path), options={"export_xmp": "1"}) as container:
        assert sum(1 for _ in container.decode(video=0)) == 2
        return container.metadata.get("xmp")


def test_pictures_are_marked(scene, tmp_path):
    bpy.ops.render.render(animation=True)
    pictures = sorted(tmp_path.glob("r*.png"))
    assert [path.name for path in pictures] == ["r0003.png", "r0004.png"]
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
            assert picture.text[PNG_KEYWORD] == XMP
    assert not list(tmp_path.glob(".*"))


def test_a_single_picture_is_marked(scene, tmp_path):
    bpy.ops.render.render(write_still=True)
    with Image.open(tmp_path / "r.png") as picture:
        assert picture.text[PNG_KEYWORD] == XMP


@pytest.mark.parametrize("name", ["r.png", "r.v2", "r.v2.PNG", "r.jpg", "r"])
@pytest.mark.parametrize("extension", [True, False])
def test_a_single_picture_is_marked_whatever_its_name(scene, tmp_path, name, extension):
    """Former renders of like names lie beside it, and stay as they are."""
    former = [tmp_path / other for other in ("r0001.png", "r.png.png", "r.v2.png.png")]
    for path in former:
        Image.new("RGB", (4, 4)).save(path)
        os.utime(path, (1e9, 1e9))
    scene.render.filepath, scene.render.use_file_extension = str(tmp_path / name), extension
    bpy.ops.render.render(write_still=True)
    written, = set(tmp_path.iterdir()) - set(former)
    with Image.open(written) as picture:
        assert picture.text[PNG_KEYWORD] == XMP
    assert all(PNG_KEYWORD not in Image.open(path).text for path in former)


@pytest.mark.parametrize("container", ["MPEG4", "QUICKTIME"])
def test_films_are_marked_once_and_still_play(scene, tmp_path, container):
    film(scene, container)
    bpy.ops.render.render(animation=True)
    path, = tmp_path.glob("r*")
    assert xmp_of(path) == XMP
    size = path.stat().st_size
    module("provenance").mark_film(path)
    assert path.stat().st_size == size


@pytest.mark.parametrize("why", ["no head", "not wanted"])
def test_nothing_else_is_marked(scene, blender, tmp_path, why):
    if why == "no head":
        del bpy.data.objects["Points"]["emosplat_points_of"]
    else:
        blender.mark_synthetic = False
    bpy.ops.render.render(write_still=True)
    film(scene, "MPEG4")
    bpy.ops.render.render(animation=True)
    with Image.open(tmp_path / "r.png") as picture:
        assert PNG_KEYWORD not in picture.text
    assert xmp_of(next(tmp_path.glob("r*.mp4"))) is None


def test_what_is_no_film_is_left_alone(blender, tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"this is no film at all, only some text")
    with pytest.raises(ValueError, match="no MPEG-4"):
        module("provenance").mark_film(path)
    assert path.read_bytes() == b"this is no film at all, only some text"

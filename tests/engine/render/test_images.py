# SPDX-License-Identifier: GPL-3.0-or-later
import errno
import io
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from engine.errors import StorageError
from engine.files import require_space, whole_file
from engine.protocol.provenance import PNG_KEYWORD, XMP, marked_png
from engine.render.images import straight_rgba8, write_exr, write_png


def test_premultiplied_becomes_straight():
    colors = np.array([[[0.25, 0.0, 0.5], [0.0, 0.0, 0.0]]], np.float32)
    alphas = np.array([[[0.5], [0.0]]], np.float32)
    assert straight_rgba8(colors, alphas).tolist() == [[[128, 0, 255, 128], [0, 0, 0, 0]]]


def test_png_comes_back(tmp_path):
    rgba = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    write_png(tmp_path / "a.png", rgba)
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "a.png")), rgba)


def test_every_picture_says_that_it_is_synthetic(tmp_path):
    write_png(tmp_path / "a.png", np.zeros((4, 4, 4), np.uint8))
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.text[PNG_KEYWORD] == XMP
    packet = ElementTree.fromstring(XMP.encode())
    found = packet.find(".//{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType")
    assert found.text == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def test_a_png_is_marked_once(tmp_path):
    rgba = np.random.default_rng(0).integers(0, 256, (9, 7, 4), dtype=np.uint8)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    marked = marked_png((tmp_path / "a.png").read_bytes())
    assert marked_png(marked) == marked
    with Image.open(io.BytesIO(marked)) as picture:
        picture.verify()
    with Image.open(io.BytesIO(marked)) as picture:
        assert picture.text[PNG_KEYWORD] == XMP
        np.testing.assert_array_equal(np.array(picture), rgba)
    with pytest.raises(ValueError, match="no PNG"):
        marked_png(b"not a picture")


def test_depth_comes_back_exactly(tmp_path):
    import av

    depth = np.random.default_rng(0).uniform(0.1, 3, (33, 47)).astype(np.float32)
    depth[0, 0] = 1e10
    write_exr(tmp_path / "a.exr", depth)
    with av.open(str(tmp_path / "a.exr")) as file:
        frame = next(file.decode(video=0))
    plane = np.frombuffer(bytes(frame.planes[0]), np.float32).reshape(33, -1)[:, :47]
    np.testing.assert_array_equal(plane, depth)


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "full"), (errno.EACCES, "may not be written")])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, number, words):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(StorageError, match=words):
        with whole_file(target) as part:
            part.write_text("half")
            raise OSError(number, "no")
    assert target.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_too_little_space_is_said_before_work_begins(tmp_path):
    with pytest.raises(StorageError, match="MB free"):
        require_space(tmp_path / "not" / "there", 10**18)

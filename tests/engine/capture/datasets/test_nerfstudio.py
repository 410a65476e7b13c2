# SPDX-License-Identifier: GPL-3.0-or-later
"""nerfstudio's transforms.json with several cameras become captures whose cameras see what they saw."""

import json

import numpy as np
import pytest
from PIL import Image
from written_sets import DOTS, NerfstudioSet, dot_in, draw_dot, rotation

from engine.capture.capture import Capture
from engine.capture.datasets.convert import capture_data_set, is_data_set
from engine.capture.storage import load_capture, read_picture, verify
from engine.capture.transforms import transforms_json
from engine.errors import FormatError, InputError
from engine.protocol import CaptureJob
from engine.report import Report

pytestmark = pytest.mark.usefixtures("no_model")


def make(source, tmp_path, size=160, **job):
    folder = capture_data_set(CaptureJob(str(source), str(tmp_path / "capture"), size=size, **job), Report())
    assert verify(folder) == []
    return folder, load_capture(folder)


def seen_at(capture: Capture, row: int, point: np.ndarray) -> np.ndarray:
    x, y, z = (capture.viewmats[row].astype(float) @ [*point, 1])[:3]
    K = capture.Ks[row].astype(float)
    return np.array([K[0, 0] * x / z + K[0, 2], K[1, 1] * y / z + K[1, 2]])


def test_pictures_keep_their_aspect_and_intrinsics_scale_with_them(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig")
    _, capture = make(rig.folder, tmp_path, 80)
    assert (capture.width, capture.height) == (80, 60)
    assert capture.cameras.tolist() == [0, 0, 1, 1, 2, 2] and capture.frames.tolist() == [0, 3] * 3
    np.testing.assert_allclose(capture.Ks[2], [[105.5, 0, 41], [0, 102.5, 28.5], [0, 0, 1]])


@pytest.mark.parametrize("size", [80, 160, 240])
def test_a_world_that_is_the_heads_is_kept_exactly(tmp_path, size):
    rig = NerfstudioSet(tmp_path / "rig", emosplat_world="head")
    folder, capture = make(rig.folder, tmp_path, size)
    for row, entry in enumerate(rig.entries):
        place = seen_at(capture, row, DOTS[entry["camera_index"]])
        np.testing.assert_allclose(place, rig.pixel(entry, DOTS[entry["camera_index"]]) * size / 160, atol=0.01)
        picture, _ = read_picture(folder, capture, row)
        np.testing.assert_allclose(dot_in(picture), place, atol=0.15)


def test_without_a_face_the_cameras_say_where_the_head_is(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig", cameras=3)
    _, capture = make(rig.folder, tmp_path)
    assert any("No face of rig could be followed" in warning for warning in capture.warnings)
    # Whatever frame was chosen, it is a similarity of the world: all cameras agree on a known point's place.
    rows = [0, 2, 4]
    for camera in range(3):
        rays, ends = [], []
        for row in rows:
            entry = rig.entries[row]
            pixel = rig.pixel(entry, DOTS[camera])
            view, K = capture.viewmats[row].astype(float), capture.Ks[row].astype(float)
            ray = view[:3, :3].T @ [(pixel[0] - K[0, 2]) / K[0, 0], (pixel[1] - K[1, 2]) / K[1, 1], 1]
            rays.append(ray / np.linalg.norm(ray))
            ends.append(-view[:3, :3].T @ view[:3, 3])
        across = [np.eye(3) - np.outer(ray, ray) for ray in rays]
        meet = np.linalg.solve(sum(across), sum(a @ end for a, end in zip(across, ends)))
        assert max(np.linalg.norm(a @ (meet - end)) for a, end in zip(across, ends)) < 1e-4
    # The middle camera looks at the face from the front (-y), upright.
    front = -capture.viewmats[2, :3, :3].T @ capture.viewmats[2, :3, 3]
    assert front[1] < -0.7 and capture.viewmats[2, 1, 2] < -0.9


def test_a_capture_comes_back_as_it_was(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig", cameras=3)
    folder, capture = make(rig.folder, tmp_path)
    again = tmp_path / "again"
    again.mkdir()
    (folder / "frames").rename(again / "frames")
    (again / "transforms.json").write_text("".join(transforms_json(capture)))
    _, back = make(again, tmp_path / "b")
    for name in ("viewmats", "Ks"):
        np.testing.assert_allclose(getattr(back, name), getattr(capture, name), atol=1e-5)
    for name in ("cameras", "frames", "test"):
        np.testing.assert_array_equal(getattr(back, name), getattr(capture, name))


def test_masks_say_where_the_person_is(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig", cameras=1, times=2, alpha=False)
    mask = np.zeros((60, 80), np.uint8)
    mask[20:40, 30:50] = 255
    Image.fromarray(mask).save(rig.folder / "person.png")  # half the pictures' size
    rig.entries[0]["mask_path"] = rig.entries[1]["fg_mask_path"] = "person.png"
    rig.write()
    folder, capture = make(rig.folder, tmp_path)
    want = np.zeros((120, 160), bool)
    want[40:80, 60:100] = True
    for row in range(2):
        np.testing.assert_array_equal(read_picture(folder, capture, row)[1] > 0, want)


def test_alpha_is_kept_and_is_a_mask(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig", cameras=1, times=1)
    folder, capture = make(rig.folder, tmp_path)
    picture, mask = read_picture(folder, capture, 0)
    assert picture.shape == (120, 160, 4) and not picture[:9, :, 3].any() and picture[11:, :, 3].all()
    assert not mask[:10].any() and mask[10:].all()


@pytest.mark.parametrize(("yaw", "above", "line"), [(np.pi, 1, [0, 0.03, -0.07]), (0.0, 2, [0, -0.09, -0.12])])
def test_a_head_without_a_face_is_parted_by_its_place(tmp_path, yaw, above, line):
    rig = NerfstudioSet(tmp_path / "rig", cameras=1, times=1)
    pose = np.eye(4)
    pose[:3, :3] = rotation(2, yaw) @ rotation(0, np.pi / 2)
    pose[:3, 3] = rotation(2, yaw) @ [0, -0.9, 0]
    rig.entries[0]["transform_matrix"] = pose.tolist()
    rig.write(emosplat_world="head")
    folder, capture = make(rig.folder, tmp_path)
    mask = read_picture(folder, capture, 0)[1]
    row = rig.pixel(rig.entries[0], np.array(line))[1]
    np.testing.assert_array_equal(mask[10 : int(row - 0.5)], above)  # the set's own alpha ends at 10
    np.testing.assert_array_equal(mask[int(row + 1.5) :], 4)
    assert not mask[:10].any()


def test_nothing_to_tell_the_head_from_the_rest(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig", alpha=False)
    with pytest.raises(InputError, match="No face was found in 6 pictures"):
        make(rig.folder, tmp_path)
    assert not (tmp_path / "capture").exists()


def test_a_lens_is_taken_out(tmp_path):
    """A dot drawn where a lens with known k1, k2 shows it comes to lie where a pinhole has it."""
    rig = NerfstudioSet(tmp_path / "rig", cameras=1, times=1, alpha=False, emosplat_world="head")
    entry = rig.entries[0]
    point = np.array([0.14, 0.0, 0.12])
    pixel = rig.pixel(entry, point)
    k1, k2 = -1.5, 0.4
    x, y = (pixel[0] - entry["cx"]) / entry["fl_x"], (pixel[1] - entry["cy"]) / entry["fl_y"]
    bend = 1 + k1 * (x * x + y * y) + k2 * (x * x + y * y) ** 2
    bent = np.array([x * bend * entry["fl_x"] + entry["cx"], y * bend * entry["fl_y"] + entry["cy"]])
    assert np.linalg.norm(bent - pixel) > 1
    Image.fromarray(draw_dot(*bent, 160, 120)).save(rig.folder / entry["file_path"])
    Image.new("L", (160, 120), 255).save(rig.folder / "all.png")
    entry.update(k1=k1, k2=k2, mask_path="all.png")
    rig.write(emosplat_world="head")
    folder, capture = make(rig.folder, tmp_path)
    np.testing.assert_allclose(seen_at(capture, 0, point), pixel, atol=0.01)
    np.testing.assert_allclose(dot_in(read_picture(folder, capture, 0)[0]), pixel, atol=0.1)


def test_shared_intrinsics_angles_and_names_without_suffix(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig", cameras=2, times=1)
    for entry in rig.entries:
        for name in ("fl_x", "fl_y", "cx", "cy", "w", "h", "camera_index", "timestep_index"):
            del entry[name]
        entry["file_path"] = "./" + entry["file_path"].removesuffix(".png")
    rig.write(camera_angle_x=2 * np.arctan(80 / 250))
    _, capture = make(rig.folder, tmp_path)
    np.testing.assert_allclose(capture.Ks[0], [[250, 0, 80], [0, 250, 60], [0, 0, 1]], rtol=1e-6)
    # Nothing says which camera it was or when: every picture is a moment of its own.
    assert capture.cameras.tolist() == [0, 0] and capture.frames.tolist() == [0, 1]


def test_times_and_named_cameras(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig", cameras=2, times=2)
    for entry in rig.entries:
        entry["time"] = 0.25 + 0.5 * (entry.pop("timestep_index") > 0)
        entry["camera_id"] = f"cam{9 - entry.pop('camera_index')}"
    rig.write()
    _, capture = make(rig.folder, tmp_path, fps="30")
    assert capture.frames.tolist() == [0, 1, 0, 1] and capture.fps == 30
    assert capture.Ks[0, 0, 0] == 211  # cam8 comes before cam9
    for entry in rig.entries:
        del entry["camera_id"]
    rig.write()
    _, capture = make(rig.folder, tmp_path / "b")
    assert capture.Ks[:, 0, 0].tolist() == [210, 210, 211, 211]  # of one time by name


def test_who_is_held_out(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig", cameras=2, times=2)
    names = [entry["file_path"] for entry in rig.entries]
    rig.write(train_filenames=names[:3], val_filenames=names[3:], test_filenames=[])
    _, capture = make(rig.folder, tmp_path)
    assert capture.test.tolist() == [False, False, False, True]
    for name, entries in (("train", rig.entries[:2]), ("test", rig.entries[2:])):
        (rig.folder / f"transforms_{name}.json").write_text(json.dumps({"frames": entries}))
    (rig.folder / "transforms.json").unlink()
    assert is_data_set(rig.folder)
    _, capture = make(rig.folder, tmp_path / "b")
    assert capture.test.tolist() == [False, False, True, True]


def test_pictures_of_two_aspects_share_a_canvas(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig", cameras=2, times=1, emosplat_world="head")
    entry = rig.entries[1]
    entry.update(w=120, h=160, cx=57.0, cy=82.0)
    image = draw_dot(*rig.pixel(entry, DOTS[1]), 120, 160)
    Image.fromarray(np.dstack([image, np.full((160, 120), 255, np.uint8)])).save(rig.folder / entry["file_path"])
    rig.write(emosplat_world="head")
    folder, capture = make(rig.folder, tmp_path)
    assert (capture.width, capture.height) == (160, 160)
    for row, entry in enumerate(rig.entries):
        picture, mask = read_picture(folder, capture, row)
        np.testing.assert_allclose(seen_at(capture, row, DOTS[row]), rig.pixel(entry, DOTS[row]), atol=0.01)
        np.testing.assert_allclose(dot_in(picture), rig.pixel(entry, DOTS[row]), atol=0.1)
        assert not mask[entry["h"] :].any() and not mask[:, entry["w"] :].any()


@pytest.mark.parametrize(
    "changes",
    [
        {"file_path": "../outside.png"}, {"file_path": "/etc/hostname"}, {"file_path": "images/../../outside.png"},
        {"file_path": "C:\\..\\..\\outside.png"}, {"file_path": ""}, {"file_path": "images/none.png"},
        {"mask_path": "../outside.png"}, {"mask_path": "none.png"}, {"mask_path": 5}, {"transform_matrix": None},
        {"transform_matrix": [[float("inf")] * 4] * 4}, {"transform_matrix": [[10**400] * 4] * 4}, {"fl_x": -1},
        {"fl_x": float("nan")}, {"cx": 1e9}, {"w": 0}, {"w": 120.5}, {"w": 30}, {"k1": "a"}, {"k4": 0.1},
        {"camera_index": 0}, {"timestep_index": -1}, {"timestep_index": 10**9}, {"camera_model": "OPENCV_FISHEYE"},
    ],
)
def test_damaged_entries_are_one_sentence(tmp_path, changes):
    Image.new("RGBA", (160, 120)).save(tmp_path / "outside.png")
    rig = NerfstudioSet(tmp_path / "rig")
    rig.entries[-1].update(changes)
    if "camera_index" in changes:
        rig.entries[-1]["timestep_index"] = 0
    rig.write()
    with pytest.raises(FormatError):
        make(rig.folder, tmp_path)
    assert not (tmp_path / "capture").exists()


def test_a_link_that_leads_out_is_refused(tmp_path):
    Image.new("RGBA", (160, 120)).save(tmp_path / "outside.png")
    rig = NerfstudioSet(tmp_path / "rig")
    path = rig.folder / rig.entries[0]["file_path"]
    path.unlink()
    path.symlink_to(tmp_path / "outside.png")
    with pytest.raises(FormatError, match="leads out of"):
        make(rig.folder, tmp_path)


def test_pictures_that_captures_do_not_take(tmp_path):
    rig = NerfstudioSet(tmp_path / "rig", cameras=1, times=1)
    path = rig.folder / rig.entries[0]["file_path"]
    Image.fromarray(np.zeros((120, 160), np.uint16)).save(path)
    with pytest.raises(FormatError, match="8 bits"):
        make(rig.folder, tmp_path)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(FormatError):
        make(rig.folder, tmp_path)

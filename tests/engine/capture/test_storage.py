# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures survive the disk, and nothing that is broken passes for one."""

import json
from fractions import Fraction

import numpy as np
import pytest
import soundfile
from PIL import Image
from safetensors.numpy import load_file

from engine.capture.capture import Capture, EmotionLabel, split_test
from engine.capture.storage import load_capture, read_picture, verify
from engine.capture.writer import CaptureWriter
from engine.errors import Cancelled, FormatError, InputError, StorageError
from engine.report import Report
from engine.tensors import write_tensors

SIZE = 24
PER_CAMERA = 5
PLAN = {"source": "film.mp4", "size": SIZE}


def make_capture(**changes) -> Capture:
    """Two cameras of five frames each."""
    rng = np.random.default_rng(0)
    rows = 2 * PER_CAMERA
    viewmats = np.tile(np.array([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0.8], [0, 0, 0, 1]], np.float32), (rows, 1, 1))
    viewmats[:, 0, 3] = rng.uniform(-0.1, 0.1, rows)
    K = np.array([[60, 0, SIZE / 2], [0, 60, SIZE / 2], [0, 0, 1]], np.float32)
    frames = np.tile(np.array([0, 1, 2, 4, 7], np.int32), 2)
    values = {
        "identity": "Ada", "fps": Fraction(30000, 1001), "width": SIZE, "height": SIZE, "frames": frames,
        "cameras": np.repeat(np.arange(2, dtype=np.int32), PER_CAMERA), "viewmats": viewmats,
        "Ks": np.tile(K, (rows, 1, 1)), "expression": rng.random((rows, 52), np.float32),
        "gaze": rng.uniform(-0.3, 0.3, (rows, 2)).astype(np.float32), "confidence": rng.random(rows, np.float32),
        "test": split_test(frames, seed=1), "landmarks": rng.uniform(0, SIZE, (rows, 478, 2)).astype(np.float32),
        "codes": rng.normal(size=(rows, 20)).astype(np.float32),
        "labels": [EmotionLabel(0.0, 0.1, "happy", 0.5)], "source": "film.mp4", "warnings": ["A smile was never seen."],
    }
    return Capture(**{**values, **changes})


def picture_of(capture: Capture, row: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(row)
    return rng.integers(0, 255, (SIZE, SIZE, 3), np.uint8), rng.integers(0, 5, (SIZE, SIZE)).astype(np.uint8)


def write(folder, capture: Capture, audio: bool = True):
    writer = CaptureWriter(folder, PLAN)
    for row in range(len(capture)):
        writer.add(int(capture.cameras[row]), int(capture.frames[row]), *picture_of(capture, row))
    return writer.finish(capture, ([np.linspace(-0.5, 0.5, 8000, dtype=np.float32)], 16000) if audio else None)


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "ada", make_capture())


def test_round_trip_is_exact(folder):
    capture, again = make_capture(), load_capture(folder)
    # The report's advice stands behind what was known before.
    assert again.warnings[: len(capture.warnings)] == capture.warnings and len(set(again.warnings)) > 1
    for name, value in vars(capture).items():
        if name == "warnings":
            continue
        got = getattr(again, name)
        if isinstance(value, np.ndarray):
            assert got.dtype == value.dtype
            np.testing.assert_array_equal(got, value)
        else:
            assert got == value
    for row in range(len(capture)):
        for got, want in zip(read_picture(folder, again, row), picture_of(capture, row)):
            np.testing.assert_array_equal(got, want)
    samples, rate = soundfile.read(folder / "audio.flac")
    assert rate == 16000 and np.allclose(samples, np.linspace(-0.5, 0.5, 8000), atol=1e-4)
    assert verify(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == [
        "audio.flac", "capture.json", "frames", "masks", "report", "report.html", "tracks.safetensors",
        "transforms.json",
    ]


def test_what_is_not_known_may_be_left_out(tmp_path):
    folder = write(tmp_path / "a", make_capture(landmarks=None, codes=None, labels=[], warnings=[]), audio=False)
    again = load_capture(folder)
    assert again.landmarks is None and again.codes is None and again.labels == []
    assert verify(folder) == [] and not (folder / "audio.flac").exists()


def test_alpha_is_kept(tmp_path):
    capture = make_capture()
    writer = CaptureWriter(tmp_path / "a", PLAN)
    for row in range(len(capture)):
        image, mask = picture_of(capture, row)
        writer.add(int(capture.cameras[row]), int(capture.frames[row]), np.dstack([image, mask * 60]), mask)
    image, mask = read_picture(writer.finish(capture, None), capture, 3)
    np.testing.assert_array_equal(image[..., 3], mask * 60)


def test_nerfstudio_sees_the_same_cameras(folder):
    capture = make_capture()
    data = json.loads((folder / "transforms.json").read_text())
    point = np.array([0.02, -0.1, 0.03, 1.0])  # in the head's frame
    for row, entry in enumerate(data["frames"]):
        want = capture.Ks[row] @ (capture.viewmats[row] @ point)[:3]
        x, y, z = (np.linalg.inv(np.array(entry["transform_matrix"])) @ point)[:3]
        assert z < 0  # OpenGL cameras look along -z
        got = (entry["fl_x"] * x / -z + entry["cx"], entry["fl_y"] * -y / -z + entry["cy"])
        np.testing.assert_allclose(got, want[:2] / want[2], atol=1e-3)
        assert (folder / entry["file_path"]).is_file()
    assert set(data["train_filenames"]) | set(data["val_filenames"]) == {e["file_path"] for e in data["frames"]}


def test_a_broken_off_capture_goes_on_and_never_looks_whole(tmp_path):
    capture = make_capture()
    first = CaptureWriter(tmp_path / "a", PLAN)
    for row in range(3):
        first.add(int(capture.cameras[row]), int(capture.frames[row]), *picture_of(capture, row))
    torn = tmp_path / "a.part" / "frames" / f"{capture.stem(1)}.png"
    torn.write_bytes(torn.read_bytes()[:-20])
    with pytest.raises(FormatError, match="begun and not ended"):
        load_capture(tmp_path / "a")
    second = CaptureWriter(tmp_path / "a", PLAN)
    known = [second.has(int(capture.cameras[row]), int(capture.frames[row])) for row in range(len(capture))]
    assert known == [True, False, True] + [False] * 7
    for row in np.flatnonzero(~np.array(known)):
        second.add(int(capture.cameras[row]), int(capture.frames[row]), *picture_of(capture, row))
    second.add(1, 3, *picture_of(capture, 0))  # a picture that the tracks leave out
    folder = second.finish(capture, None)
    assert verify(folder) == [] and not (tmp_path / "a.part").exists()


def test_a_link_to_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "disk" / "a").mkdir(parents=True)
    (tmp_path / "a").symlink_to(tmp_path / "disk" / "a", target_is_directory=True)
    assert write(tmp_path / "a", make_capture()) == tmp_path / "disk" / "a"
    assert verify(tmp_path / "a") == [] and (tmp_path / "a").is_symlink()


def test_another_plan_begins_anew(tmp_path):
    first = CaptureWriter(tmp_path / "a", PLAN)
    first.add(0, 0, *picture_of(make_capture(), 0))
    assert not CaptureWriter(tmp_path / "a", {**PLAN, "size": 48}).has(0, 0)


def test_nothing_of_others_is_overwritten(tmp_path, folder):
    with pytest.raises(StorageError, match="exists"):
        CaptureWriter(folder, PLAN)
    (tmp_path / "b.part").mkdir()
    (tmp_path / "b.part" / "thesis.txt").write_text("mine")
    with pytest.raises(StorageError, match="no capture that was begun"):
        CaptureWriter(tmp_path / "b", PLAN)
    assert (tmp_path / "b.part" / "thesis.txt").read_text() == "mine"
    (tmp_path / "c.part").write_text("mine")
    with pytest.raises(StorageError, match="no capture that was begun"):
        CaptureWriter(tmp_path / "c", PLAN)
    assert (tmp_path / "c.part").read_text() == "mine"
    with pytest.raises(StorageError, match="whole disk"):
        CaptureWriter(tmp_path.anchor, PLAN)


def test_a_row_without_its_picture_is_refused(tmp_path):
    capture = make_capture()
    writer = CaptureWriter(tmp_path / "a", PLAN)
    writer.add(0, 0, *picture_of(capture, 0))
    with pytest.raises(InputError, match="no picture"):
        writer.finish(capture, None)
    assert not (tmp_path / "a").exists()


def test_sound_that_cannot_be_written_leaves_no_capture(tmp_path, monkeypatch):
    def refuse(self, data):
        raise soundfile.LibsndfileError(2, "Error writing: ")

    monkeypatch.setattr(soundfile.SoundFile, "write", refuse)
    with pytest.raises(StorageError, match="audio.flac"):
        write(tmp_path / "a", make_capture())
    assert not (tmp_path / "a").exists() and not (tmp_path / "a.part" / "audio.flac").exists()


def edit_json(folder, **changes):
    path = folder / "capture.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "x"}, {"version": 2}, {"fps": "0"}, {"fps": 25}, {"width": 10**9}, {"width": True}, {"height": 23},
        {"pictures": 11}, {"cameras": 3}, {"identity": 5}, {"identity": "a" * 201}, {"regions": ["face"]},
        {"labels": {}}, {"labels": [1]}, {"labels": [{"start": 0, "end": 1, "emotion": "bored", "intensity": 1}]},
        {"labels": [{"start": 2, "end": 1, "emotion": "happy", "intensity": 1}]}, {"warnings": [3]}, {"source": None},
        {"labels": [{"start": 0, "end": float("inf"), "emotion": "happy", "intensity": 1}]},
    ],
)
def test_a_damaged_json_is_one_sentence(folder, changes):
    edit_json(folder, **changes)
    assert len(verify(folder)) > 0


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_a_json_that_is_none(folder, text):
    (folder / "capture.json").write_text(text)
    with pytest.raises(FormatError):
        load_capture(folder)


def breaks(name, index, value):
    def change(tensors):
        tensors[name][index] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        breaks("expression", (0, 3), 1.5), breaks("expression", (0, 3), np.nan), breaks("gaze", 0, 2.0),
        breaks("confidence", 0, -1), breaks("cameras", 0, -1), breaks("frames", 1, 0), breaks("frames", 2, 99),
        breaks("viewmats", (0, 0, 0), 2.0), breaks("viewmats", (0, 3, 3), 2.0), breaks("viewmats", (0, 2), -1.0),
        breaks("Ks", (0, 0, 0), -60), breaks("Ks", (0, 2, 2), 0), breaks("landmarks", (0, 0), np.inf),
        breaks("test", 0, 2), lambda tensors: tensors.pop("gaze"),
        lambda tensors: tensors.update(codes=np.zeros((9, 20), np.float32)),
        lambda tensors: tensors.update(codes=np.zeros((10, 300), np.float32)),
        lambda tensors: tensors.update(extra=np.zeros(3, np.float32)),
    ],
)
def test_damaged_tracks_are_refused(folder, change):
    path = folder / "tracks.safetensors"
    tensors = {name: value.copy() for name, value in load_file(path).items()}
    change(tensors)
    write_tensors(path, "emosplat-tracks", 1, {}, tensors)
    with pytest.raises(FormatError):
        load_capture(folder)


def test_tracks_cut_at_any_place_are_refused(folder):
    path = folder / "tracks.safetensors"
    whole = path.read_bytes()
    for length in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(FormatError):
            load_capture(folder)


def test_missing_and_damaged_pictures_are_found(folder):
    capture = load_capture(folder)
    pictures = sorted((folder / "frames").iterdir())
    pictures[0].write_bytes(pictures[0].read_bytes()[:60])
    Image.new("RGB", (SIZE, SIZE + 1)).save(pictures[1])
    Image.fromarray(np.full((SIZE, SIZE), 9, np.uint8)).save(folder / "masks" / pictures[2].name)
    (folder / "frames" / "holiday.png").write_bytes(b"")
    findings = "\n".join(verify(folder))
    for words in (pictures[0].name, pictures[1].name, "region 9", "holiday.png"):
        assert words in findings
    with pytest.raises(FormatError, match="damaged"):
        read_picture(folder, capture, 0)
    pictures[3].unlink()
    with pytest.raises(FormatError, match=pictures[3].name):
        load_capture(folder)


def test_verifying_tells_how_far_it_is_and_stops_when_asked(folder):
    told = []
    report = Report(on_progress=lambda *progress: told.append(progress))
    assert verify(folder, report) == []
    assert told[-1][:3] == ("verify", 2 * PER_CAMERA, 2 * PER_CAMERA)
    report.cancel_event.set()
    with pytest.raises(Cancelled):
        verify(folder, report)


def test_short_or_damaged_sound_is_found(folder):
    soundfile.write(folder / "audio.flac", np.zeros(800, np.float32), 16000)
    assert "0.05 s of sound" in verify(folder)[0]
    (folder / "audio.flac").write_bytes(b"no sound")
    assert "damaged" in verify(folder)[0]


def test_sound_that_is_damaged_in_its_middle_is_found(folder):
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 48000)
    soundfile.write(folder / "audio.flac", noise, 16000)
    assert not verify(folder)
    whole = (folder / "audio.flac").read_bytes()
    middle = len(whole) // 2
    (folder / "audio.flac").write_bytes(whole[:middle] + bytes(4000) + whole[middle + 4000 :])
    assert "audio.flac is damaged" in verify(folder)[0]
    (folder / "audio.flac").write_bytes(whole[:middle])
    assert "audio.flac is damaged" in verify(folder)[0]


def test_sound_that_went_missing_is_found(folder):
    path = folder / "capture.json"
    said = json.loads(path.read_text())
    facts = {"frames": 10, "tracked": 10, "clip_seconds": 0.4, "av_offset_seconds": 0.0}
    path.write_text(json.dumps({**said, "facts": facts}))
    assert not verify(folder)
    (folder / "audio.flac").unlink()
    assert "audio.flac" in verify(folder)[0]


@pytest.mark.parametrize(
    "changes", [{"gaze": np.zeros((3, 2))}, {"frames": np.zeros(10, np.int32)}, {"frames": np.arange(10)[::-1]}]
)
def test_a_capture_that_makes_no_sense_is_not_made(changes):
    with pytest.raises(ValueError):
        make_capture(**changes)


def test_the_split_keeps_moments_together_and_a_stretch_in_one_piece():
    frames = np.tile(np.arange(200), 3)
    test = split_test(frames, seed=4).reshape(3, 200)
    assert (test == test[0]).all() and test[0, 180:].all()
    assert 5 <= test[0, :180].sum() <= 15
    assert (split_test(frames, seed=4).reshape(3, 200) == test).all()
    assert (split_test(frames, seed=5).reshape(3, 200) != test).any()
    assert not split_test(np.array([0, 1])).any()

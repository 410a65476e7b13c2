# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSV of facial-capture tools: out and in again, and as other programs, cameras and accidents write it."""

import csv
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from engine.errors import Cancelled, FormatError, InputError
from engine.protocol import EXPRESSION_NAMES
from engine.report import Report
from engine.take.angles import rotation_vectors, yaw_pitch_roll
from engine.take.live_link import SHAPES, read_csv, write_csv
from engine.take.opening import open_take
from engine.take.resample import resample
from engine.take.storage import save_take, write_take_json
from engine.take.timecode import seconds_of, write_timecode
from tests.engine.take.test_storage import make_take

JAW = EXPRESSION_NAMES.index("jawOpen")


def smooth_take(fps, frames=400):
    """Slow curves, so that what lies between frames is known."""
    times = np.arange(frames) / float(fps)
    phase = np.linspace(0.0, 3.0, 52)
    expression = 0.5 + 0.45 * np.sin(times[:, None] + phase)
    pose = np.zeros((frames, 6))
    pose[:, :3] = 0.3 * np.sin(times[:, None] + np.arange(3))
    gaze = 0.2 * np.sin(times[:, None] + np.arange(2))
    return make_take(fps=Fraction(fps), expression=expression.astype(np.float32), gaze=gaze.astype(np.float32),
                     head_pose=pose.astype(np.float32), emotion_weights=np.zeros((frames, 8), np.float32))


def written(path, codes, jaw=None, columns=("JawOpen",), more=()):
    """A CSV by hand: one value for all columns of a row."""
    jaw = np.linspace(0.0, 1.0, len(codes)) if jaw is None else jaw
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["Timecode", "BlendShapeCount", *columns, *more])
        rows.writerows([code, 61, *[value] * len(columns), *[0.0] * len(more)] for code, value in zip(codes, jaw))
    return path


def read(path, fps=None):
    """A take and what was told about it."""
    told = []
    return read_csv(path, Report(on_warning=told.append), fps and Fraction(fps)), " ".join(told)


@pytest.mark.parametrize("fps", [
    "24", "24000/1001", "25", "30000/1001", "30", "50", "60000/1001", "60", "12", "240", "1"])
def test_what_goes_out_comes_in_again(tmp_path, fps):
    take = smooth_take(Fraction(fps))
    write_csv(take, tmp_path / "take.csv", Report())
    again, told = read(tmp_path / "take.csv")
    assert again.fps == take.fps and len(again) == len(take)
    assert told == "" or fps == "240"  # of which 400 frames are no two seconds
    np.testing.assert_allclose(again.expression, take.expression, atol=2e-5)
    np.testing.assert_allclose(again.gaze, take.gaze, atol=2e-5)
    np.testing.assert_allclose(again.head_pose, take.head_pose, atol=2e-5)


def test_the_header_is_the_one_that_others_read(tmp_path):
    write_csv(smooth_take(25, 2), tmp_path / "take.csv", Report())
    header, first, _ = (tmp_path / "take.csv").read_text().splitlines()
    names = header.split(",")
    assert names[:4] == ["Timecode", "BlendShapeCount", "EyeBlinkLeft", "EyeLookDownLeft"] and len(names) == 2 + 61
    assert names[16:20] == ["JawForward", "JawRight", "JawLeft", "JawOpen"] and names[53:55] == ["TongueOut", "HeadYaw"]
    assert names[-1] == "RightEyeRoll" and first.startswith("00:00:00:00.000,61,")
    assert set(SHAPES) == set(EXPRESSION_NAMES) and len(SHAPES) == 52


def test_columns_are_found_by_name_in_any_order_and_case(tmp_path):
    (tmp_path / "t.csv").write_text("\ufeffJAWOPEN,note,timecode\n0.25,hello,00:00:01:00\n0.5,,00:00:01:01\n\n",
                                    encoding="utf-8")
    take, told = read(tmp_path / "t.csv", 30)
    assert take.fps == 30 and take.expression[:, JAW].tolist() == [0.25, 0.5]
    assert take.expression.sum() == 0.75 and "eyeBlinkLeft" in told


def test_drop_frame_numbers_stay_with_the_clock():
    """SMPTE: 00:01:00;02 follows 00:00:59;29, and ten minutes are 17982 frames."""
    ntsc = Fraction(30000, 1001)
    assert write_timecode(1799, ntsc) == "00:00:59;29.000" and write_timecode(1800, ntsc) == "00:01:00;02.000"
    assert write_timecode(17981, ntsc) == "00:09:59;29.000" and write_timecode(17982, ntsc) == "00:10:00;00.000"
    codes = ["00:00:59;29", "00:01:00;02", "00:10:00;00"]
    times, rate, _ = seconds_of(codes, None, "t.csv")
    assert rate == ntsc
    np.testing.assert_allclose(times * float(ntsc), [1799, 1800, 17982], atol=1e-6)


def test_uneven_rows_land_on_even_frames(tmp_path):
    """A phone's clock wanders, and rows get lost: the curve in between is what counts."""
    rng = np.random.default_rng(1)
    frames = np.arange(300) + np.r_[0.0, rng.uniform(-0.3, 0.3, 299)]
    frames = np.delete(frames, rng.choice(np.arange(5, 295), 40, False))
    codes = [f"10:00:{int(f // 60):02d}:{f % 60:06.3f}" for f in frames]
    take, _ = read(written(tmp_path / "t.csv", codes, frames / 300))
    assert take.fps == 60 and 299 <= len(take) <= 301
    np.testing.assert_allclose(take.expression[:299, JAW], np.arange(299) / 300, atol=1e-4)


def test_a_gap_is_told(tmp_path):
    codes = [f"00:00:{s:02d}:{f:02d}" for s in (0, 1, 2, 7) for f in range(30)]
    take, told = read(written(tmp_path / "t.csv", codes))
    assert len(take) == 240 and "gap of 4.0" in told


def test_over_midnight(tmp_path):
    codes = ["23:59:58:00", "23:59:59:00", "00:00:00:00", "00:00:01:00"]
    take, _ = read(written(tmp_path / "t.csv", codes), 25)
    assert take.seconds == pytest.approx(4.0, abs=1.01)


def test_plain_frame_numbers(tmp_path):
    take, told = read(written(tmp_path / "t.csv", ["1", "2", "4"], [0.0, 0.1, 0.3]))
    assert take.fps == 60 and "60 a second" in told
    take, told = read(written(tmp_path / "t.csv", ["1", "2", "4"], [0.0, 0.1, 0.3]), 24)
    assert take.fps == 24 and "a second" not in told
    np.testing.assert_allclose(take.expression[:, JAW], [0.0, 0.1, 0.2, 0.3], atol=1e-6)


def test_a_short_recording_says_what_was_assumed(tmp_path):
    take, told = read(written(tmp_path / "t.csv", ["00:00:00:00", "00:00:00:01"]))
    assert take.fps == 60 and "too short" in told


def test_of_two_rows_at_one_moment_the_last_counts(tmp_path):
    take, _ = read(written(tmp_path / "t.csv", ["00:00:00:00", "00:00:00:01", "00:00:00:01"], [0.0, 0.5, 0.7]), 25)
    np.testing.assert_allclose(take.expression[:, JAW], [0.0, 0.7], atol=1e-6)


def test_one_row_is_a_take(tmp_path):
    take, _ = read(written(tmp_path / "t.csv", ["00:00:05:00"], [0.5]), 25)
    assert len(take) == 1 and take.expression[0, JAW] == 0.5


def test_angles_in_degrees_are_left_out_and_told(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("Timecode,JawOpen,HeadYaw\n00:00:00:00,0.1,25\n00:00:00:01,0.2,-30\n")
    take, told = read(path, 25)
    assert not take.head_pose.any() and "no radians" in told


def test_a_little_beyond_is_cut_and_told(tmp_path):
    take, told = read(written(tmp_path / "t.csv", ["00:00:00:00", "00:00:00:01"], [-0.02, 1.1]), 25)
    assert take.expression[:, JAW].tolist() == [0.0, 1.0] and "2 weights" in told


@pytest.mark.parametrize(("text", "words"), [
    ("", "Timecode"), ("Timecode\n", "52 columns"), ("JawOpen\n0.1\n", "Timecode"), ("Timecode,JawOpen\n", "no rows"),
    ("Timecode,JawOpen\n00:00:00:00,x\n", "Line 2"), ("Timecode,JawOpen\n00:00:00:00\n", "Line 2"),
    ("Timecode,JawOpen\n00:00:00:00,nan\n", "outside 0 to 1"), ("Timecode,JawOpen\n00:00:00:00,inf\n", "outside"),
    ("Timecode,JawOpen\n00:00:00:00,73.5\n", "jawopen = 73.5"), ("Timecode,JawOpen\nnoon,0.1\n", "noon"),
    ("Timecode,JawOpen\n00:00:00:00,1e400\n", "outside"), ("Timecode,JawOpen\n00:00:00:999,0\n", "999"),
    ("Timecode,JawOpen\n00:00:01:00,0\n00:00:00:00,0\n", "goes back in row 2"),
    ("Timecode,JawOpen\n00:00:00:00,0\n20:00:00:00,0\n", "too long"), ("," * 5000 + "Timecode\n", "Timecode"),
    ("Timecode,JawOpen\n-1:00:00:00,0\n", "-1:00"), ("\x00" * 100, "CSV|Timecode"),
])
def test_other_files_are_refused_in_words(tmp_path, text, words, monkeypatch):
    monkeypatch.setattr("engine.take.live_link.MAX_FRAMES", 10_000)
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(FormatError, match=words):
        read(path)


def test_a_count_that_the_rate_does_not_have_is_refused(tmp_path):
    with pytest.raises(FormatError, match="frame 29"):
        read(written(tmp_path / "t.csv", ["00:00:00:29"]), 25)


def test_a_picture_is_no_csv(tmp_path):
    (tmp_path / "t.csv").write_bytes(bytes(range(256)) * 50)
    with pytest.raises(FormatError, match="no CSV"):
        read(tmp_path / "t.csv")


def test_angles_turn_as_the_formats_page_says():
    """Yaw to the head's left (+x), pitch up, roll to its left; face along -y."""
    for angles, face, top in (([0.5, 0, 0], (np.sin(0.5), -np.cos(0.5), 0), (0, 0, 1)),
                              ([0, 0.5, 0], (0, -np.cos(0.5), np.sin(0.5)), None),
                              ([0, 0, 0.5], (0, -1, 0), (np.sin(0.5), 0, np.cos(0.5)))):
        vector, = rotation_vectors(np.array([angles]))
        for rest, moved in (((0, -1, 0), face), ((0, 0, 1), top)):
            if moved is not None:
                np.testing.assert_allclose(turned(vector, np.array(rest, float)), moved, atol=1e-9)


def test_angles_and_rotation_vectors_are_one():
    angles = np.random.default_rng(0).uniform(-1.4, 1.4, (200, 3))
    np.testing.assert_allclose(yaw_pitch_roll(rotation_vectors(angles)), angles, atol=1e-9)
    assert not rotation_vectors(np.zeros((2, 3))).any() and not yaw_pitch_roll(np.zeros((2, 3))).any()


def turned(vector, point):
    """Rodrigues' formula."""
    angle = np.linalg.norm(vector)
    axis = vector / angle
    return (point * np.cos(angle) + np.cross(axis, point) * np.sin(angle) + axis * (axis @ point) * (1 - np.cos(angle)))


def test_another_rate_keeps_the_time():
    take = smooth_take(60)
    for fps in (Fraction(24000, 1001), Fraction(25), Fraction(120)):
        other = resample(take, fps)
        assert other.fps == fps and abs(other.seconds - take.seconds) <= 1 / fps + 1 / 60
        np.testing.assert_allclose(other.expression, smooth_take(fps, len(other)).expression, atol=1e-4)


@pytest.mark.parametrize("suffix", [".emotake", ".json", ".csv"])
def test_takes_of_every_kind_are_opened(tmp_path, suffix):
    take, path = smooth_take(25, 60), tmp_path / f"take{suffix}"
    {".emotake": save_take, ".json": write_take_json, ".csv": partial(write_csv, report=Report())}[suffix](take, path)
    again = open_take(path, Report())
    assert again.fps == 25
    np.testing.assert_allclose(again.expression, take.expression, atol=2e-5)


@pytest.mark.parametrize("name", ["take.wav", "gone.csv", "gone.json", "", "."])
def test_what_is_no_take_is_said(tmp_path, name):
    with pytest.raises(InputError):
        open_take(tmp_path / name if name else name, Report())


@pytest.mark.parametrize("change", [
    {"version": 2}, {"format": "x"}, {"expression": [[2.0] * 52]}, {"expression": [[0.1] * 51]}, {"expression": None},
    {"fps_exact": "0"}, {"gaze": [[0.0, float("nan")]]}, {"expression_names": []}, {"expression": [[0.0] * 52, [0.0]]},
    {"expression": []}, {"seed": "x"},
])
def test_a_damaged_take_json_is_refused(tmp_path, change):
    import json

    write_take_json(smooth_take(25, 1), tmp_path / "take.json")
    data = {**json.loads((tmp_path / "take.json").read_text()), **change}
    (tmp_path / "take.json").write_text(json.dumps(data))
    with pytest.raises(FormatError, match="take.json"):
        open_take(tmp_path / "take.json", Report())


def test_cancelling_leaves_no_csv(tmp_path):
    report = Report()
    report.cancel_event.set()
    with pytest.raises(Cancelled):
        write_csv(smooth_take(25, 60), tmp_path / "take.csv", report)
    assert not list(tmp_path.iterdir())

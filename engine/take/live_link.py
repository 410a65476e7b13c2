# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSV that facial-capture tools exchange, in the layout of Epic's Live Link Face: one row per frame, with
Timecode, BlendShapeCount, ARKit's 52 weights, and yaw, pitch and roll of head and eyes in radians. See docs/formats.md.

The layout has no field for the frame rate and is read by its columns' names: order and case do not count.
"""

import csv
import os
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np

from ..errors import FormatError, InputError
from ..files import whole_file
from ..protocol import EMOTION_NAMES, EXPRESSION_NAMES
from ..report import Report
from .angles import rotation_vectors, yaw_pitch_roll
from .resample import at_times, frame_times
from .storage import MAX_FRAMES
from .take import Take
from .timecode import own_rate, seconds_of, write_timecode

# The order in which Live Link Face writes them.
SHAPES = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawRight", "jawLeft", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthRight", "mouthLeft", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
    "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp",
    "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
    "noseSneerRight", "tongueOut",
)
ANGLES = ("HeadYaw", "HeadPitch", "HeadRoll", "LeftEyeYaw", "LeftEyePitch", "LeftEyeRoll", "RightEyeYaw",
          "RightEyePitch", "RightEyeRoll")
MAX_BYTES = 1_000_000_000
MAX_FIELDS = 1000
# Calibrated captures leave 0 to 1 a little; what is far beyond it is no weight (percent, degrees).
WILD = (-0.75, 1.75)
LARGEST_ANGLE = 3.2
LONG_GAP = 0.5
CHECK_EVERY = 500
OTHER = "Choose a CSV in the layout of Live Link Face; docs/formats.md says what it must hold."


def write_csv(take: Take, path: str | os.PathLike, report: Report) -> None:
    """Write a whole file or none; `report` is told "write". Raises StorageError."""
    weights = take.expression[:, [EXPRESSION_NAMES.index(name) for name in SHAPES]]
    head = yaw_pitch_roll(take.head_pose[:, :3])
    eyes = np.concatenate([take.gaze, np.zeros((len(take), 1))], axis=1)
    values = np.concatenate([weights, head, eyes, eyes], axis=1)
    with whole_file(path) as part, open(part, "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["Timecode", "BlendShapeCount", *(name[0].upper() + name[1:] for name in SHAPES), *ANGLES])
        for k, row in enumerate(values.tolist()):
            rows.writerow([write_timecode(k, take.fps), len(row), *(f"{value:.6f}" for value in row)])
            if k % CHECK_EVERY == 0:
                report.progress("write", k, len(values))
    report.progress("write", len(values), len(values))


def read_csv(path: str | os.PathLike, report: Report, timecode_fps: Fraction | None = None) -> Take:
    """Read what a capture tool recorded, on even frames.

    Args:
        report: told "read", and what in the file is doubtful.
        timecode_fps: frames that the timecode counts in a second; None: found from the file.

    Raises:
        FormatError: see docs/formats.md.
    """
    path = Path(path)
    table = _read_table(path, report)
    times, nominal, doubt = seconds_of(table.timecodes, timecode_fps, path.name)
    if doubt:
        report.warning(doubt)
    order = np.flatnonzero(np.append(np.diff(times) > 0.0, True))  # of rows at one moment the last counts
    times, values = times[order] - times[order[0]], table.values[order]
    fps = own_rate(times, nominal)
    frames = floor(times[-1] * float(fps) + 0.5) + 1
    if frames > MAX_FRAMES:
        raise FormatError(f"{path.name} lasts {times[-1]:.0f} s, which is too long.", OTHER)
    if len(times) > 1 and (gap := float(np.diff(times).max())) > max(LONG_GAP, 4.0 / fps):
        report.warning(f"{path.name} has a gap of {gap:.1f} s without rows; the face moves straight through it.")
    values = at_times(times, values, frame_times(frames, fps))
    columns = {name: values[:, k] for k, name in enumerate(table.names)}
    expression = np.zeros((frames, len(EXPRESSION_NAMES)), np.float32)
    for k, name in enumerate(EXPRESSION_NAMES):
        expression[:, k] = np.clip(columns.get(name.lower(), 0.0), 0.0, 1.0)
    head = np.stack([_angle(columns, name, frames) for name in ANGLES[:3]], axis=1)
    gaze = [np.mean([_angle(columns, f"{side}Eye{turn}", frames) for side in ("Left", "Right")], axis=0)
            for turn in ("Yaw", "Pitch")]
    pose = np.concatenate([rotation_vectors(head), np.zeros((frames, 3))], axis=1)
    return Take(
        fps=fps, expression=expression, emotion_weights=np.zeros((frames, len(EMOTION_NAMES)), np.float32),
        gaze=np.clip(np.stack(gaze, axis=1), -1.6, 1.6).astype(np.float32), head_pose=pose.astype(np.float32),
    )


@dataclass
class _Table:
    """A CSV's known columns: names in lower case (C,), values (R, C) float32, timecodes (R,)."""

    names: list[str]
    timecodes: list[str]
    values: np.ndarray


def _read_table(path: Path, report: Report) -> _Table:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise FormatError(f"{path.name} has {size / 1e6:.0f} MB, which is too large.", OTHER)
        with open(path, encoding="utf-8-sig", newline="") as file:
            return _parse(file, size, path.name, report)
    except OSError as error:
        raise InputError(f"{path} could not be read ({error.strerror}).", "Choose a file that exists.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path.name} is no CSV ({error!s:.100}).", OTHER) from None


def _parse(file, size: int, name: str, report: Report) -> _Table:
    rows = csv.reader(file)
    header = [field.strip().lower() for field in next(rows, [])]
    if "timecode" not in header or len(header) > MAX_FIELDS:
        raise FormatError(f"{name} does not begin with a line of column names with 'Timecode' in it.", OTHER)
    known = [*map(str.lower, SHAPES), *map(str.lower, ANGLES)]
    there = [column for column in known if column in header]
    lost = [shape for shape in SHAPES if shape.lower() not in header]
    if len(lost) == len(SHAPES):
        raise FormatError(f"{name} has none of ARKit's 52 columns.", OTHER)
    if lost:
        report.warning(f"{name} has no {', '.join(lost[:4])}{' and more' * (len(lost) > 4)}: they rest at 0.")
    places, clock = [header.index(column) for column in there], header.index("timecode")
    timecodes, values = [], []
    for number, row in enumerate(rows, 2):
        if not row or row == [""]:
            continue
        if len(row) < len(header):
            raise FormatError(f"Line {number} of {name} has {len(row)} fields instead of {len(header)}.", OTHER)
        try:
            numbers = [float(row[place]) for place in places]
        except ValueError as error:
            raise FormatError(f"Line {number} of {name} holds something that is no number ({error!s:.60}).",
                              OTHER) from None
        timecodes.append(row[clock].strip())
        values.append(np.array(numbers, np.float32))
        if len(values) > MAX_FRAMES:
            raise FormatError(f"{name} has more than {MAX_FRAMES} rows.", OTHER)
        if len(values) % CHECK_EVERY == 0:
            report.progress("read", min(file.buffer.tell(), size - 1), size)
    if not values:
        raise FormatError(f"{name} has no rows.", OTHER)
    table = _Table(there, timecodes, np.stack(values))
    _judge(table, name, report)
    report.progress("read", size, size)
    return table


def _judge(table: _Table, name: str, report: Report) -> None:
    """Weights must be weights; angles that look like degrees are dropped, as a face can do without them."""
    weights = [k for k, column in enumerate(table.names) if not column.endswith(("yaw", "pitch", "roll"))]
    part = table.values[:, weights]
    wild = ~((part >= WILD[0]) & (part <= WILD[1]))
    if wild.any():
        row, column = map(int, np.argwhere(wild)[0])
        raise FormatError(f"{table.names[weights[column]]} = {part[row, column]:g} in row {row + 1} of {name} is "
                          "outside 0 to 1.", OTHER)
    beyond = int(((part < 0.0) | (part > 1.0)).sum())
    if beyond:
        report.warning(f"{beyond} weights of {name} are a little outside 0 to 1 and were cut off.")
    angles = [k for k in range(len(table.names)) if k not in weights]
    turns = table.values[:, angles]
    if not (np.abs(turns) <= LARGEST_ANGLE).all():
        report.warning(f"The head's and eyes' angles in {name} are no radians and were left out.")
        table.values[:, angles] = 0.0


def _angle(columns: dict[str, np.ndarray], name: str, frames: int) -> np.ndarray:
    return columns.get(name.lower(), np.zeros(frames, np.float32))

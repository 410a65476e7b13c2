# SPDX-License-Identifier: GPL-3.0-or-later
from fractions import Fraction

import numpy as np
import pytest
import torch

from engine.capture.capture import Capture
from engine.deform.drive import NOW, WINDOW, Drive, DriveFrame
from engine.take.take import Take


def some_take(frames: int = 12, heard: bool = True) -> Take:
    chance = np.random.default_rng(0)
    values = {
        name: chance.random(shape).astype(np.float32)
        for name, shape in {"content": (frames, 64), "style": (64,), "emotion": (frames, 128)}.items()
    }
    return Take(
        Fraction(25), chance.random((frames, 52)).astype(np.float32), np.zeros((frames, 8), np.float32),
        chance.random((frames, 2)).astype(np.float32), np.zeros((frames, 6), np.float32), **(values if heard else {}),
    )


def some_capture(frames: list[int]) -> Capture:
    rows, chance = len(frames), np.random.default_rng(1)
    return Capture(
        "Ada", Fraction(25), 64, 64, np.array(frames, np.int32), np.zeros(rows, np.int32),
        np.tile(np.eye(4, dtype=np.float32), (rows, 1, 1)), np.tile(np.eye(3, dtype=np.float32), (rows, 1, 1)),
        chance.random((rows, 52)).astype(np.float32), chance.random((rows, 2)).astype(np.float32),
        np.ones(rows, np.float32), np.zeros(rows, bool), codes=chance.random((rows, 4)).astype(np.float32),
    )


@pytest.mark.parametrize("heard", [True, False])
def test_a_frame_of_a_take_is_a_row_of_its_drive(heard):
    take = some_take(heard=heard)
    drive = Drive.of_take(take)
    for frame in (0, 3, len(take) - 1):
        one, other = DriveFrame.of_take(take, frame), drive.frame(frame)
        for name in ("expression", "gaze", "window", "style", "emotion", "content"):
            a, b = getattr(one, name), getattr(other, name)
            assert (a is None) == (b is None) == (not heard and name not in ("expression", "gaze"))
            if a is not None:
                torch.testing.assert_close(a, b, atol=0, rtol=0)
        assert one.codes is None and other.codes is None


def test_rows_of_a_capture_hear_their_own_time():
    capture = some_capture([0, 7, 19])
    content = np.arange(20, dtype=np.float32)[:, None].repeat(64, 1)
    drive = Drive.of_capture(capture, content=content, style=np.zeros(64, np.float32))
    assert drive.frame(1).window[:, 0].tolist() == [3, 4, 5, 6, 7, 8, 9, 10]
    assert drive.frame(1).window.shape == (WINDOW, 64) and drive.frame(1).content[0] == drive.frame(1).window[NOW, 0]
    assert drive.frame(0).window[:, 0].tolist() == [0, 0, 0, 0, 0, 1, 2, 3]
    assert drive.frame(2).window[:, 0].tolist() == [15, 16, 17, 18, 19, 19, 19, 19]
    torch.testing.assert_close(drive.frame(2).codes, torch.from_numpy(capture.codes[2]))
    assert drive.frame(2).emotion is None


def test_selected_rows_keep_the_sound(drive):
    part = drive.select(np.arange(len(drive)) % 2 == 1)
    assert len(part) == 15
    torch.testing.assert_close(part.frame(3).window, drive.frame(7).window)
    torch.testing.assert_close(part.frame(3).codes, drive.frame(7).codes)


def test_a_sound_that_is_too_short_is_refused():
    with pytest.raises(ValueError, match="the sound has 5"):
        Drive.of_capture(some_capture([0, 7]), content=np.zeros((5, 64), np.float32))


def test_shapes_are_checked(drive):
    with pytest.raises(ValueError, match="Drive.style"):
        Drive(drive.expression, drive.gaze, drive.frames, style=torch.zeros(3))
    with pytest.raises(ValueError, match="An expression has the shape"):
        DriveFrame.of_expression(np.zeros(51, np.float32))

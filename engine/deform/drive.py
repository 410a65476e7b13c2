# SPDX-License-Identifier: GPL-3.0-or-later
"""The Drive: what moves a head, row by row, from a capture that was tracked or from a take that was performed."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..capture.capture import Capture
from ..protocol import EXPRESSION_NAMES
from ..take.take import Take

EXPRESSION, GAZE, CONTENT, STYLE, EMOTION = len(EXPRESSION_NAMES), 2, 64, 64, 128
# Frames of content that the audio view hears, as ER-NeRF's and TalkingGaussian's audio windows; the fifth is now.
WINDOW, NOW = 8, 4


@dataclass
class DriveFrame:
    """One row of a Drive; what is not known is None.

    Args:
        expression: (52,) ARKit weights.
        gaze: (2,) yaw and pitch, radians.
        codes: (C,) landmark components of a capture.
        window: (8, 64) content of the frames around this one.
        style: (64,).
        emotion: (128,).
    """

    expression: Tensor
    gaze: Tensor
    codes: Tensor | None = None
    window: Tensor | None = None
    style: Tensor | None = None
    emotion: Tensor | None = None

    @property
    def content(self) -> Tensor | None:
        """(64,) of this very frame."""
        return None if self.window is None else self.window[NOW]

    @staticmethod
    def of_expression(expression: np.ndarray | Tensor) -> "DriveFrame":
        """An expression alone, looking straight ahead. Raises ValueError for another shape than (52,)."""
        expression = torch.as_tensor(expression, dtype=torch.float32)
        if expression.shape != (EXPRESSION,):
            raise ValueError(f"An expression has the shape ({EXPRESSION},), not {tuple(expression.shape)}.")
        return DriveFrame(expression, expression.new_zeros(GAZE))

    @staticmethod
    def of_take(take: Take, frame: int) -> "DriveFrame":
        """A frame of a take, without making a Drive of all of it."""
        window = np.clip(np.arange(frame - NOW, frame - NOW + WINDOW), 0, len(take) - 1)
        return DriveFrame(
            torch.from_numpy(take.expression[frame]),
            torch.from_numpy(take.gaze[frame]),
            window=None if take.content is None else torch.from_numpy(take.content[window]),
            style=None if take.style is None else torch.from_numpy(take.style),
            emotion=None if take.emotion is None else torch.from_numpy(take.emotion[frame]),
        )


@dataclass
class Drive:
    """What moves a head in T rows. A row of a capture is a picture; rows may share a time or leave times out.

    Args:
        expression: (T, 52) float32 ARKit weights.
        gaze: (T, 2) float32, yaw (positive: to the head's left) and pitch (positive: up), radians.
        frames: (T,) int64, each row's frame of the sound: an index into `content` and `emotion`.
        codes: (T, C) float32 landmark components, or None.
        content: (M, 64) float32 Prior Extraction's features of every frame of the sound, or None.
        style: (64,) float32, or None.
        emotion: (M, 128) float32 Emotion Distillation's feature of every frame of the sound, or None.

    Raises:
        ValueError: shapes that do not fit, or a frame that the sound does not have.
    """

    expression: Tensor
    gaze: Tensor
    frames: Tensor
    codes: Tensor | None = None
    content: Tensor | None = None
    style: Tensor | None = None
    emotion: Tensor | None = None

    def __post_init__(self) -> None:
        rows = len(self.expression)
        sound = next((len(value) for value in (self.content, self.emotion) if value is not None), 0)
        shapes = {"expression": (rows, EXPRESSION), "gaze": (rows, GAZE), "frames": (rows,)}
        shapes |= {"content": (sound, CONTENT), "style": (STYLE,), "emotion": (sound, EMOTION)}
        if self.codes is not None:
            shapes["codes"] = (rows, self.codes.shape[-1])
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is not None and tuple(value.shape) != shape:
                raise ValueError(f"Drive.{name} must be of shape {shape}, not {tuple(value.shape)}.")
        if rows and (int(self.frames.min()) < 0 or (sound and int(self.frames.max()) >= sound)):
            raise ValueError(f"Drive.frames go from {self.frames.min()} to {self.frames.max()}, the sound has {sound}.")

    def __len__(self) -> int:
        return len(self.expression)

    @staticmethod
    def of_capture(
        capture: Capture, content: np.ndarray | None = None, style: np.ndarray | None = None,
        emotion: np.ndarray | None = None,
    ) -> "Drive":
        """A capture's rows, with what was heard in its sound, frame by frame from the sound's start.

        Args:
            content: (M, 64), style: (64,), emotion: (M, 128); M > the capture's last frame.
        """
        return Drive(
            _tensor(capture.expression), _tensor(capture.gaze), torch.from_numpy(capture.frames.astype(np.int64)),
            _tensor(capture.codes), _tensor(content), _tensor(style), _tensor(emotion),
        )

    @staticmethod
    def of_take(take: Take) -> "Drive":
        """All frames of a take; it has no codes, which a head predicts."""
        return Drive(
            _tensor(take.expression), _tensor(take.gaze), torch.arange(len(take)), None, _tensor(take.content),
            _tensor(take.style), _tensor(take.emotion),
        )

    def select(self, rows: np.ndarray | Tensor) -> "Drive":
        """The Drive of some rows (indices, or a mask), with the same sound."""
        rows = torch.as_tensor(rows)
        codes = None if self.codes is None else self.codes[rows]
        return Drive(
            self.expression[rows], self.gaze[rows], self.frames[rows], codes, self.content, self.style, self.emotion
        )

    def to(self, device: str | torch.device) -> "Drive":
        return Drive(*(None if value is None else value.to(device) for value in vars(self).values()))

    def frame(self, row: int) -> DriveFrame:
        """One row. The window of its content holds the sound's first and last frame beyond its ends."""
        at, window = int(self.frames[row]), None
        if self.content is not None:
            window = self.content[torch.arange(at - NOW, at - NOW + WINDOW).clamp(0, len(self.content) - 1)]
        return DriveFrame(
            self.expression[row],
            self.gaze[row],
            None if self.codes is None else self.codes[row],
            window,
            self.style,
            None if self.emotion is None else self.emotion[at],
        )


def _tensor(value: np.ndarray | None) -> Tensor | None:
    return None if value is None else torch.from_numpy(np.ascontiguousarray(value, np.float32))

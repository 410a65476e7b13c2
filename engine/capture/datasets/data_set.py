# SPDX-License-Identifier: GPL-3.0-or-later
"""What a data set says of itself, in one shape for all layouts: pictures with their cameras, masks, sound."""

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...errors import FormatError
from ...protocol import EXPRESSION_NAMES
from ..storage import MAX_CAMERAS, MAX_FRAME

NO_LENS = (0.0,) * 5


class World(Enum):
    """What is known of the frame that a data set's cameras stand in."""

    HEAD = "head"  # it is the head's frame, as captures have it
    FACE_MODEL = "face model"  # metres, x to the head's left, y up, z to the front, origin in the middle of the face
    UNKNOWN = "unknown"  # any axes, any unit


@dataclass(frozen=True)
class SetPicture:
    """One picture of a data set.

    Args:
        path: the picture's file.
        camera, frame: which row of the capture it will be.
        size: width and height in pixels that `K` is of; the file may be of another size with the same aspect.
        K: (3, 3) float64, pixels, pixel centres at +0.5.
        pose: (4, 4) float64, rigid, camera to world, OpenCV axes (x right, y down, z forward).
        test: held out by the data set's makers; None where they do not say.
        lens: OpenCV's distortion k1, k2, p1, p2, k3.
        foreground: a grey picture, 0 where the person is not; None: alpha says so, or nothing does.
        parsing: a picture of the regions in face parsing's colours.
        teeth: a numpy file of the pixels that show teeth.
        points: a text file of 68 landmarks.
    """

    path: Path
    camera: int
    frame: int
    size: tuple[int, int]
    K: np.ndarray
    pose: np.ndarray
    test: bool | None = None
    lens: tuple[float, ...] = NO_LENS
    foreground: Path | None = None
    parsing: Path | None = None
    teeth: Path | None = None
    points: Path | None = None


@dataclass
class DataSet:
    """Pictures by camera and then by frame, as captures have them.

    Args:
        name: the person's or the set's name.
        fps: exact frames per second.
        world: what frame the poses lead to.
        expression: (P, 52) float32 ARKit weights that the set itself tells, or None.
        audio: its sound, whose time 0 is frame 0's, or None.
        warnings: what to tell the person.

    Raises:
        FormatError: no pictures, two pictures of one camera at one time, or more than captures hold.
    """

    name: str
    folder: Path
    fps: Fraction
    world: World
    pictures: list[SetPicture]
    expression: np.ndarray | None = None
    audio: Path | None = None
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.pictures:
            raise FormatError(f"{self.folder} names no pictures.", "Choose another data set.")
        order = sorted(range(len(self.pictures)), key=lambda k: (self.pictures[k].camera, self.pictures[k].frame))
        self.pictures = [self.pictures[k] for k in order]
        if self.expression is not None:
            if self.expression.shape != (len(order), len(EXPRESSION_NAMES)):
                raise ValueError(f"DataSet.expression is {self.expression.shape} for {len(order)} pictures.")
            self.expression = self.expression[order]
        for one, next_ in zip(self.pictures, self.pictures[1:]):
            if (one.camera, one.frame) == (next_.camera, next_.frame):
                raise FormatError(
                    f"{self.folder} has two pictures of camera {one.camera} at frame {one.frame}: {one.path.name} and "
                    f"{next_.path.name}.",
                    "Remove one of them from its JSON file.",
                )
        last = max(picture.frame for picture in self.pictures)
        if self.pictures[-1].camera >= MAX_CAMERAS or last > MAX_FRAME:
            raise FormatError(
                f"{self.folder} goes to camera {self.pictures[-1].camera} and frame {last}; captures hold "
                f"{MAX_CAMERAS} cameras and {MAX_FRAME} frames.",
                "Split the data set.",
            )

# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of one head as nerfstudio's transforms.json names them.

Format: https://docs.nerf.studio/quickstart/data_conventions.html. Intrinsics fl_x, fl_y, cx, cy, w, h, k1 to k4, p1 and
p2 stand at the top for all pictures or in each frame; camera_angle_x (and _y) may stand for a focal length, as in the
first NeRF's sets. transform_matrix leads from a camera with x right, y up and z backwards to a world of any axes and
unit; applied_transform and applied_scale say how that world came about, which nothing here needs. A frame's mask_path
is 0 where the picture is to be ignored.

Which pictures belong together in time: timestep_index and camera_index (or camera_id), as in GaussianAvatars' sets
(Qian et al. 2024), or `time`. Without any of these every picture is a moment of its own, seen by one camera that moves.

The first NeRF's files, transforms_train.json with transforms_val.json and transforms_test.json, are read as well.
`"emosplat_world": "head"` says that the world is the head's frame in metres: our own captures come back as they were.
"""

import math
from collections.abc import Hashable
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...errors import FormatError
from ..storage import MAX_FRAME, MAX_SIDE
from ..transforms import OPENCV_TO_OPENGL, WORLD_KEY
from .data_set import DataSet, SetPicture, World
from .strangers import AGAIN, entries, inside, number, picture_size, read_json, rigid_matrix, whole_number

ONE_FILE = "transforms.json"
SPLIT_FILES = ("transforms_train.json", "transforms_val.json", "transforms_test.json")
FPS = Fraction(25)
MAX_FOCAL = 1e6
LENS = ("k1", "k2", "p1", "p2", "k3")  # in OpenCV's order
PINHOLES = ("OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "PERSPECTIVE")
SOUNDS = ("audio.wav", "audio.flac", "aud.wav")


def is_nerfstudio(folder: Path) -> bool:
    """Whether a folder has such files."""
    return any((folder / name).is_file() for name in (ONE_FILE, SPLIT_FILES[0]))


def read_nerfstudio(folder: Path, fps: Fraction | None = None) -> DataSet:
    """What such a folder says of itself.

    Args:
        fps: frames per second; the format does not say. 25 where None.

    Raises:
        FormatError: whatever is wrong, in one sentence.
    """
    files = [folder / ONE_FILE]
    if not files[0].is_file():
        files = [folder / name for name in SPLIT_FILES if (folder / name).is_file()]
    found, seen, own = [], set(), True
    for path in files:
        data = read_json(path)
        own = own and data.get(WORLD_KEY) == "head"
        held = _held_out(data, path, is_one=path.name == ONE_FILE, alone=len(files) == 1)
        for entry in entries(data, path):
            name = entry.get("file_path")
            if isinstance(name, str) and name not in seen:
                seen.add(name)
                test = held if isinstance(held, bool) or held is None else name in held
                found.append(_Entry(folder, path, {**data, **entry}, test))
    if not found:
        raise FormatError(f"{files[0]} names no pictures.", AGAIN)
    times, cameras = _moments(found)
    pictures = [entry.picture(camera, time) for entry, camera, time in zip(found, cameras, times)]
    audio = next((folder / name for name in SOUNDS if (folder / name).is_file()), None)
    return DataSet(
        name=folder.resolve().name, folder=folder, fps=fps or FPS, world=World.HEAD if own else World.UNKNOWN,
        pictures=pictures, audio=audio,
    )


def _held_out(data: dict, path: Path, is_one: bool, alone: bool) -> bool | None | set[str]:
    """Whether a file's pictures are held out, or which of them; None where nothing says so."""
    if not is_one:
        return None if alone else path.name != SPLIT_FILES[0]
    lists = [data.get(name) for name in ("val_filenames", "test_filenames")]
    if "train_filenames" not in data and not any(lists):
        return None
    for names in lists:
        if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
            raise FormatError(f"{path}: val_filenames and test_filenames must be lists of names.", AGAIN)
    return {name for names in lists for name in names or []}


class _Entry:
    """One frame of a transforms file, with what stands at the file's top beneath it."""

    def __init__(self, folder: Path, path: Path, values: dict, test: bool | None) -> None:
        self.path, self.values, self.test = path, values, test
        self.name = values["file_path"]
        self.file = _with_suffix(inside(folder, self.name, path))
        mask = values.get("mask_path") or values.get("fg_mask_path")
        self.mask = inside(folder, mask, path) if mask else None

    def index(self, name: str) -> int | None:
        value = self.values.get(name)
        return None if value is None else whole_number(value, f"{name} of {self.name:.80}", self.path, MAX_FRAME)

    def time(self) -> float | None:
        value = self.values.get("time")
        return None if value is None else number(value, f"time of {self.name:.80}", self.path, -1e9, 1e9)

    def camera(self) -> Hashable:
        """What the file calls the camera, or None."""
        for name in ("camera_index", "camera_id", "camera"):
            value = self.values.get(name)
            if isinstance(value, (int, str)):
                return value
        return None

    def picture(self, camera: int, frame: int) -> SetPicture:
        model = self.values.get("camera_model", "OPENCV")
        if model not in PINHOLES or self.values.get("k4"):  # k4: nerfstudio and OpenCV mean different things
            raise FormatError(
                f"{self.path} has cameras of the model {model!r:.40} with k4 = {self.values.get('k4', 0)!r:.20}; "
                "captures hold pinhole cameras.",
                "Undistort the pictures first.",
            )
        size = self._size()
        pose = rigid_matrix(self.values.get("transform_matrix"), f"the transform_matrix of {self.name:.80}", self.path)
        lens = tuple(number(self.values.get(name, 0.0), name, self.path, -1e3, 1e3) for name in LENS)
        if self.mask and not self.mask.is_file():
            raise FormatError(f"There is no mask {self.mask}.", AGAIN)
        return SetPicture(
            path=self.file, camera=camera, frame=frame, size=size, K=self._intrinsics(size), test=self.test, lens=lens,
            pose=pose @ OPENCV_TO_OPENGL, foreground=self.mask,
        )

    def _size(self) -> tuple[int, int]:
        if not self.file.is_file():
            raise FormatError(f"There is no picture {self.file}, which {self.path.name} names.", AGAIN)
        given = [self.values.get(name) for name in ("w", "h")]
        if None in given:
            return picture_size(self.file)
        width, height = (whole_number(value, name, self.path, MAX_SIDE * 4) for name, value in zip("wh", given))
        if not min(width, height):
            raise FormatError(f"{self.path}: w and h are {width} and {height}.", AGAIN)
        return width, height

    def _intrinsics(self, size: tuple[int, int]) -> np.ndarray:
        """(3, 3) pinhole matrix for pictures of this size."""
        focal_x = self._focal("fl_x", "camera_angle_x", size[0])
        focal_y = self._focal("fl_y", "camera_angle_y", size[1])
        if focal_x is None and focal_y is None:
            raise FormatError(f"{self.path} has neither fl_x nor camera_angle_x for {self.name:.80}.", AGAIN)
        middle = []
        for name, side in zip(("cx", "cy"), size):
            middle.append(number(self.values.get(name, side / 2), name, self.path, -side, 2 * side))
        x, y = focal_x or focal_y, focal_y or focal_x
        return np.array([[x, 0, middle[0]], [0, y, middle[1]], [0, 0, 1]])

    def _focal(self, name: str, angle_name: str, side: int) -> float | None:
        if self.values.get(name) is not None:
            return number(self.values[name], name, self.path, 1, MAX_FOCAL)
        if self.values.get(angle_name) is not None:
            angle = number(self.values[angle_name], angle_name, self.path, 1e-3, math.pi - 1e-3)
            return side / 2 / math.tan(angle / 2)
        return None


def _with_suffix(file: Path) -> Path:
    """The first NeRF's files leave out the suffix."""
    if file.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"):
        return file
    return next((full for suffix in (".png", ".jpg") if (full := Path(f"{file}{suffix}")).is_file()), file)


def _moments(found: list[_Entry]) -> tuple[list[int], list[int]]:
    """Frame and camera of every entry."""
    by_name = sorted(range(len(found)), key=lambda k: found[k].name)
    called = [entry.camera() for entry in found]
    if any(name is not None for name in called):
        ranks = {name: rank for rank, name in enumerate(sorted(set(called), key=lambda name: (str(type(name)), name)))}
        keeps = all(isinstance(name, int) and 0 <= name < 1000 for name in called)
        cameras = called if keeps else [ranks[name] for name in called]
    else:
        cameras = None
    steps = [entry.index("timestep_index") for entry in found]
    if all(step is not None for step in steps):
        times = steps
    elif all(entry.time() is not None for entry in found):
        ranks = {time: rank for rank, time in enumerate(sorted({entry.time() for entry in found}))}
        times = [ranks[entry.time()] for entry in found]
    else:
        times = _counted(by_name, cameras or [0] * len(found))
    return times, cameras or _counted(by_name, times)


def _counted(order: list[int], groups: list[int]) -> list[int]:
    """The how-manieth of its group each entry is, counted in this order."""
    counts: dict[int, int] = {}
    result = [0] * len(order)
    for k in order:
        result[k] = counts.get(groups[k], 0)
        counts[groups[k]] = result[k] + 1
    return result

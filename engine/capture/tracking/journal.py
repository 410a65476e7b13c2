# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen in each frame of a film, on disk while a capture is made: memory stays flat however long the film is,
and a tracking pass that was broken off goes on.

Record k is frame k. Frames that the film does not have are records of zeros, which take no space on most disks.
"""

from pathlib import Path

import numpy as np

from ...disk_rows import DiskRows, blocks
from ...errors import StorageError
from ...files import storage_error
from .covering import SPOTS
from .flaws import THUMBNAIL
from .landmarks import LANDMARKS, Face, FaceTracks

RECORD = np.dtype(
    [
        ("there", "u1"), ("faces", "u1"), ("landmarks", "<f4", (LANDMARKS, 3)), ("blendshapes", "<f4", (52,)),
        ("transform", "<f4", (4, 4)), ("other", "<f4", (4,)), ("sharpness", "<f4"), ("skin", "u1", (len(SPOTS), 3)),
        ("thumbnail", "u1", (THUMBNAIL, THUMBNAIL)),
    ]
)  # fmt: skip
FLUSHED = 50  # records; so many are lost at most when the process is killed


class TrackJournal:
    """Appends records to a file, or goes on with those that it holds.

    Args:
        path: made if it is not there.

    `frames` is the number of the frame that comes next.

    Raises:
        StorageError: the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._file = open(path, "r+b" if path.exists() else "w+b")
            self.frames = self._file.seek(0, 2) // RECORD.itemsize
            self._file.truncate(self.frames * RECORD.itemsize)
        except OSError as error:
            raise storage_error(error, path) from error

    def __enter__(self) -> "TrackJournal":
        return self

    def __exit__(self, *_) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise storage_error(error, self._path) from error

    def add(
        self, frame: int, faces: list[Face], scale: np.ndarray, sharpness: float, skin: np.ndarray | None,
        thumbnail: np.ndarray,
    ) -> None:
        """Append a frame.

        Args:
            frame: its number; must be larger than the last one's.
            faces: the followed one first.
            scale: (2,) film pixels per pixel of the picture that was looked at, across and down.
            skin: from `covering.skin_colours`, or None without a face.
        """
        if frame < self.frames:
            raise ValueError(f"Frame {frame} comes after frame {self.frames - 1}.")
        record = np.zeros((), RECORD)
        record["there"], record["faces"], record["sharpness"], record["thumbnail"] = 1, len(faces), sharpness, thumbnail
        record["transform"] = np.eye(4)
        if faces:
            record["skin"] = skin
            record["landmarks"] = faces[0].landmarks * [*scale, scale[0]]
            record["blendshapes"], record["transform"] = faces[0].blendshapes, faces[0].transform
        if len(faces) > 1:
            record["other"] = faces[1].box * [*scale, *scale]
        try:
            self._file.seek(frame * RECORD.itemsize)
            self._file.write(record.tobytes())
            self.frames = frame + 1
            if self.frames % FLUSHED == 0:
                self._file.flush()
        except OSError as error:
            raise storage_error(error, self._path) from error

    def found(self) -> int:
        """How many of its frames show a face."""
        self._file.flush()
        return int((read_columns(self._path, "faces")["faces"] > 0).sum())


def column(path: Path, field: str) -> DiskRows:
    """One field of a journal's records, on the disk. Raises StorageError."""
    try:
        return DiskRows(path, RECORD, path.stat().st_size // RECORD.itemsize, field=field)
    except OSError as error:
        raise StorageError(f"{path} could not be read ({error.strerror}).", "Start the capture again.") from error


def read_columns(path: Path, *fields: str) -> dict[str, np.ndarray]:
    """Some small fields of all records, (T, ...) each, in memory. Raises StorageError."""
    records = column(path, "")
    columns = {field: np.empty((len(records), *RECORD[field].shape), RECORD[field].base) for field in fields}
    for part in blocks(len(records)):
        some = records[part]
        for field, values in columns.items():
            values[part] = some[field]
    return columns


def read_tracks(path: Path, size: tuple[int, int]) -> FaceTracks:
    """A journal as tracks; landmarks, blendshapes and transforms stay on the disk. `size`: the film's width and height.
    Raises StorageError."""
    small = read_columns(path, "faces", "other")
    return FaceTracks(
        landmarks=column(path, "landmarks"), blendshapes=column(path, "blendshapes"),
        transforms=column(path, "transform"), found=small["faces"] > 0, faces=small["faces"].astype(np.int32),
        others=small["other"], size=size,
    )

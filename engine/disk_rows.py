# SPDX-License-Identifier: GPL-3.0-or-later
"""Tables too large for memory: rows that stay in a file and are read when somebody asks for them.

No memory map: what a map has touched counts as the process's memory, and Windows deletes and renames no file that is
mapped. Here the file is open only while rows are read.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from .errors import StorageError
from .files import whole_file

BLOCK = 256  # rows at once, wherever a long table is gone through


def blocks(rows: int, size: int | None = None) -> Iterator[slice]:
    """Yield slices of `size` rows (BLOCK if None) that cover `rows` rows in order."""
    size = size or BLOCK
    for first in range(0, rows, size):
        yield slice(first, min(first + size, rows))


class DiskRows:
    """Equal rows that follow each other in a file, indexed as the first axis of an array is: by a number, a slice, an
    array of numbers or of bool. What comes out is an array in memory.

    Args:
        path: the file; rows are read as it is then.
        row: what a row is: (dtype, shape), or a structured dtype.
        rows: how many there are.
        offset: byte at which the first begins.
        field: of a structured row, the one that is wanted; all of it if "".
    """

    def __init__(self, path: Path, row: np.dtype, rows: int, offset: int = 0, field: str = "") -> None:
        self._path, self._row, self._rows, self._offset, self._field = Path(path), np.dtype(row), rows, offset, field
        wanted = self._row[field] if field else self._row
        self.dtype, self.shape = wanted.base, (rows, *wanted.shape)

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, key) -> np.ndarray:
        if isinstance(key, slice) and key.step in (None, 1):
            first, last, _ = key.indices(self._rows)
            return self._read([(first, max(first, last))])
        at = np.arange(self._rows)[key]
        if at.ndim == 0:
            return self._read([(int(at), int(at) + 1)])[0]
        ends = [0, *(np.flatnonzero(np.diff(at) != 1) + 1).tolist(), len(at)]
        return self._read([(int(at[a]), int(at[b - 1]) + 1) for a, b in pairwise(ends) if b > a])

    def part(self, first: int, end: int) -> "DiskRows":
        """The rows from `first` to before `end`, still on the disk."""
        at = self._offset + first * self._row.itemsize
        return DiskRows(self._path, self._row, end - first, at, self._field)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)

    def _read(self, runs: list[tuple[int, int]]) -> np.ndarray:
        """The rows of some (first, end), in that order. Raises StorageError."""
        found = np.empty((sum(end - first for first, end in runs), *self.shape[1:]), self.dtype)
        done = 0
        try:
            with open(self._path, "rb") as file:
                for start, end in runs:
                    for first in range(start, end, BLOCK):
                        count = min(BLOCK, end - first)
                        file.seek(self._offset + first * self._row.itemsize)
                        some = np.fromfile(file, self._row, count)
                        if len(some) < count:
                            raise StorageError(f"{self._path} is cut off.", "Make it again.")
                        found[done : done + count] = some[self._field] if self._field else some
                        done += count
        except OSError as error:
            raise StorageError(f"{self._path} could not be read ({error.strerror}).", "Make it again.") from error
        return found


def write_rows(path: Path, parts: Iterable[np.ndarray], row: np.dtype) -> DiskRows:
    """Write rows (n, ...) part by part, a whole file or none. `row`: see `DiskRows`. Raises StorageError."""
    row, rows = np.dtype(row), 0
    with whole_file(path) as part_path, open(part_path, "wb") as file:
        for part in parts:
            file.write(np.ascontiguousarray(part, row.base))
            rows += len(part)
    return DiskRows(path, row, rows)

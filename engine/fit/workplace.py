# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder beside a head in which it is fitted: NAME.fit holds the report, and while the fit lasts, its work.

A fit that was cut off goes on there; a fit of something else begins anew. Two fits never share one.
"""

import json
import os
import shutil
from pathlib import Path

from ..errors import InputError, StorageError
from ..files import make_folder, storage_error, write_text

JOURNAL, LOCK, WORK = "journal.json", "lock", "work"
BEST = "best.emohead"


class Workplace:
    """Use it in a `with`: the lock goes at its end, however that comes.

    Args:
        out: the head's file.
        plan: what is fitted and how, as JSON holds it: everything that changes the result.

    Raises:
        StorageError: `out` or the folder is taken by something else, or the disk refuses.
        InputError: another fit is at work there.
    """

    def __init__(self, out: Path, plan: dict) -> None:
        self.out = Path(os.path.abspath(out))
        self.folder = self.out.with_suffix(".fit")
        if self.out.exists():
            raise StorageError(f"{self.out} exists.", "Choose another file, or delete it first.")
        make_folder(self.out.parent)
        if self.folder.exists() and not (self.folder.is_dir() and self._is_ours()):
            raise StorageError(f"{self.folder} exists and is not a fit's.", "Delete it or choose another name.")
        make_folder(self.folder)
        self._lock = _Lock(self.folder / LOCK, self.out)
        text = json.dumps(plan, sort_keys=True, allow_nan=False)
        try:
            if (self.folder / JOURNAL).exists() and (self.folder / JOURNAL).read_text(encoding="utf-8") == text:
                return
            for name in (WORK, "report"):
                shutil.rmtree(self.folder / name, ignore_errors=True)
            (self.folder / BEST).unlink(missing_ok=True)
            write_text(self.folder / JOURNAL, text)
        except OSError as error:
            self._lock.release()
            raise storage_error(error, self.folder / JOURNAL) from error
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> "Workplace":
        return self

    def __exit__(self, *_) -> None:
        self._lock.release()

    @property
    def work(self) -> Path:
        """Where pictures and the checkpoint lie."""
        return self.folder / WORK

    @property
    def best(self) -> Path:
        """The best head so far; there from the first minute on, and gone when the fit is done."""
        return self.folder / BEST

    def clear(self) -> None:
        """Delete what only a fit that goes on would want."""
        shutil.rmtree(self.work, ignore_errors=True)
        for name in (BEST, JOURNAL):
            (self.folder / name).unlink(missing_ok=True)

    def _is_ours(self) -> bool:
        names = {path.name for path in self.folder.iterdir()}
        return not names or bool(names & {JOURNAL, LOCK, "fit_report.html"})


class _Lock:
    """A lock that the system takes back when the process dies."""

    def __init__(self, path: Path, out: Path) -> None:
        try:
            self._file = open(path, "a+b")
        except OSError as error:
            raise storage_error(error, path) from error
        try:
            if os.name == "nt":
                import msvcrt

                self._file.seek(0)
                msvcrt.locking(self._file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise InputError(f"{out} is being fitted already.", "Wait for that fit, or choose another file.") from None

    def release(self) -> None:
        self._file.close()

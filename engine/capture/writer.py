# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures on disk, written: a folder appears under its name only when it is whole, and a broken-off one goes on."""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..errors import InputError, StorageError
from ..files import make_folder, storage_error, whole_file, write_text
from ..render.images import write_png
from ..report import Report
from ..tensors import DTYPES, write_tensors
from .capture import Capture, picture_stem
from .review.review import write_report
from .storage import (
    AUDIO_FILE, CAPTURE_JSON, FRAMES, MASKS, SPEC, TRACKS, TRACKS_FILE, TRANSFORMS, VERSION, find_pictures, to_json,
)
from .transforms import transforms_json

JOURNAL = "journal.json"
WORK = "work"


class CaptureWriter:
    """Writes a capture in `FOLDER.part` and renames it when it is whole.

    A picture has its final name only when it is whole, so the files themselves say how far an earlier try came; the
    journal says of what it was. The same plan goes on there, another one begins anew.

    Args:
        folder: where the capture will be; must not exist, or be empty.
        plan: what is captured and how, as JSON holds it: everything that changes a picture.

    Raises:
        StorageError: the folder is taken, or cannot be written.
    """

    def __init__(self, folder: str | Path, plan: dict) -> None:
        self.folder = Path(os.path.abspath(folder))
        if self.folder.is_symlink():  # no folder can be renamed onto a link
            self.folder = self.folder.resolve()
        if not self.folder.name:
            raise StorageError(f"{self.folder} is a whole disk, no folder for a capture.", "Choose a folder in it.")
        self._part = self.folder.with_name(f"{self.folder.name}.part")
        if self.folder.exists() and not (self.folder.is_dir() and not any(self.folder.iterdir())):
            raise StorageError(f"{self.folder} exists.", "Choose another folder, or delete it first.")
        journal = self._part / JOURNAL
        text = json.dumps(plan, sort_keys=True, allow_nan=False)
        if self._part.exists() and not self._is_of(journal, text):
            self._clear(journal)
        for kind in (FRAMES, MASKS, WORK):
            make_folder(self._part / kind)
        write_text(journal, text)

    @property
    def work(self) -> Path:
        """A folder for what a later try may go on with and the capture does not keep."""
        return self._part / WORK

    def discard(self) -> None:
        """Delete what was begun: of this source there will be no capture."""
        try:
            for kind in (WORK, FRAMES, MASKS):
                shutil.rmtree(self._part / kind)
            shutil.rmtree(self._part)
        except OSError:
            pass  # the journal goes last, so that what stays is a capture that was begun, and can be cleared as such

    def has(self, camera: int, frame: int) -> bool:
        """Whether an earlier try, or this one, wrote this picture and its mask."""
        name = f"{picture_stem(camera, frame)}.png"
        return all(_is_whole_png(self._part / kind / name) for kind in (FRAMES, MASKS))

    def add(self, camera: int, frame: int, image: np.ndarray, mask: np.ndarray) -> None:
        """Write a picture.

        Args:
            image: (H, W, 3) uint8 sRGB, or (H, W, 4) with straight alpha.
            mask: (H, W) uint8 indices into REGIONS.

        Raises:
            StorageError: the disk refuses.
        """
        if image.dtype != np.uint8 or mask.dtype != np.uint8 or image.shape[:2] != mask.shape:
            raise ValueError(f"A picture and its mask are uint8 of one size, not {image.shape} and {mask.shape}.")
        name = f"{picture_stem(camera, frame)}.png"
        write_png(self._part / FRAMES / name, image)
        write_png(self._part / MASKS / name, mask)

    def link(self, camera: int, frame: int, picture: Path, mask: Path) -> None:
        """Take a picture and its mask, PNGs that the caller has checked, as they are: linked where the disk can, else
        copied.

        Raises:
            StorageError: the disk refuses.
        """
        name = f"{picture_stem(camera, frame)}.png"
        for kind, source in ((FRAMES, picture), (MASKS, mask)):
            with whole_file(self._part / kind / name) as part:
                try:
                    os.link(source, part)
                except OSError:  # another disk, or one without links
                    shutil.copyfile(source, part)

    def finish(
        self, capture: Capture, audio: tuple[Iterable[np.ndarray], int] | None, report: Report | None = None
    ) -> Path:
        """Write tracks, sound and the report and give the folder its name. Pictures that no row names are deleted.

        Args:
            capture: the report's advice is added to its warnings.
            audio: mono float32 pieces on the pictures' clock and their samples per second, or None.

        Returns:
            The folder.

        Raises:
            InputError: a row's picture was never added.
            StorageError: the disk refuses.
            Cancelled: the person asked to stop; the same plan goes on from here.
        """
        self._match(capture)
        (self._part / AUDIO_FILE).unlink(missing_ok=True)
        if audio is not None:
            _write_flac(self._part / AUDIO_FILE, *audio)
        tensors = {name: getattr(capture, name) for name in SPEC if getattr(capture, name) is not None}
        for name, value in tensors.items():
            if isinstance(value, np.ndarray):
                tensors[name] = value.astype(DTYPES[SPEC[name].dtype], copy=False)
        write_tensors(self._part / TRACKS_FILE, TRACKS, VERSION, {}, tensors)
        with whole_file(self._part / TRANSFORMS) as part, open(part, "w", encoding="utf-8") as file:
            file.writelines(transforms_json(capture))
        advice = write_report(self._part, capture, report)
        capture.warnings += [text for text in advice if text not in capture.warnings]
        write_text(self._part / CAPTURE_JSON, json.dumps(to_json(capture), indent=1, allow_nan=False))
        try:
            shutil.rmtree(self.work)
            if self.folder.exists():
                self.folder.rmdir()
            os.replace(self._part, self.folder)
            (self.folder / JOURNAL).unlink()  # last: a folder without it is nothing that may be gone on with
        except OSError as error:
            raise storage_error(error, self.folder) from error
        return self.folder

    def _match(self, capture: Capture) -> None:
        for kind in (FRAMES, MASKS):
            there, others = find_pictures(self._part / kind, capture)
            if not there.all():
                name = f"{capture.stem(int(there.argmin()))}.png"
                raise InputError(f"The capture names {name}, which has no picture.", "Start the capture again.")
            for name in others:
                (self._part / kind / name).unlink()

    @staticmethod
    def _is_of(journal: Path, text: str) -> bool:
        try:
            return journal.read_text(encoding="utf-8") == text
        except (OSError, ValueError):
            return False

    def _clear(self, journal: Path) -> None:
        """Delete an earlier try, and nothing that is none."""
        ours = self._part.is_dir() and (journal.is_file() or not any(self._part.iterdir()))
        if not ours:
            raise StorageError(f"{self._part} exists and is no capture that was begun.", "Delete it or choose another.")
        try:
            shutil.rmtree(self._part)
        except OSError as error:
            raise storage_error(error, self._part / JOURNAL) from error


def _is_whole_png(path: Path) -> bool:
    """A file that a power cut left without its end is none."""
    try:
        with open(path, "rb") as file:
            file.seek(-12, os.SEEK_END)
            return file.read(12) == b"\0\0\0\0IEND\xaeB`\x82"
    except OSError:
        return False


def _write_flac(path: Path, pieces: Iterable[np.ndarray], rate: int) -> None:
    import soundfile

    try:
        with whole_file(path) as part:
            with soundfile.SoundFile(part, "w", rate, 1, subtype="PCM_16", format="FLAC") as sound:
                for piece in pieces:  # rounded here: what was 16 bit before comes out as it was
                    sound.write(np.clip(np.rint(piece * 32768.0), -32768, 32767).astype(np.int16))
    except soundfile.LibsndfileError as error:  # what the disk refuses, libsndfile says in its own words
        raise StorageError(f"{path} could not be written ({error}).", "Free some space or choose another.") from error

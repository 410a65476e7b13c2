# SPDX-License-Identifier: GPL-3.0-or-later
"""The first pass over a film: its face in every frame, and some pictures to learn masks from. It can be broken off."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from ..disk_rows import DiskRows
from ..errors import InputError, StorageError
from ..files import make_folder, whole_file, write_text
from ..report import Report
from .tracking.covering import skin_colours
from .tracking.flaws import sharpness, thumbnail
from .tracking.journal import TrackJournal, column, read_columns, read_tracks
from .tracking.landmarks import FaceTracks, follow, no_face
from .video import VideoInfo, VideoPicture, pictures

# MediaPipe looks at a face in 256 x 256 pixels, and at the picture for one in fewer.
LONGEST_SIDE = 1280
WARM_UP = 12  # frames that the tracker sees again after a break: it follows the face from frame to frame
MOST_SAMPLES = 240
SAMPLE_SIDE = 640
MOST_SECONDS = 4 * 3600
JOURNAL, DONE, SAMPLES = "tracks.journal", "tracks.done", "samples"


@dataclass
class SeenFilm:
    """What the first pass saw in T frames.

    Args:
        tracks: in the film's pixels.
        there: (T,) bool, frames that the film has.
        sharpness: (T,) float32, see `flaws.sharpness`.
        skin: (T, S, 3) uint8 on the disk, see `covering.skin_colours`.
        thumbnails: (T, 32, 32) uint8 on the disk.
        samples: small pictures spread over the frames with a face: frame -> file.
    """

    tracks: FaceTracks
    there: np.ndarray
    sharpness: np.ndarray
    skin: DiskRows
    thumbnails: DiskRows
    samples: dict[int, Path]

    def sample(self, frame: int) -> np.ndarray:
        """A sample's picture, (H, W, 3) uint8, smaller than the film's."""
        with Image.open(self.samples[frame]) as image:
            return np.asarray(image.convert("RGB"))


def track_film(info: VideoInfo, fps: Fraction, folder: Path, model: Path, report: Report) -> SeenFilm:
    """See a whole film, or the rest of it where an earlier try left its journal in `folder`.

    Raises:
        InputError: no face, a still picture, or longer than four hours.
        StorageError: the disk refuses.
    """
    if not (folder / DONE).exists():
        with TrackJournal(folder / JOURNAL) as journal:
            _see(info, fps, folder, model, journal, report)
        write_text(folder / DONE, "")
    tracks = read_tracks(folder / JOURNAL, (info.width, info.height))
    if not tracks.found.any():
        raise no_face(len(tracks))
    small = read_columns(folder / JOURNAL, "there", "sharpness")
    samples = {int(path.stem): path for path in sorted((folder / SAMPLES).iterdir())}
    return SeenFilm(
        tracks, small["there"] > 0, small["sharpness"], column(folder / JOURNAL, "skin"),
        column(folder / JOURNAL, "thumbnail"),
        {frame: path for frame, path in samples.items() if tracks.found[frame]},
    )


def opaque(image: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 of a picture that may have alpha: what is transparent becomes grey."""
    if image.shape[2] == 3:
        return image
    alpha = image[..., 3:].astype(np.uint16)
    return ((image[..., :3] * alpha + 128 * (255 - alpha)) // 255).astype(np.uint8)


def _see(info: VideoInfo, fps: Fraction, folder: Path, model: Path, journal: TrackJournal, report: Report) -> None:
    start = journal.frames
    samples = _Samples(make_folder(folder / SAMPLES), start, journal.found())
    waiting: list[VideoPicture] = []

    def shown() -> Iterator[np.ndarray]:
        for picture in pictures(info, fps, LONGEST_SIDE, report):
            if picture.frame > MOST_SECONDS * fps:
                raise InputError(f"{info.path} is longer than {MOST_SECONDS // 3600} hours.", "Cut it into pieces.")
            if picture.frame >= start - WARM_UP:
                waiting.append(picture)
                yield opaque(picture.image)

    total = round(info.seconds * fps)
    for faces in follow(shown(), model, float(fps), report, total, max(start - WARM_UP, 0)):
        picture = waiting.pop()
        if picture.frame < start:
            continue
        image = opaque(picture.image)
        sharp = sharpness(image, faces[0].landmarks) if faces else 0.0
        skin = skin_colours(image, faces[0].landmarks) if faces else None
        if faces:
            samples.offer(picture.frame, image)
        scale = np.array([info.width / image.shape[1], info.height / image.shape[0]])
        journal.add(picture.frame, faces, scale, sharp, skin, thumbnail(image))


class _Samples:
    """Keeps every n-th of the pictures that it is offered, n such that there are never more than MOST_SAMPLES."""

    def __init__(self, folder: Path, start: int, offered: int) -> None:
        self._folder, self._offered, self._stride = folder, offered, 1
        for path in folder.iterdir():
            if not path.stem.isdigit() or int(path.stem) >= start:
                path.unlink()  # half written, or of a frame whose record was lost
        while offered > self._stride * MOST_SAMPLES:
            self._stride *= 2

    def offer(self, frame: int, image: np.ndarray) -> None:
        if self._offered % self._stride == 0:
            height, width = image.shape[:2]
            scale = min(1.0, SAMPLE_SIDE / max(height, width))
            size = max(1, round(width * scale)), max(1, round(height * scale))
            small = Image.fromarray(image).resize(size, Image.Resampling.BOX)
            with whole_file(self._folder / f"{frame:07d}.jpg") as part:
                small.save(part, format="JPEG", quality=95, subsampling=0)
        self._offered += 1
        if self._offered > self._stride * MOST_SAMPLES:
            self._thin_out()

    def _thin_out(self) -> None:
        self._stride *= 2
        try:
            for path in sorted(self._folder.glob("*.jpg"))[1::2]:
                path.unlink()
        except OSError as error:
            raise StorageError(f"{self._folder} could not be used ({error.strerror}).", "Check the disk.") from error

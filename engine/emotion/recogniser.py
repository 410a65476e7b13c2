# SPDX-License-Identifier: GPL-3.0-or-later
"""Who hears the emotion in a voice: the model that ships, or one of the user's own."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from ..errors import FormatError, MissingModelError
from ..prior.frontends import FrontEnd
from ..prior.storage import digest
from ..report import Report
from .model import EmotionModel, load_model, shipped_model
from .personal import PersonalEmotion, with_layers
from .waveform import Waveform, open_waveform

INSTEAD = "Or use the emotion model that ships, which needs none."


@dataclass(frozen=True)
class Recogniser:
    """An emotion model, and what it listens to."""

    model: EmotionModel
    waveform: Waveform

    def own_front_end(self) -> FrontEnd | None:
        """A new front end for one sound; None where the model listens to Prior Extraction's."""
        return self.waveform.front_end() if self.waveform.source.pipeline else None

    def knowing(self, person: PersonalEmotion | None, report: Report) -> "Recogniser":
        """The same with a person's last layers, where they have some.

        Warns where these belong to another model: then the voice is heard as anybody's.
        """
        if person is None:
            return self
        if person.model != digest(self.model):
            report.warning("The head was taught with another emotion model: its voice is heard as anybody's. Fit it "
                           "again, or choose the model that it was fitted with.")
            return self
        return replace(self, model=with_layers(self.model, person.layers))


@lru_cache(maxsize=1)
def shipped_recogniser() -> Recogniser:
    """The model that ships, read once. Raises FormatError."""
    model, source = shipped_model()
    return Recogniser(model, open_waveform(source, Report()))


_opened: dict[tuple, Recogniser] = {}  # the latest


def open_recogniser(path: str, report: Report, allow_download: bool = False) -> Recogniser:
    """The model of a file, read once, or the one that ships.

    Args:
        path: what assets/emotion/export.py wrote; "" for the model that ships.
        report: told "download".
        allow_download: the pipeline that the model listens to may be fetched from its maker's page.

    Raises:
        FormatError: the file cannot be used.
        MissingModelError: the pipeline's weights are not there and may not be fetched, or cannot be used.
        MissingPackageError: torchaudio is not there.
    """
    if not path:
        return shipped_recogniser()
    file = Path(path)
    key = (file.absolute(), file.stat().st_mtime_ns, file.stat().st_size) if file.is_file() else ()
    if key not in _opened:
        recogniser = _open(file, report, allow_download)
        _opened.clear()
        _opened[key] = recogniser
    return _opened[key]


def _open(file: Path, report: Report, allow_download: bool) -> Recogniser:
    try:
        model, source = load_model(file)
    except FormatError as error:
        raise FormatError(error.what, "Choose what assets/emotion/export.py wrote, or nothing: one ships.") from None
    if digest(model.space) != digest(shipped_model()[0].space):
        raise FormatError(
            f"The students of {file} were taught another emotion space than the one that ships, which sliders and "
            "heads use.", "Train them again without --space.",
        )
    try:
        return Recogniser(model, open_waveform(source, report, allow_download))
    except MissingModelError as error:
        what = f"The emotion model {file.name} listens to {source.pipeline}. {error.what}"
        raise MissingModelError(what, f"{error.todo} {INSTEAD}") from None

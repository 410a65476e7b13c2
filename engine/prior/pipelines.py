# SPDX-License-Identifier: GPL-3.0-or-later
"""torchaudio's pretrained speech models, for those who allow the download: fetched once, checked, kept in a folder.

https://docs.pytorch.org/audio/stable/pipelines.html. Weights are loaded with weights_only: a file can be wrong, but not
run code.
"""

import hashlib
import json
import pickle
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import InputError, MissingModelError, MissingPackageError
from ..files import make_folder, require_space, whole_file, write_text
from ..report import Report

MAKERS_PAGE = "https://download.pytorch.org/torchaudio/models/"
PIECE = 1 << 20
LARGEST_FILE = 4_000_000_000
NAMES = ("HUBERT_BASE", "HUBERT_LARGE", "WAV2VEC2_BASE", "WAV2VEC2_XLSR53", "MMS_FA")


@dataclass(frozen=True)
class PipelineFile:
    """Where a model's weights come from.

    Args:
        name: of the file in the folder.
        url: the maker's page.
        sha256: what it must be; "" notes the first download's beside it and holds later ones to that.
        parameters: of torchaudio.models.wav2vec2_model.
        outputs_left_out: of the file's output layer, those that the model does without.
        normalised: whether the model wants sound of mean 0 and deviation 1.
    """

    name: str
    url: str
    sha256: str
    parameters: dict
    outputs_left_out: tuple[int, ...] = ()
    normalised: bool = False


def published(name: str) -> PipelineFile:
    """One of NAMES as torchaudio publishes it. Raises InputError, MissingPackageError."""
    if name not in NAMES:
        raise InputError(f"There is no speech model {name!r}.", f"Choose one of {', '.join(NAMES)}.")
    bundle = getattr(_torchaudio().pipelines, name)
    page, _, file = bundle._path.rpartition("/")
    url = bundle._path if page else MAKERS_PAGE + file
    left_out = tuple(getattr(bundle, "_remove_aux_axis", ()))  # special signs of a text that are no letters
    file = f"{name.lower()}.pth" if page else file
    return PipelineFile(file, url, "", bundle._params, left_out, bundle._normalize_waveform)


def load_pipeline(file: PipelineFile, folder: Path, report: Report, allow_download: bool = False) -> torch.nn.Module:
    """A torchaudio.models.Wav2Vec2Model with its weights, ready for use.

    Args:
        folder: where models are kept, in the extension's user folder.
        report: told "download".

    Raises:
        MissingModelError: the file is not there and may not be fetched, cannot be fetched, or is damaged.
        MissingPackageError: torchaudio is not there.
        StorageError: the folder cannot be written.
        Cancelled: nothing half-written stays.
    """
    torchaudio = _torchaudio()
    path = Path(folder) / file.name
    if not path.is_file():
        if not allow_download:
            what = f"The speech model {file.name} is not in {folder}."
            raise MissingModelError(what, "Allow the download of models.")
        _download(file, path, report)
    _check(file, path)
    model = torchaudio.models.wav2vec2_model(**file.parameters)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        for key in ("aux.weight", "aux.bias") if file.outputs_left_out else ():
            state[key] = torch.stack([row for k, row in enumerate(state[key]) if k not in file.outputs_left_out])
        model.load_state_dict(state)
    except (RuntimeError, ValueError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as error:
        raise _damaged(path, str(error).splitlines()[0][:200]) from None
    return model.eval().requires_grad_(False)


def _torchaudio():
    try:
        import torchaudio
    except (ImportError, OSError) as error:
        raise MissingPackageError(
            f"Speech models need the package torchaudio, which does not load here ({error}).",
            "Use the model that comes with the add-on, or choose an interpreter that has torchaudio.",
        ) from error
    return torchaudio


def _download(file: PipelineFile, path: Path, report: Report) -> None:
    make_folder(path.parent)
    try:
        with urllib.request.urlopen(file.url, timeout=30) as answer, whole_file(path) as part:
            total = int(answer.headers.get("Content-Length") or 0)
            if total > LARGEST_FILE:
                raise _damaged(path, f"{total / 1e9:.1f} GB are announced")
            require_space(path.parent, total)
            done = 0
            with part.open("wb") as out:
                while piece := answer.read(PIECE):
                    done += len(piece)
                    if done > LARGEST_FILE:
                        raise _damaged(path, "it does not end")
                    out.write(piece)
                    report.progress("download", done, max(total, done + 1))
            if total and done != total:
                raise _damaged(path, f"{done} of {total} bytes came")
            report.progress("download", done, done)
    except (urllib.error.URLError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise MissingModelError(
            f"{file.url} could not be fetched ({reason}).", "Look at the connection, or use the add-on's own model."
        ) from None


def _check(file: PipelineFile, path: Path) -> None:
    """Compare the file's digest with the one that it must have, or note it where there is none yet."""
    note = path.with_suffix(".json")
    digest = hashlib.sha256()
    with path.open("rb") as data:
        while piece := data.read(PIECE):
            digest.update(piece)
    wanted = file.sha256
    if not wanted and note.is_file():
        try:
            wanted = str(json.loads(note.read_text(encoding="utf-8"))["sha256"])
        except (ValueError, KeyError, TypeError):
            wanted = "unreadable"
    if not wanted:
        write_text(note, json.dumps({"url": file.url, "sha256": digest.hexdigest()}))
    elif wanted != digest.hexdigest():
        raise _damaged(path, "its sha256 is another one")


def _damaged(path: Path, why: str) -> MissingModelError:
    return MissingModelError(f"{path} is damaged or another file ({why}).", "Delete it, and let it be fetched again.")

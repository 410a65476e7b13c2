# SPDX-License-Identifier: GPL-3.0-or-later
"""Where MediaPipe's face model lies. `engine/data/models.json` says which file it is, for the build as well."""

import hashlib
import json
import os
from pathlib import Path

from ...errors import MissingModelError

FACE_LANDMARKER = "face_landmarker.task"
# A folder of models that comes before the bundled ones, for farms and tests.
FOLDER_VARIABLE = "EMOSPLAT_MODELS"
BUNDLED_FOLDER = Path(__file__).resolve().parents[2] / "data"
TODO = (
    "Reinstall the extension; in a source tree type: python3 build_addon.py setup. Or name a folder that holds "
    f"{FACE_LANDMARKER} in the environment variable {FOLDER_VARIABLE}."
)


def face_landmarker_path() -> Path:
    """The face model: the one in the folder that EMOSPLAT_MODELS names, else the bundled one.

    Raises:
        MissingModelError: there is none, or it is another file than the one that captures were tested with.
    """
    named = os.environ.get(FOLDER_VARIABLE, "")
    folders = ([Path(named)] if named else []) + [BUNDLED_FOLDER]
    path = next((folder / FACE_LANDMARKER for folder in folders if (folder / FACE_LANDMARKER).is_file()), None)
    if path is None:
        looked = " or ".join(str(folder) for folder in folders)
        raise MissingModelError(f"There is no face model {FACE_LANDMARKER} in {looked}.", TODO)
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise MissingModelError(f"The face model {path} cannot be read ({error.strerror}).", TODO) from error
    if found != _wanted_sha256():
        raise MissingModelError(f"{path} is damaged, or another face model than the add-on's.", TODO)
    return path


def _wanted_sha256() -> str:
    models = json.loads((BUNDLED_FOLDER / "models.json").read_text(encoding="utf-8"))
    return models[FACE_LANDMARKER]["sha256"]

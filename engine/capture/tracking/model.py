# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe and its face model, or what to do where one is missing.

`engine/data/models.json` says which file the model is, for the build as well.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

from ...errors import DLL_ERRORS, DLL_REMEDY, MissingModelError, MissingPackageError

FACE_LANDMARKER = "face_landmarker.task"
# A folder of models that comes before the bundled ones, for farms and tests.
FOLDER_VARIABLE = "EMOSPLAT_MODELS"
BUNDLED_FOLDER = Path(__file__).resolve().parents[2] / "data"
# What OpenCV, which MediaPipe imports, links to on Linux.
DEBIAN_PACKAGES = "libgl1, libglib2.0-0"
TODO = (
    "Reinstall the extension; in a source tree type: python3 build_addon.py setup. Or name a folder that holds "
    f"{FACE_LANDMARKER} in the environment variable {FOLDER_VARIABLE}."
)


def load_mediapipe():
    """The packages `mediapipe.tasks.python.vision` and `mediapipe`, with their native library.

    Raises:
        MissingPackageError: they are not here, or the library or one that it needs does not load.
    """
    try:
        import mediapipe
        import numpy as np
        from mediapipe.tasks.python import vision

        # Importing it loads no library yet; the first picture does.
        mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.zeros((1, 1, 3), np.uint8))
    except (ImportError, OSError) as error:
        raise MissingPackageError(
            f"Faces are tracked with the package mediapipe, which does not load here ({error}).", _remedy(error)
        ) from error
    return vision, mediapipe


def _remedy(error: Exception) -> str:
    if getattr(error, "winerror", None) in DLL_ERRORS:
        return DLL_REMEDY
    if sys.platform == "linux" and "cannot open shared object file" in str(error):
        return f"Install that library of the system (on Debian and Ubuntu one of {DEBIAN_PACKAGES})."
    return "Reinstall the add-on, or choose an interpreter that has it."


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
    if found != pinned(FACE_LANDMARKER)["sha256"]:
        raise MissingModelError(f"{path} is damaged, or another face model than the add-on's.", TODO)
    return path


def pinned(name: str) -> dict:
    """What `engine/data/models.json` says of a model: `url`, `sha256`, `bytes`, and for people `what` and `licence`."""
    return json.loads((BUNDLED_FOLDER / "models.json").read_text(encoding="utf-8"))[name]

# SPDX-License-Identifier: GPL-3.0-or-later
"""With which Python, and which packages, the engine is started."""

import os
import sys

from . import paths
from .preferences import EmoSplatPreferences, own_interpreter
from .worker import Launch


def engine_launch(chosen: EmoSplatPreferences) -> Launch:
    """How the preferences want the engine to be started.

    Bundled: Blender's own Python with the wheels that Blender unpacked. Own: that interpreter with its own packages.

    Raises:
        Problem: no interpreter is chosen, it does not exist, or the log cannot be written.
    """
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment["PYTHONUTF8"] = "1"
    search = [str(paths.EXTENSION_FOLDER)]
    if chosen.engine_python == "OWN":
        python = own_interpreter(chosen)
    else:
        python = sys.executable
        search.insert(0, str(paths.wheels_folder()))
        environment["PYTHONNOUSERSITE"] = "1"
    environment["PYTHONPATH"] = os.pathsep.join(search)
    return Launch(python, str(paths.EXTENSION_FOLDER), environment, paths.log_file())

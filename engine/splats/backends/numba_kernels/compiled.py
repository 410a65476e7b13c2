# SPDX-License-Identifier: GPL-3.0-or-later
"""@compiled: numba without the GIL, with machine code kept on disk between runs.

The code lies in the user's cache folder, since the package's own may be read-only (NUMBA_CACHE_DIR overrides it), and
where that cannot be written either, in a folder of this process alone. It is named by a hash of these sources, because
numba notices a change only in the file that it compiled, not in the files from which that one imports.
"""

import atexit
import hashlib
import logging
import os
import shutil
import tempfile
from pathlib import Path

import numba

from ....files import user_cache


def _sources_hash() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    engine = Path(__file__).parents[3]
    for path in sorted([*Path(__file__).parent.glob("*.py"), *(engine / "deform" / "kernels").glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _kernel_folder() -> str:
    try:
        folder = user_cache() / "kernels" / _sources_hash()
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return str(folder)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
        logging.getLogger(__name__).warning("Compiled kernels cannot be kept: %s", error)
    # Never a folder of a fixed name among everybody's temporary files: what lies there is loaded as code.
    folder = tempfile.mkdtemp(prefix="emosplat-kernels-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


if not numba.config.CACHE_DIR:
    numba.config.CACHE_DIR = _kernel_folder()

compiled = numba.njit(nogil=True, cache=True, error_model="numpy")

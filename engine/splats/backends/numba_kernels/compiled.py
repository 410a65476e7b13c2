# SPDX-License-Identifier: GPL-3.0-or-later
"""@compiled: numba without the GIL, with machine code kept on disk between runs.

The code lies in the user's cache folder, since the package's own may be read-only (NUMBA_CACHE_DIR overrides it). The
folder is named by a hash of these sources, because numba notices a change only in the file that it compiled, not in
the files from which that one imports.
"""

import hashlib
import os
import sys
from pathlib import Path

import numba


def _user_cache() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "EmoSplat" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "EmoSplat"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emosplat"


def _sources_hash() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


if not numba.config.CACHE_DIR:
    numba.config.CACHE_DIR = str(_user_cache() / "kernels" / _sources_hash())

compiled = numba.njit(nogil=True, cache=True, error_model="numpy")

# SPDX-License-Identifier: GPL-3.0-or-later
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine.errors import BackendError
from engine.splats.choose import BACKENDS, choose_backend, warm_up

ROOT = Path(__file__).resolve().parents[3]


def test_auto_says_what_and_why():
    name, why = choose_backend()
    assert name in BACKENDS and why.startswith(name)


def test_unknown_backend():
    with pytest.raises(BackendError, match="no splat backend 'metal'.*Choose auto, gsplat, numba, torch"):
        choose_backend("metal")


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is here")
def test_gsplat_by_name_without_cuda():
    with pytest.raises(BackendError, match="no CUDA.*Choose auto"):
        choose_backend("gsplat")


def test_warm_up_names_the_backend():
    assert warm_up() == choose_backend()[0]
    assert warm_up("torch") == "torch"


def test_kernels_compile_where_no_folder_can_keep_them(tmp_path):
    """A render farm's user without a home folder: slower to start, but it draws."""
    code = (
        "import numba\n"
        "from engine.splats.backends.numba_kernels.vectors import dot3\n"
        "assert dot3((1.0, 2.0, 3.0), (1.0, 1.0, 1.0)) == 6\n"
        "print(numba.config.CACHE_DIR)"
    )
    blocked = tmp_path / "not a folder"
    blocked.write_text("")
    names = ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME", "USERPROFILE")
    environment = os.environ | dict.fromkeys(names, str(blocked))
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    folder = done.stdout.strip()
    assert "emosplat-kernels-" in folder and not os.path.exists(folder)
    assert "cannot be kept" in done.stderr

# SPDX-License-Identifier: GPL-3.0-or-later
import pytest
import torch

from engine.errors import BackendError
from engine.splats.choose import BACKENDS, choose_backend, warm_up


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

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which splat backend runs here, and why."""

import importlib
import importlib.util
from functools import lru_cache

import torch

from ..errors import BackendError

BACKENDS = ("gsplat", "numba", "torch")


def choose_backend(name: str = "auto") -> tuple[str, str]:
    """Settle on a backend.

    Args:
        name: "gsplat", "numba", "torch", or "auto" for the fastest that runs here.

    Returns:
        Its name and one sentence that says why.

    Raises:
        BackendError: there is no such backend, or the one asked for by name cannot run here.
    """
    if name == "auto":
        obstacles = []
        for candidate in BACKENDS:
            obstacle, reason, _ = _state(candidate)
            if not obstacle:
                return candidate, " ".join([reason, *obstacles])
            obstacles.append(obstacle)
    if name not in BACKENDS:
        raise BackendError(f"There is no splat backend {name!r}.", f"Choose auto, {', '.join(BACKENDS)}.")
    obstacle, reason, todo = _state(name)
    if obstacle:
        raise BackendError(f"The {name} backend cannot run here: {obstacle}", todo)
    return name, reason


@lru_cache
def _state(name: str) -> tuple[str, str, str]:
    """What stands in the way of a backend ("" if nothing), why one would take it, and what to do about the former."""
    if name == "gsplat":
        return _gsplat_obstacle(), "gsplat draws on the NVIDIA GPU.", "Choose auto: numba runs on every CPU."
    if name == "numba":
        return _numba_obstacle(), "numba draws on this CPU.", "Install numba for the engine's Python, or choose torch."
    return "", "torch draws anywhere, slowly.", ""


def warm_up(backend: str = "auto") -> str:
    """Draw a small scene, so that the kernels of the backend that `rasterize` would take are compiled or loaded. Those
    of the way back are left until something is fitted.

    Returns:
        The backend's name.

    Raises:
        BackendError: as `choose_backend`.
    """
    from .rasterize import rasterize

    name = choose_backend(backend)[0]
    means, quats, scales = torch.tensor([[0.0, 0, 1]]), torch.tensor([[1.0, 0, 0, 0]]), torch.full((1, 3), 0.1)
    opacities, sh, viewmats = torch.tensor([0.5]), torch.zeros(1, 1, 3), torch.eye(4)[None]
    Ks = torch.tensor([[[16.0, 0, 8], [0, 16, 8], [0, 0, 1]]])
    with torch.no_grad():
        for mode in ("RGB", "RGB+ED"):
            rasterize(
                means, quats, scales, opacities, sh, viewmats, Ks, 16, 16, sh_degree=0, render_mode=mode, backend=name
            )
    return name


def _gsplat_obstacle() -> str:
    # CUDA comes first: without it importing gsplat's kernels would start a compiler, or fail oddly.
    if not torch.cuda.is_available():
        return "torch finds no CUDA GPU."
    if importlib.util.find_spec("gsplat") is None:
        return "gsplat is not installed."
    try:
        importlib.import_module("gsplat.csrc")
    except ImportError as error:
        return f"gsplat's compiled kernels do not load ({error})."
    return ""


def _numba_obstacle() -> str:
    try:
        importlib.import_module(".backends.numba_backend", __package__)
    except (ImportError, OSError) as error:  # OSError: llvmlite's library does not load
        return f"numba does not load ({error})."
    return ""

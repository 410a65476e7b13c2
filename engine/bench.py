# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmarks behind `python -m engine bench`: the least of many runs, in milliseconds."""

import platform
import time
from typing import Callable

import numba
import numpy as np
import torch

from .bench_deform import POSED, bench_deformation, fitted
from .bench_deform import STEPS as DEFORMATION_STEPS
from .bench_speak import STEPS as SPEAK_STEPS
from .bench_speak import bench_speak
from .head.head import Head
from .report import Report
from .splats.backends.numba_kernels.parallel import thread_count
from .splats.cameras import portrait_camera
from .splats.choose import choose_backend
from .splats.gaussians import Gaussians
from .splats.rasterize import rasterize

SCENES = {"10k_256": (10_000, 256), "30k_512": (30_000, 512), "60k_512": (60_000, 512)}
RUNS, TORCH_RUNS = 40, 2
DIFFERENTIATED = ("means", "quats", "scales", "opacities", "colors")


def run_bench(report: Report, head: str = "") -> dict:
    """Time the splat renderer on a head-shaped scene of three sizes, the deformation, and a head that speaks, on all
    cores.

    Args:
        head: which speaks, a name or an .emohead file; "" for a random one of 30,000 Gaussians.

    Returns:
        {"raster": {name: {"gaussians", "size", "threads", "numba_forward_ms", "numba_forward_backward_ms",
        "torch_forward_ms", and "gsplat_forward_ms", "gsplat_forward_backward_ms" on a GPU}}, "deformation": see
        bench_deform.py, "speak": see bench_speak.py, "machine": {...}}.

    Raises:
        BackendError: numba does not run here.
        FormatError: the file is no head.
        Cancelled: asked to stop.
    """
    choose_backend("numba")
    on_gpu = choose_backend()[0] == "gsplat"
    steps, done, raster = len(SCENES) * (3 + 2 * on_gpu) + DEFORMATION_STEPS + SPEAK_STEPS, 0, {}

    def step(run: Callable[[], None], runs: int) -> float:
        nonlocal done
        report.progress("bench", done, steps)
        done += 1
        return _least_ms(run, runs, report)

    for name, (count, size) in SCENES.items():
        scene = bench_scene(count, size)
        row = {"gaussians": count, "size": size, "threads": thread_count(0)}
        row["numba_forward_ms"] = step(lambda: _forward(scene, "numba"), RUNS)
        row["numba_forward_backward_ms"] = step(lambda: _forward_backward(scene, "numba"), RUNS)
        row["torch_forward_ms"] = step(lambda: _forward(scene, "torch"), TORCH_RUNS)
        if on_gpu:
            scene = {k: v.cuda() if isinstance(v, torch.Tensor) else v for k, v in scene.items()}
            row["gsplat_forward_ms"] = step(lambda: _forward(scene, "gsplat"), RUNS)
            row["gsplat_forward_backward_ms"] = step(lambda: _forward_backward(scene, "gsplat"), RUNS)
        raster[name] = row
    deformation = bench_deformation(head_gaussians, step)
    spoken = bench_speak(head, _bench_head, step, report)
    report.progress("bench", steps, steps)
    return {"raster": raster, "deformation": deformation, "speak": spoken, "machine": _machine()}


def _bench_head() -> Head:
    rest, deformation, _ = fitted(head_gaussians(POSED[0]), POSED[1])
    return Head("bench", rest, deformation)


def head_gaussians(count: int, seed: int = 0) -> Gaussians:
    """Splats as a fitted head has them: on the surface of a head-sized ellipsoid (15 x 19 x 24 cm) on a neck, flat
    along the surface, as large as their spacing give or take a factor of 1.5, most of them nearly opaque."""
    g = torch.Generator().manual_seed(seed)
    on_neck = torch.rand(count, generator=g) < 0.2
    normals = torch.nn.functional.normalize(torch.randn(count, 3, generator=g), dim=1)
    normals[on_neck, 2] = 0
    normals = torch.nn.functional.normalize(normals, dim=1)
    means = normals * torch.tensor([0.075, 0.095, 0.12])
    neck = normals * 0.055 + torch.tensor([0, 0.02, -0.09])
    neck[:, 2] -= 0.13 * torch.rand(count, generator=g)
    means[on_neck] = neck[on_neck]
    spacing = (0.16 / count) ** 0.5  # square metres
    scales = spacing * torch.exp(0.4 * torch.randn(count, 3, generator=g))
    scales[:, 2] *= 0.2
    # The rotation from z to the normal.
    quats = torch.stack([1 + normals[:, 2], -normals[:, 1], normals[:, 0], torch.zeros(count)], 1)
    return Gaussians(
        means=means,
        quats=torch.where(normals[:, 2:] > -0.999, quats, torch.tensor([0.0, 1, 0, 0])),
        scales=scales,
        opacities=torch.sigmoid(1.5 + 1.5 * torch.randn(count, generator=g)),
        sh=((normals * 0.3 + 0.2) / 0.2820947917738781)[:, None],
    )


def bench_scene(count: int, size: int) -> dict:
    """`head_gaussians` in the portrait camera, as arguments of `rasterize`, with plain colours."""
    head = head_gaussians(count)
    viewmat, K = portrait_camera(size, size)
    return {
        "means": head.means, "quats": head.quats, "scales": head.scales, "opacities": head.opacities,
        "colors": head.sh[:, 0] * 0.2820947917738781 + 0.5, "viewmats": torch.from_numpy(viewmat)[None],
        "Ks": torch.from_numpy(K)[None], "width": size, "height": size,
    }  # fmt: skip


def _forward(scene: dict, backend: str) -> None:
    with torch.no_grad():
        rasterize(**scene, backend=backend)
    _finish(backend)


def _forward_backward(scene: dict, backend: str) -> None:
    leaves = {name: scene[name].detach().requires_grad_() for name in DIFFERENTIATED}
    picture, alphas, _ = rasterize(**(scene | leaves), backend=backend)
    torch.autograd.backward([picture, alphas], [torch.ones_like(picture), torch.ones_like(alphas)])
    _finish(backend)


def _finish(backend: str) -> None:
    if backend == "gsplat":
        torch.cuda.synchronize()


def _least_ms(run: Callable[[], None], runs: int, report: Report) -> float:
    run()
    least = float("inf")
    for _ in range(runs):
        report.check()
        start = time.perf_counter()
        run()
        least = min(least, time.perf_counter() - start)
    return round(1000 * least, 2)


def _machine() -> dict:
    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": thread_count(0),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numba": numba.__version__,
        "numpy": np.__version__,
    }

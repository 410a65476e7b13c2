# SPDX-License-Identifier: GPL-3.0-or-later
"""Random scenes that hold every kind of splat a renderer meets."""

import math

import torch

from engine.splats.backends import torch_backend
from engine.splats.cameras import intrinsics, look_at

WIDTH, HEIGHT = 70, 52


def random_scene(seed: int = 0, count: int = 160, cameras: int = 2, sh_degree: int | None = None, channels: int = 3):
    """Keyword arguments of `rasterize`, float32: splats of ordinary size, some behind the cameras, off the picture,
    huge, tiny, thin, opaque, and too faint to see."""
    g = torch.Generator().manual_seed(seed)

    def rand(*shape):
        return torch.rand(*shape, generator=g)

    means = (rand(count, 3) - 0.5) * torch.tensor([1.6, 1.0, 1.2])
    quats = torch.randn(count, 4, generator=g)
    scales = 0.02 * torch.exp(torch.randn(count, 3, generator=g) * 0.7)
    opacities = rand(count) * 0.9 + 0.05
    kinds = torch.arange(count) % 16
    means[kinds == 0, 1] -= 4.0  # behind
    means[kinds == 1, 0] += 3.0  # off the picture
    scales[kinds == 2] = scales[kinds == 2] * 12  # huge
    scales[kinds == 3] = 1e-4  # tiny
    opacities[kinds == 4] = 1.0  # opaque
    scales[kinds == 5, 0] = 0.3  # thin
    opacities[kinds == 6] = 0.003  # too faint
    if sh_degree is None:
        colors = rand(count, channels)
    else:
        colors = torch.randn(count, (sh_degree + 1) ** 2, 3, generator=g) * 0.4
    eyes = [(2.0 * math.sin(a), -2.0 * math.cos(a), 0.3 * a) for a in torch.linspace(-0.4, 0.5, cameras).tolist()]
    K = torch.from_numpy(intrinsics(WIDTH, HEIGHT, 0.6))
    K[0, 2] += 3.0  # a shifted lens
    return {
        "means": means,
        "quats": quats,
        "scales": scales,
        "opacities": opacities,
        "colors": colors,
        "viewmats": torch.stack([torch.from_numpy(look_at(eye, (0, 0, 0))) for eye in eyes]),
        "Ks": K.repeat(cameras, 1, 1),
        "width": WIDTH,
        "height": HEIGHT,
        "sh_degree": sh_degree,
    }


def double(scene: dict) -> dict:
    """The same scene in float64."""
    return {k: v.double() if isinstance(v, torch.Tensor) else v for k, v in scene.items()}


def without_close_calls(scene: dict, margin: float = 1e-5) -> dict:
    """The scene without the splats that come within `margin` of a threshold at some pixel of some camera.

    A float32 renderer may round such an alpha to the other side of 1/255 (or of 0.999), and gradients jump there: that
    is the method's, not the renderer's error.
    """
    exact = double(scene)
    names = ("means", "quats", "scales", "opacities", "viewmats", "Ks")
    means2d, _, conics, radii = torch_backend.project(*(exact[n] for n in names), WIDTH, HEIGHT, 0.01, 1e10, 0.3)
    y, x = torch.meshgrid(torch.arange(HEIGHT) + 0.5, torch.arange(WIDTH) + 0.5, indexing="ij")
    dx = x.flatten() - means2d[..., :1]
    dy = y.flatten() - means2d[..., 1:]
    a, b, c = (conics[..., i : i + 1] for i in range(3))
    alpha = exact["opacities"][:, None] * torch.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy)
    close = ((alpha * 255 - 1).abs() < margin) | ((alpha / 0.999 - 1).abs() < margin)
    kept = ~(close.any(-1) & (radii[..., 0] > 0)).any(0)
    per_splat = ("means", "quats", "scales", "opacities", "colors")
    return scene | {name: scene[name][kept] for name in per_splat}

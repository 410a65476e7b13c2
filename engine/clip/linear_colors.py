# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours for programs that blend splats in linear light, as Blender does, while heads are made for blending in sRGB.

Converted one by one, bright splats would spread over dark neighbours. So the colours are those whose blend in linear
light is nearest to what the engine shows, in a few views of the head at rest: back-projection of what is still missing
(SIRT; Gilbert 1972), whose weights are the derivatives of the picture.

Where nothing blends, as with opaque tiles, such colours would be wrong: what adds up to skin may be dark and bright
splats in turns. There a splat shows what the pictures show at its place, the mean of its pixels.
"""

import math

import torch

from ..report import Report
from ..splats.backends.torch_backend import sh_colors
from ..splats.cameras import PORTRAIT_DISTANCE, PORTRAIT_TARGET, intrinsics, look_at
from ..splats.gaussians import Gaussians
from ..splats.rasterize import rasterize

SIZE, STEPS = 256, 10
ANGLES = (0.0, -35.0, 35.0)  # degrees to the side
SEEN = 0.05  # a splat that all pixels together hold less of keeps its own colour
BRIGHTEST = 100.0


def linear_colors(gaussians: Gaussians, report: Report) -> tuple[torch.Tensor, torch.Tensor]:
    """Linear colours of the head at rest, seen from the front and both sides.

    Args:
        report: told "colours".

    Returns:
        (N, 3) float32 each: for splats that blend, and for opaque tiles.
    """
    viewmats, K = _views()
    shape = (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities)

    def draw(colors: torch.Tensor, view: int, sh_degree: int | None) -> tuple[torch.Tensor, torch.Tensor]:
        picture, alphas, _ = rasterize(*shape, colors, viewmats[view:view + 1], K, SIZE, SIZE, sh_degree=sh_degree)
        return picture, alphas

    wanted, held, shown = [], torch.zeros(len(gaussians), 1), torch.zeros(len(gaussians), 3)
    for view in range(len(viewmats)):
        report.progress("colours", view, len(viewmats) + STEPS)
        with torch.no_grad():
            picture, alphas = draw(gaussians.sh, view, gaussians.sh_degree)
        solid = to_linear((picture / alphas.clamp_min(1e-6)).clamp(0.0, 1.0))
        wanted.append(alphas * solid)
        here, there = _gathered(draw, len(gaussians), view, torch.ones_like(solid), solid)
        held += here[:, :1]
        shown += there
    colors, seen = to_linear(_front_colors(gaussians)), held > SEEN
    tiles = torch.where(seen, shown / held.clamp_min(SEEN), colors).clamp(0.0, 1.0)
    for step in range(STEPS):
        report.progress("colours", len(viewmats) + step, len(viewmats) + STEPS)
        missing = torch.zeros_like(colors)
        for view, target in enumerate(wanted):
            leaf = colors.clone().requires_grad_()
            picture, _ = draw(leaf, view, None)
            picture.backward(target - picture.detach())
            missing += leaf.grad
        colors = torch.where(seen, colors + missing / held.clamp_min(SEEN), colors).clamp(0.0, BRIGHTEST)
    report.progress("colours", len(viewmats) + STEPS, len(viewmats) + STEPS)
    return colors, tiles


def to_linear(srgb: torch.Tensor) -> torch.Tensor:
    """sRGB (IEC 61966-2-1) to linear light."""
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _gathered(draw, count: int, view: int, *pictures: torch.Tensor) -> list[torch.Tensor]:
    """(N, 3) of each picture: its pixels, summed by how much each shows of each splat."""
    leaf = torch.zeros(count, 3, requires_grad=True)
    drawn, _ = draw(leaf, view, None)
    return [torch.autograd.grad(drawn, leaf, picture, retain_graph=True)[0] for picture in pictures]


def _front_colors(gaussians: Gaussians) -> torch.Tensor:
    """(N, 3) sRGB as the portrait camera sees each splat."""
    eye = torch.tensor([[0.0, -PORTRAIT_DISTANCE, PORTRAIT_TARGET[2]]])
    return sh_colors(gaussians.sh_degree, gaussians.means, eye, gaussians.sh)[0].clamp(0.0, 1.0)


def _views() -> tuple[torch.Tensor, torch.Tensor]:
    """(V, 4, 4) and (1, 3, 3): the head and its shoulders from the front and both sides."""
    eyes = [
        (PORTRAIT_DISTANCE * math.sin(math.radians(angle)), -PORTRAIT_DISTANCE * math.cos(math.radians(angle)), 0.0)
        for angle in ANGLES
    ]
    viewmats = torch.stack([torch.from_numpy(look_at(eye, PORTRAIT_TARGET)) for eye in eyes])
    return viewmats, torch.from_numpy(intrinsics(SIZE, SIZE, 2 * math.atan(0.24 / PORTRAIT_DISTANCE)))[None]

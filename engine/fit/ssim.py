# SPDX-License-Identifier: GPL-3.0-or-later
"""How alike two pictures look: SSIM, differentiable, by compiled kernels on a CPU and by convolutions elsewhere.

Wang, Bovik, Sheikh, Simoncelli: Image quality assessment: from error visibility to structural similarity, 2004, with
its Gaussian window of 11 pixels; only windows that lie within the picture count. Several scales are averaged (after
Wang, Simoncelli, Bovik: Multi-scale structural similarity, 2003, less its exponents, whose slopes are infinite at 0).
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..splats.choose import choose_backend

RADIUS, SIGMA = 5, 1.5
SMALLEST = 2 * RADIUS + 1  # pixels of a side


def ssim(picture: Tensor, target: Tensor, threads: int = 0) -> Tensor:
    """Mean SSIM.

    Args:
        picture, target: (P, H, W) planes in [0, 1]; the slope is taken by `picture` alone.
        threads: of the compiled kernels; 0 for all cores.

    Raises:
        ValueError: a side is shorter than the window.
    """
    if min(picture.shape[-2:]) < SMALLEST:
        raise ValueError(f"SSIM needs sides of {SMALLEST} pixels, not {tuple(picture.shape[-2:])}.")
    if picture.device.type == "cpu" and picture.dtype == torch.float32 and _compiled():
        return _CompiledSSIM.apply(picture, target, threads)
    return ssim_map(picture, target).mean()


def multi_scale_ssim(picture: Tensor, target: Tensor, scales: int, threads: int = 0) -> Tensor:
    """Mean over `scales` of SSIM, each half as fine as the one before, as far as the picture is large enough."""
    values = [ssim(picture, target, threads)]
    for _ in range(1, scales):
        if min(picture.shape[-2:]) < 2 * SMALLEST:
            break
        picture, target = (F.avg_pool2d(planes[None], 2)[0] for planes in (picture, target))
        values.append(ssim(picture, target, threads))
    return torch.stack(values).mean()


def ssim_map(picture: Tensor, target: Tensor) -> Tensor:
    """SSIM of every window that lies within: (P, H, W) planes to (P, H - 10, W - 10)."""
    line = torch.exp(-0.5 * (torch.arange(-RADIUS, RADIUS + 1).to(picture) / SIGMA) ** 2)
    line = line / line.sum()

    def mean(planes: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(planes[:, None], line[None, None, :, None]), line[None, None, None])[:, 0]

    mx, my = mean(picture), mean(target)
    xx, yy = mean(picture * picture) - mx * mx, mean(target * target) - my * my
    xy = mean(picture * target) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    return (2 * mx * my + c1) * (2 * xy + c2) / ((mx * mx + my * my + c1) * (xx + yy + c2))


def _compiled() -> bool:
    return choose_backend()[0] == "numba"


class _CompiledSSIM(torch.autograd.Function):
    @staticmethod
    def forward(ctx, picture, target, threads):
        from .ssim_kernels import ssim_forward

        arrays = [planes.detach().contiguous().numpy() for planes in (picture, target)]
        value, slopes = ssim_forward(*arrays, threads)
        ctx.arrays, ctx.slopes, ctx.threads = arrays, slopes, threads
        return torch.tensor(value, dtype=torch.float32)

    @staticmethod
    @once_differentiable
    def backward(ctx, v_value):
        from .ssim_kernels import ssim_backward

        gradient = ssim_backward(*ctx.arrays, ctx.slopes, float(v_value), ctx.threads)
        return torch.from_numpy(gradient), None, None

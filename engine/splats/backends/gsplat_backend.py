# SPDX-License-Identifier: GPL-3.0-or-later
"""gsplat 1.5.3's CUDA kernels, where there are a GPU and their binary.

https://github.com/nerfstudio-project/gsplat
"""

import gsplat
import torch
from torch import Tensor


def rasterize(
    means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, colors: Tensor, viewmats: Tensor, Ks: Tensor,
    width: int, height: int, near_plane: float, far_plane: float, eps2d: float, sh_degree: int | None,
    backgrounds: Tensor | None, render_mode: str,
) -> tuple[Tensor, Tensor, dict]:
    """See `splats.rasterize`. Tensors are brought to the GPU and the pictures back to the device of `means`."""
    device = means.device
    tensors = (means, quats, scales, opacities, colors, viewmats, Ks)
    picture, alphas, gsplat_meta = gsplat.rasterization(
        *(t.to("cuda", torch.float32) for t in tensors),
        width,
        height,
        near_plane=near_plane,
        far_plane=far_plane,
        eps2d=eps2d,
        sh_degree=sh_degree,
        packed=False,
        backgrounds=None if backgrounds is None else backgrounds.to("cuda", torch.float32),
        render_mode=render_mode,
    )
    meta = {name: gsplat_meta[name] for name in ("means2d", "radii", "depths")}
    return picture.to(device), alphas.to(device), meta | {"backend": "gsplat"}

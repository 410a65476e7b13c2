# SPDX-License-Identifier: GPL-3.0-or-later
"""rasterize(): Gaussians and cameras to pictures, by whichever backend runs here."""

import torch
from torch import Tensor

from .choose import choose_backend

RENDER_MODES = ("RGB", "D", "ED", "RGB+D", "RGB+ED")


def rasterize(
    means: Tensor,
    quats: Tensor,
    scales: Tensor,
    opacities: Tensor,
    colors: Tensor,
    viewmats: Tensor,
    Ks: Tensor,
    width: int,
    height: int,
    *,
    near_plane: float = 0.01,
    far_plane: float = 1e10,
    eps2d: float = 0.3,
    sh_degree: int | None = None,
    backgrounds: Tensor | None = None,
    render_mode: str = "RGB",
    backend: str = "auto",
    threads: int = 0,
) -> tuple[Tensor, Tensor, dict]:
    """Draw N Gaussians through C cameras, with the signature and the conventions of gsplat 1.5.3's `rasterization`.

    Differentiable with respect to every tensor but Ks, in every backend.

    Args:
        means: (N, 3).
        quats: (N, 4), wxyz, of any length.
        scales: (N, 3), standard deviations.
        opacities: (N,) in [0, 1].
        colors: (N, D) or (C, N, D); or with `sh_degree`, coefficients (N, K, 3) or (C, N, K, 3) whose colour is
            max(0, 0.5 + sum(coefficient * basis)).
        viewmats: (C, 4, 4), world to camera, OpenCV axes.
        Ks: (C, 3, 3), pinhole, pixels, pixel centres at +0.5.
        width, height: pixels.
        near_plane, far_plane: what lies outside these depths is not drawn.
        eps2d: added to the diagonal of the covariances on the picture, pixels squared.
        sh_degree: bands to use, 0 to 3; K >= (sh_degree + 1)^2.
        backgrounds: (C, D), or None for black; a depth channel has background 0.
        render_mode: colours, accumulated depth (D) or expected depth (ED), or both with the depth as last channel.
        backend: auto, gsplat, numba or torch.
        threads: of the numba backend; 0 for all cores.

    Returns:
        Colours (C, H, W, X), premultiplied by alpha where there is no background; alphas (C, H, W, 1); and a dict of
        means2d (C, N, 2) with its gradient, radii (C, N, 2) int32, zero for what is not drawn, depths (C, N), and
        the backend's name. The pictures lie on the device of `means`, not necessarily contiguous.

    Raises:
        ValueError: shapes that do not fit, an unknown render mode.
        BackendError: the backend asked for cannot run here.
    """
    _check(means, quats, scales, opacities, colors, viewmats, Ks, width, height, sh_degree, backgrounds, render_mode)
    name = choose_backend(backend)[0]
    planes = (near_plane, far_plane, eps2d)
    if name == "gsplat":
        from .backends import gsplat_backend

        return gsplat_backend.rasterize(
            means, quats, scales, opacities, colors, viewmats, Ks, width, height, *planes, sh_degree, backgrounds,
            render_mode,
        )
    if name == "numba":
        from .backends.numba_backend import NumbaBackend

        stages = NumbaBackend(threads)
    else:
        from .backends import torch_backend as stages

    means2d, depths, ellipses, radii = stages.project(
        means, quats, scales, opacities, viewmats, Ks, width, height, *planes
    )
    if render_mode in ("D", "ED"):
        features, backgrounds = depths[..., None], None
    else:
        features = colors
        if sh_degree is not None:
            features = stages.sh_colors(sh_degree, means, torch.inverse(viewmats)[:, :3, 3], colors)
        features = features.expand(len(viewmats), *features.shape[-2:])
        if render_mode != "RGB":
            features = torch.cat([features, depths[..., None].to(features)], -1)
            if backgrounds is not None:
                backgrounds = torch.cat([backgrounds, torch.zeros_like(backgrounds[:, :1])], -1)
    picture, alphas = stages.rasterize_to_pixels(
        means2d, ellipses, features, opacities, depths, radii, width, height, backgrounds
    )
    if render_mode.endswith("ED"):
        picture = torch.cat([picture[..., :-1], picture[..., -1:] / alphas.clamp_min(1e-10)], -1)
    meta = {"means2d": means2d, "radii": radii, "depths": depths, "backend": name}
    return picture.to(means.device), alphas.to(means.device), meta


def _check(
    means, quats, scales, opacities, colors, viewmats, Ks, width, height, sh_degree, backgrounds, render_mode
) -> None:
    N, C = len(means), len(viewmats)
    if render_mode not in RENDER_MODES:
        raise ValueError(f"render_mode {render_mode!r} is not one of {', '.join(RENDER_MODES)}.")
    if width < 1 or height < 1:
        raise ValueError(f"A picture of {width} x {height} pixels cannot be drawn.")
    expected = {
        "means": (means, (N, 3)), "quats": (quats, (N, 4)), "scales": (scales, (N, 3)),
        "opacities": (opacities, (N,)), "viewmats": (viewmats, (C, 4, 4)), "Ks": (Ks, (C, 3, 3)),
    }  # fmt: skip
    for name, (value, shape) in expected.items():
        if tuple(value.shape) != shape:
            raise ValueError(f"{name} must have the shape {shape}, not {tuple(value.shape)}.")
    shape = tuple(colors.shape)
    if sh_degree is None:
        if len(shape) not in (2, 3) or shape[:-1] not in ((N,), (C, N)) or shape[-1] < 1:
            raise ValueError(f"colors must have the shape ({N}, D) or ({C}, {N}, D), not {shape}.")
    else:
        if sh_degree not in (0, 1, 2, 3):
            raise ValueError(f"sh_degree must be 0 to 3, not {sh_degree}.")
        if len(shape) not in (3, 4) or shape[:-2] not in ((N,), (C, N)) or shape[-1] != 3:
            raise ValueError(f"colors must have the shape ({N}, K, 3) or ({C}, {N}, K, 3), not {shape}.")
        if shape[-2] < (sh_degree + 1) ** 2:
            raise ValueError(f"{shape[-2]} coefficients are too few for sh_degree {sh_degree}.")
    channels = shape[-1]
    if backgrounds is not None and tuple(backgrounds.shape) != (C, channels):
        raise ValueError(f"backgrounds must have the shape ({C}, {channels}), not {tuple(backgrounds.shape)}.")

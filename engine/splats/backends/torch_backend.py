# SPDX-License-Identifier: GPL-3.0-or-later
"""The reference: Gaussian splatting in plain torch, for any device and dtype, differentiated by autograd.

3D Gaussian Splatting, Kerbl et al. 2023, section 4; the rules and the layout are those of gsplat 1.5.3:
alpha = min(0.999, opacity * exp(-sigma)), skipped under 1/255; a pixel is finished before its transmittance falls to
1e-4; pixel centres lie at +0.5. The other backends are tested against this one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

MAX_ALPHA = 0.999
MIN_ALPHA = 1 / 255
MIN_TRANSMITTANCE = 1e-4
MAX_EXTENT = 3.33
TILE = 16


def rotation_matrices(quats: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) of quaternions (..., 4), wxyz, of any length but zero."""
    w, x, y, z = F.normalize(quats, dim=-1).unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, -1).reshape(*quats.shape[:-1], 3, 3)


def project(
    means: Tensor, quats: Tensor, scales: Tensor, opacities: Tensor, viewmats: Tensor, Ks: Tensor, width: int,
    height: int, near_plane: float, far_plane: float, eps2d: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Gaussians in space to Gaussians on the picture (EWA splatting, Zwicker et al. 2001, as gsplat does it).

    Returns:
        means2d (C, N, 2) pixels, depths (C, N), conics (C, N, 3): the upper triangle of the inverse covariances,
        radii (C, N, 2) int32: half the size in pixels of the box outside which alpha is under 1/255. What cannot be
        seen has zero everywhere.
    """
    R, t = viewmats[:, None, :3, :3], viewmats[:, None, :3, 3]
    cam = (R @ means[None, :, :, None])[..., 0] + t
    z = cam[..., 2]
    visible = (z >= near_plane) & (z <= far_plane) & (opacities >= MIN_ALPHA)
    z = torch.where(visible, z, 1.0)

    fx, fy, cx, cy = (Ks[:, None, i, j] for i, j in ((0, 0), (1, 1), (0, 2), (1, 2)))
    means2d = torch.stack([fx * cam[..., 0] / z + cx, fy * cam[..., 1] / z + cy], -1)

    # Far outside the picture the linearisation would blow a Gaussian up: the slope is held at 1.3 times the border.
    margin_x, margin_y = 0.15 * width / fx, 0.15 * height / fy
    slope_x = torch.clamp(cam[..., 0] / z, -(cx / fx + margin_x), (width - cx) / fx + margin_x)
    slope_y = torch.clamp(cam[..., 1] / z, -(cy / fy + margin_y), (height - cy) / fy + margin_y)
    zero = torch.zeros_like(z)
    J = torch.stack([fx / z, zero, -fx * slope_x / z, zero, fy / z, -fy * slope_y / z], -1).reshape(*z.shape, 2, 3)
    M = J @ R @ (rotation_matrices(quats) * scales[:, None, :])
    cov = M @ M.transpose(-1, -2)
    xx, xy, yy = cov[..., 0, 0] + eps2d, cov[..., 0, 1], cov[..., 1, 1] + eps2d
    det = xx * yy - xy * xy
    visible = visible & (det > 0)
    det = torch.where(visible, det, 1.0)
    conics = torch.stack([yy, -xy, xx], -1) / det[..., None]

    with torch.no_grad():
        extent = torch.sqrt(2 * torch.log(opacities.clamp_min(MIN_ALPHA) / MIN_ALPHA)).clamp_max(MAX_EXTENT)
        radii = torch.ceil(extent[:, None] * torch.stack([xx, yy], -1).sqrt())
        size = torch.tensor([width, height], dtype=radii.dtype, device=radii.device)
        inside = ((means2d + radii > 0) & (means2d - radii < size)).all(-1)
        visible = visible & inside & (radii > 0).all(-1)
        radii = torch.where(visible[..., None], radii, 0.0).int()
    return (
        torch.where(visible[..., None], means2d, 0.0),
        torch.where(visible, z, 0.0),
        torch.where(visible[..., None], conics, 0.0),
        radii,
    )


def sh_bases(degree: int, dirs: Tensor) -> Tensor:
    """Real spherical harmonics (..., (degree + 1)^2) of unit directions (..., 3), signs and order as in gsplat
    (Efficient Spherical Harmonic Evaluation, Sloan 2013)."""
    x, y, z = dirs.unbind(-1)
    bases = [torch.full_like(x, 0.2820947917738781)]
    if degree >= 1:
        bases += [-0.48860251190292 * y, 0.48860251190292 * z, -0.48860251190292 * x]
    if degree >= 2:
        c1, s1 = x * x - y * y, 2 * x * y
        a, b = 0.5462742152960395, -1.092548430592079 * z
        bases += [a * s1, b * y, 0.9461746957575601 * z * z - 0.3153915652525201, b * x, a * c1]
    if degree >= 3:
        c2, s2 = x * c1 - y * s1, x * s1 + y * c1
        a, b, c = -0.5900435899266435, 1.445305721320277 * z, -2.285228997322329 * z * z + 0.4570457994644658
        zonal = z * (1.865881662950577 * z * z - 1.119528997770346)
        bases += [a * s2, b * s1, c * y, zonal, c * x, b * c1, a * c2]
    return torch.stack(bases, -1)


def sh_colors(degree: int, means: Tensor, campos: Tensor, coeffs: Tensor) -> Tensor:
    """Colours (C, N, 3) of SH coefficients (N, K, 3) or (C, N, K, 3) seen from camera positions (C, 3)."""
    bases = sh_bases(degree, F.normalize(means - campos[:, None], dim=-1))
    return torch.clamp_min((bases[..., None] * coeffs[..., : bases.shape[-1], :]).sum(-2) + 0.5, 0.0)


def rasterize_to_pixels(
    means2d: Tensor, conics: Tensor, colors: Tensor, opacities: Tensor, depths: Tensor, radii: Tensor, width: int,
    height: int, backgrounds: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Blend what `project` gave, front to back: colours (C, H, W, D) and alphas (C, H, W, 1).

    Args:
        colors: (C, N, D).
        backgrounds: (C, D) or None for black.
    """
    pictures, alphas = [], []
    for c in range(len(means2d)):
        seen = torch.nonzero(radii[c, :, 0] > 0)[:, 0]
        order = seen[torch.argsort(depths[c, seen].detach(), stable=True)]
        splats = (means2d[c, order], conics[c, order], colors[c, order], opacities[order])
        color, transmittance = _blend_picture(*splats, radii[c, order], width, height)
        if backgrounds is not None:
            color = color + transmittance * backgrounds[c]
        pictures.append(color)
        alphas.append(1 - transmittance)
    return torch.stack(pictures), torch.stack(alphas)


def _blend_picture(means2d, conics, colors, opacities, radii, width: int, height: int) -> tuple[Tensor, Tensor]:
    low, high = (means2d - radii).detach(), (means2d + radii).detach()
    rows = []
    for y in range(0, height, TILE):
        band = torch.nonzero((low[:, 1] < y + TILE) & (high[:, 1] > y))[:, 0]
        low_x, high_x = low[band, 0], high[band, 0]
        row = []
        for x in range(0, width, TILE):
            ids = band[(low_x < x + TILE) & (high_x > x)]
            box = (x, y, min(x + TILE, width), min(y + TILE, height))
            row.append(_blend_tile(means2d[ids], conics[ids], colors[ids], opacities[ids], box))
        rows.append(torch.cat(row, 1))
    picture = torch.cat(rows)
    return picture[..., :-1], picture[..., -1:]


def _blend_tile(means2d, conics, colors, opacities, box) -> Tensor:
    """(h, w, D + 1): the blended colours and the transmittance left."""
    x0, y0, x1, y1 = box
    options = {"dtype": means2d.dtype, "device": means2d.device}
    py, px = torch.meshgrid(
        torch.arange(y0, y1, **options) + 0.5, torch.arange(x0, x1, **options) + 0.5, indexing="ij"
    )
    dx, dy = px.reshape(1, -1) - means2d[:, :1], py.reshape(1, -1) - means2d[:, 1:]
    a, b, c = conics[:, 0:1], conics[:, 1:2], conics[:, 2:3]
    sigma = 0.5 * (a * dx * dx + c * dy * dy) + b * dx * dy
    alpha = torch.clamp_max(opacities[:, None] * torch.exp(-sigma), MAX_ALPHA)
    alpha = torch.where(alpha >= MIN_ALPHA, alpha, 0.0)
    # Transmittance only falls, so what comes after the first splat that would end a pixel is dropped with it.
    unfinished = torch.cumprod(1 - alpha.detach(), 0) > MIN_TRANSMITTANCE
    alpha = torch.where(unfinished, alpha, 0.0)
    after = torch.cumprod(torch.cat([torch.ones_like(dx[:1]), 1 - alpha]), 0) if len(alpha) else torch.ones_like(px)
    if not len(alpha):
        return torch.cat([px.new_zeros(*px.shape, colors.shape[-1]), after[..., None]], -1)
    weights = alpha * after[:-1]
    return torch.cat([weights.T @ colors, after[-1][:, None]], -1).reshape(*px.shape, -1)

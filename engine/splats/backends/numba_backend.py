# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats on any CPU: numba kernels with explicit SIMD behind three autograd functions, in float32.

The same picture and gradients twice, on any number of threads: work is cut and summed in a fixed order.
"""

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from .numba_kernels.bins import TILE_WIDTH, Bins, bin_splats, cache_lines, set_colors
from .numba_kernels.blend import CHANNELS, PLANE, blend_kernel
from .numba_kernels.blend_backward import blend_backward_kernel, gather_pairs
from .numba_kernels.parallel import run, spans, thread_count
from .numba_kernels.project import SPAN, camera_table, project, project_backward
from .numba_kernels.sh import sh_colors, sh_colors_backward

PIECES = 8  # pieces of work per thread where their cost is uneven


class NumbaBackend:
    """The stages of `rasterize` on `threads` threads (0: all cores); arguments and results as in torch_backend, but for
    the inverse covariances, which are factored (see numba_kernels/project.py)."""

    def __init__(self, threads: int) -> None:
        self.threads = thread_count(threads)

    def project(self, means, quats, scales, opacities, viewmats, Ks, *settings) -> tuple[Tensor, ...]:
        return _Project.apply(*_float32(means, quats, scales, opacities, viewmats, Ks), settings, self.threads)

    def sh_colors(self, degree: int, means, campos, coeffs) -> Tensor:
        if coeffs.dim() == 3:
            coeffs = coeffs[None]
        return _SHColors.apply(*_float32(means, campos, coeffs), degree, self.threads)

    def rasterize_to_pixels(
        self, means2d, factors, colors, opacities, depths, radii, width: int, height: int, backgrounds
    ) -> tuple[Tensor, Tensor]:
        if backgrounds is None:
            backgrounds = colors.new_zeros(len(means2d), colors.shape[-1])
        return _Rasterize.apply(
            *_float32(means2d, factors, colors, opacities, backgrounds), depths, radii, width, height, self.threads
        )


def _float32(*tensors: Tensor) -> list[Tensor]:
    return [t.to("cpu", torch.float32) for t in tensors]


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    return [t.detach().contiguous().numpy() for t in tensors]


class _Project(torch.autograd.Function):
    @staticmethod
    def forward(ctx, means, quats, scales, opacities, viewmats, Ks, settings, threads):
        width, height, near_plane, far_plane, eps2d = settings
        C, N = len(viewmats), len(means)
        cameras = camera_table(*_arrays(viewmats, Ks))
        means2d, depths = np.empty((C, N, 2), np.float32), np.empty((C, N), np.float32)
        factors, radii = np.empty((C, N, 3), np.float32), np.empty((C, N, 2), np.int32)
        run(
            threads, project, spans(N, SPAN), *_arrays(means, quats, scales, opacities), cameras, width, height,
            float(near_plane), float(far_plane), float(eps2d), means2d, depths, factors, radii,
        )
        ctx.save_for_backward(means, quats, scales)
        ctx.cameras, ctx.radii, ctx.threads = cameras, radii, threads
        ctx.settings = (width, height, float(eps2d))
        outputs = [torch.from_numpy(a) for a in (means2d, depths, factors, radii)]
        ctx.mark_non_differentiable(outputs[-1])
        return tuple(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx, v_means2d, v_depths, v_factors, _):
        arrays = _arrays(*ctx.saved_tensors)
        gradients = [np.empty_like(a) for a in arrays]
        pieces = spans(len(arrays[0]), SPAN)
        v_cameras = np.zeros((len(pieces), len(ctx.cameras), 4, 3))
        run(
            ctx.threads, project_backward, pieces, *arrays, ctx.cameras, *ctx.settings, ctx.radii,
            *_arrays(v_means2d, v_depths, v_factors), *gradients, v_cameras,
        )
        v_cameras = v_cameras.sum(0)
        v_viewmats = np.zeros((len(v_cameras), 4, 4), np.float32)
        v_viewmats[:, :3, :3], v_viewmats[:, :3, 3] = v_cameras[:, :3], v_cameras[:, 3]
        v_means, v_quats, v_scales = (torch.from_numpy(g) for g in gradients)
        return v_means, v_quats, v_scales, None, torch.from_numpy(v_viewmats), None, None, None


class _SHColors(torch.autograd.Function):
    @staticmethod
    def forward(ctx, means, campos, coeffs, degree, threads):
        colors = np.empty((len(campos), len(means), 3), np.float32)
        run(threads, sh_colors, spans(len(means), SPAN), degree, *_arrays(means, campos, coeffs), colors)
        colors = torch.from_numpy(colors)
        ctx.save_for_backward(means, campos, coeffs, colors)
        ctx.degree, ctx.threads = degree, threads
        return colors

    @staticmethod
    @once_differentiable
    def backward(ctx, v_colors):
        arrays = _arrays(*ctx.saved_tensors)
        means, campos, coeffs, _ = arrays
        v_means, v_coeffs = np.empty_like(means), np.empty_like(coeffs)
        pieces = spans(len(means), SPAN)
        v_campos = np.zeros((len(pieces), *campos.shape))
        run(
            ctx.threads, sh_colors_backward, pieces, ctx.degree, *arrays, *_arrays(v_colors), v_means, v_campos,
            v_coeffs,
        )
        v_campos = v_campos.sum(0).astype(np.float32)
        return torch.from_numpy(v_means), torch.from_numpy(v_campos), torch.from_numpy(v_coeffs), None, None


class _Rasterize(torch.autograd.Function):
    """Pictures are held plane by plane with rows of whole tiles, and seen from outside as (C, H, W, D)."""

    @staticmethod
    def forward(ctx, means2d, factors, colors, opacities, backgrounds, depths, radii, width, height, threads):
        C, D = backgrounds.shape
        inputs = (means2d, factors, colors, opacities, backgrounds)
        means2d, factors, colors, opacities, backgrounds, depths, radii = _arrays(*inputs, depths, radii)
        stride = -(-width // TILE_WIDTH) * TILE_WIDTH
        picture, alphas = (np.empty((C, channels, height, stride), np.float32) for channels in (D, 1))
        ctx.views = []
        for c in range(C):
            bins = bin_splats(means2d[c], factors[c], opacities, depths[c], radii[c], width, height, threads)
            tiles = len(bins.tile_starts) - 1
            transmittances, closing_pairs = np.empty(tiles * PLANE, np.float32), np.empty(tiles * PLANE, np.float32)
            for group in _channel_groups(D):
                _set_colors(bins, colors[c], group, threads)
                run(
                    threads, blend_kernel(group.stop - group.start), bins.pieces(PIECES * threads), bins.records,
                    bins.tile_starts, bins.pair_ranks, bins.pair_rows, width, height, backgrounds[c, group],
                    picture[c, group].ravel(), alphas[c].ravel(), transmittances, closing_pairs,
                )
            ctx.views.append((bins, transmittances, closing_pairs))
        ctx.size, ctx.threads = (width, height), threads
        outputs = [torch.from_numpy(a)[..., :width].permute(0, 2, 3, 1) for a in (picture, alphas)]
        ctx.save_for_backward(*inputs, outputs[1])
        return tuple(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx, v_picture, v_alphas):
        *inputs, alphas = ctx.saved_tensors
        arrays = _arrays(*inputs)
        means2d, factors, colors, opacities, backgrounds = arrays
        v_backgrounds = ((1 - alphas) * v_picture).sum((1, 2)) if ctx.needs_input_grad[4] else None
        v_picture, v_alphas = _planes(v_picture), _planes(v_alphas)
        v_means2d, v_factors, v_colors, v_opacities = (np.zeros_like(a) for a in arrays[:4])
        no_alpha = np.zeros(v_alphas[0].size, np.float32)  # the first group of channels carries it
        for c, (bins, *state) in enumerate(ctx.views):
            v_pairs = cache_lines(len(bins.pair_ranks))
            for group in _channel_groups(colors.shape[-1]):
                _set_colors(bins, colors[c], group, ctx.threads)
                v_alpha = v_alphas[c].ravel() if group.start == 0 else no_alpha
                run(
                    ctx.threads, blend_backward_kernel(group.stop - group.start), bins.pieces(PIECES * ctx.threads),
                    bins.records, bins.tile_starts, bins.pair_ranks, bins.pair_rows, *ctx.size, backgrounds[c, group],
                    *state, v_picture[c, group].ravel(), v_alpha, v_pairs,
                )
                run(
                    ctx.threads, gather_pairs, spans(len(bins.order), SPAN), bins.order, bins.records, opacities,
                    bins.pair_rows, bins.splat_starts, bins.splat_pairs, v_pairs, v_means2d[c], v_factors[c],
                    v_opacities, v_colors[c, :, group],
                )
        gradients = [torch.from_numpy(a) for a in (v_means2d, v_factors, v_colors, v_opacities)]
        return *gradients, v_backgrounds, None, None, None, None, None


def _channel_groups(count: int) -> list[slice]:
    """The channels in groups that one pass of the kernels takes."""
    return [slice(start, stop) for start, stop in spans(count, CHANNELS)]


def _planes(gradient: Tensor) -> np.ndarray:
    """(C, D, H, stride) of a gradient (C, H, W, D)."""
    planes = gradient.permute(0, 3, 1, 2)
    return torch.nn.functional.pad(planes, (0, -planes.shape[-1] % TILE_WIDTH)).contiguous().numpy()


def _set_colors(bins: Bins, colors: np.ndarray, group: slice, threads: int) -> None:
    run(threads, set_colors, spans(len(bins.order), SPAN), bins.order, colors[:, group], bins.records)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The deformation's compiled kernels as functions that torch can differentiate: float32, on the CPU, where numba runs.

Results are the same twice and on any number of threads.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ..errors import BackendError
from ..splats.choose import choose_backend

BLOCKS = 16  # of eight points, that a thread takes at once in a fusion
POINTS = 2048  # elsewhere
LEAST_POINTS = 8  # of a fusion


def runs(tensor: Tensor) -> bool:
    """Whether the kernels can do this tensor's work."""
    return tensor.device.type == "cpu" and tensor.dtype == torch.float32 and _numba_runs()


def _run(threads: int, kernel, pieces: list[tuple[int, int]], *arguments) -> None:
    from ..splats.backends.numba_kernels.parallel import run, thread_count

    run(thread_count(threads), kernel, pieces, *arguments)


@lru_cache
def _numba_runs() -> bool:
    try:
        choose_backend("numba")
    except BackendError:
        return False
    return True


def fuse(raw: Tensor, threads: int) -> tuple[Tensor, Tensor]:
    """As fusion.fuse, for at least two networks a view and LEAST_POINTS points."""
    return _Fuse.apply(raw, threads)


class _Fuse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, raw, threads):
        from ..splats.backends.numba_kernels.parallel import spans
        from ..splats.backends.numba_kernels.simd import EXP2_TABLE, LANES
        from .fusion import FEATURES, LEAST, MOST, PRIOR
        from .kernels import fuse as kernels

        views, members, _, points = raw.shape
        raw = raw.contiguous()
        blocks = -(-points // LANES)
        pieces = spans(blocks, BLOCKS)
        states = np.empty((views, blocks * kernels.view_size(members)), np.float32)
        for view, own in zip(raw, states):
            arguments = (view.detach().view(-1).numpy(), members, points, LEAST, MOST, EXP2_TABLE, own)
            _run(threads, kernels.view_blocks, pieces, *arguments)
        view_starts = np.arange(views) * states.shape[1]
        state = np.empty(blocks * kernels.fusion_size(views, members), np.float32)
        fused, unsure = torch.empty(FEATURES, points), torch.empty(points)
        _run(
            threads, kernels.fuse_blocks, pieces, states.reshape(-1), view_starts, members, points, PRIOR, state,
            fused.view(-1).numpy(), unsure.numpy(),
        )
        ctx.save_for_backward(raw)
        ctx.states, ctx.threads, ctx.pieces = (states.reshape(-1), view_starts, state), threads, pieces
        ctx.mark_non_differentiable(unsure)
        return fused, unsure

    @staticmethod
    @once_differentiable
    def backward(ctx, v_fused, _):
        from ..splats.backends.numba_kernels.simd import EXP2_TABLE
        from .fusion import LEAST, MOST
        from .kernels.fuse import fuse_blocks_backward

        (raw,) = ctx.saved_tensors
        _, members, _, points = raw.shape
        states, view_starts, state = ctx.states
        v_raw = torch.empty_like(raw)
        _run(
            ctx.threads, fuse_blocks_backward, ctx.pieces, raw.view(-1).numpy(), states, view_starts, members, points,
            LEAST, MOST, EXP2_TABLE, state, v_fused.contiguous().view(-1).numpy(), v_raw.view(-1).numpy(),
        )
        return v_raw, None


def follow(
    nodes: Tensor, unsure: Tensor, means: Tensor, centers: Tensor, index: Tensor, logits: Tensor, threads: int
) -> tuple[Tensor, Tensor]:
    """As nodes.follow."""
    return _Follow.apply(nodes, unsure, means, centers, index, logits, threads)


class _Follow(torch.autograd.Function):
    @staticmethod
    def forward(ctx, nodes, unsure, means, centers, index, logits, threads):
        from ..splats.backends.numba_kernels.parallel import spans
        from .kernels import skin

        arrays = _arrays(nodes.T, unsure, means, centers, index, logits)
        changes, doubt = torch.empty(len(means), skin.CHANNELS), torch.empty(len(means))
        pieces = spans(len(means), POINTS)
        _run(threads, skin.follow, pieces, *arrays, changes.numpy(), doubt.numpy())
        ctx.arrays, ctx.pieces, ctx.threads = arrays, pieces, threads
        ctx.mark_non_differentiable(doubt)
        return changes, doubt

    @staticmethod
    @once_differentiable
    def backward(ctx, v_changes, _):
        from .kernels import skin

        nodes, _, means, centers, index, logits = ctx.arrays
        v_nodes = np.zeros((len(ctx.pieces), *nodes.shape), np.float32)
        v_logits = np.empty_like(logits)
        _run(
            ctx.threads, skin.follow_backward, ctx.pieces, nodes, means, centers, index, logits, *_arrays(v_changes),
            v_nodes, v_logits,
        )
        return torch.from_numpy(v_nodes.sum(0)).T, None, None, None, None, torch.from_numpy(v_logits), None


def sample(index: Tensor, weight: Tensor, texels: Tensor, threads: int) -> Tensor:
    """(P, C) weighted sums of rows of texels (U, C): index and weight (P, 12)."""
    return _Sample.apply(index, weight, texels, threads)


class _Sample(torch.autograd.Function):
    @staticmethod
    def forward(ctx, index, weight, texels, threads):
        from ..splats.backends.numba_kernels.parallel import spans
        from .kernels.sample import sample

        ctx.arrays, ctx.shape, ctx.threads = _arrays(index, weight), texels.shape, threads
        out = torch.empty(len(index), texels.shape[1])
        _run(threads, sample, spans(len(index), POINTS), *ctx.arrays, *_arrays(texels), out.numpy())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx, v_out):
        from ..splats.backends.numba_kernels.parallel import spans
        from .kernels.sample import sample_backward

        v_texels = torch.zeros(ctx.shape)
        pieces = spans(ctx.shape[1], 16)
        _run(ctx.threads, sample_backward, pieces, *ctx.arrays, *_arrays(v_out), v_texels.numpy())
        return None, None, v_texels, None


def _arrays(*tensors: Tensor) -> list[np.ndarray]:
    return [tensor.detach().contiguous().numpy() for tensor in tensors]

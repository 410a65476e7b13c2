# SPDX-License-Identifier: GPL-3.0-or-later
"""Performer: a fitted deformation, frame after frame, as fast as a CPU allows.

It gives what Deformation.pose gives. What depends on the head alone is computed once; what a view says is kept for as
long as nothing that it hears changes (style all take long, an emotion while it is held); nodes go through networks,
fusion and decoder in chunks that stay in a core's cache, each chunk on one thread.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from ..splats.backends.numba_kernels.parallel import run, spans, thread_count
from ..splats.backends.numba_kernels.simd import EXP2_TABLE, LANES
from ..splats.gaussians import Gaussians
from ..splats.quats import matrices_from_quats, quats_from_rotation_vectors
from .branch import Branch, Driven
from .changes import CHANNELS, LARGEST_GROWTH
from .deformation import Deformation
from .drive import DriveFrame
from .fusion import FEATURES, LEAST, MOST, PRIOR
from .kernels import fuse as kernels
from .kernels.perform import PADDED, perform

CHUNK = 128  # nodes
PIECE = 1024  # Gaussians
LASTING = ("style", "emotion")  # views that often say the same as in the frame before


@cache
def matmul_dtype() -> torch.dtype:
    """What the networks' products are taken in: float32, or bfloat16 where the processor itself multiplies that, four
    times as fast. It moves Gaussians by about a hundredth of a millimetre."""
    has = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if has.get("avx512_bf16") or has.get("amx_bf16") else torch.float32


class Performer:
    """Poses the Gaussians of one head.

    Args:
        deformation: which must not change afterwards.
        rest: N Gaussians.
    """

    def __init__(self, deformation: Deformation, rest: Gaussians) -> None:
        self._deformation, self._rest = deformation, rest
        field = deformation.field if deformation.field is not None and deformation.field.placed else None
        self._branches, start = [], 0
        with torch.no_grad():
            for branch in (field.face, field.mouth) if field is not None else ():
                if branch is not None:
                    branch.settle()
                    self._branches.append(_BranchPerformer(branch, field, start))
                    start += branch.codes.shape[1]
            self._nodes = np.zeros((max(start, 1), PADDED), np.float32)
            if field is None:
                index, weights = np.zeros((len(rest), 0), np.int32), np.zeros((len(rest), 0), np.float32)
                offsets = np.zeros((len(rest), 0, 3), np.float32)
            else:
                index, weights = field.index.numpy(), torch.softmax(field.logits, 1).numpy()
                offsets = (rest.means[:, None] - field.means[field.index.long()]).numpy()
            rank = -deformation.settings.rank % LANES
            basis = torch.nn.functional.pad(deformation.basis, (0, rank)).contiguous()
        at_rest = (rest.means, rest.quats, rest.scales, rest.opacities, rest.sh[:, 0])
        self._still = [value.detach().contiguous().numpy() for value in at_rest]
        self._basis, self._skin = basis.view(-1).numpy(), (index, weights, offsets)
        self._certainty = (deformation.log_error.detach().numpy(), np.float32(deformation.slope.detach().item()))

    @torch.no_grad()
    def pose(self, frame: DriveFrame, head_pose: Tensor, threads: int = 0) -> Gaussians:
        """As Deformation.pose.

        Args:
            threads: 0 for all cores.
        """
        threads, deformation = thread_count(threads), self._deformation
        driven = deformation.driven(frame)
        for branch in self._branches:
            branch.perform(driven, self._nodes, threads)
        z = np.zeros(len(self._basis) // (len(self._rest) * CHANNELS), np.float32)
        z[: deformation.settings.rank] = driven.coefficients.numpy()
        turn = quats_from_rotation_vectors(head_pose[:3])
        pose = (turn.numpy(), matrices_from_quats(turn).numpy(), head_pose[3:].numpy())
        count, sh = len(self._rest), self._rest.sh.clone()
        out = [torch.empty(count, 3), torch.empty(count, 4), torch.empty(count, 3), torch.empty(count)]
        uncertainty = torch.empty(count)
        run(
            threads, perform, spans(count, PIECE), *self._still, self._basis, z, deformation.units.numpy(),
            np.float32(LARGEST_GROWTH), *self._skin, self._nodes.reshape(-1), *self._certainty,
            deformation.torso.numpy(), *pose, *(value.numpy() for value in out), sh[:, 0].numpy(), uncertainty.numpy(),
        )
        return Gaussians(*out, sh, uncertainty)


class _BranchPerformer:
    """A branch at its nodes; fills rows start and on of the table of nodes."""

    def __init__(self, branch: Branch, field, start: int) -> None:
        self._branch, points = branch, branch.codes.shape[1]
        padding = max(LANES - points, 0)  # the fusion's kernel takes eight points at once
        codes, per_point = branch.codes, {"audio": branch.attention(branch.codes)}
        if branch.emotion_encoder is not None:
            per_point["emotion"] = branch.emotion_codes
        limits = [value[:, start : start + points] for value in (field.low, field.high)]
        shift = field.usual[start : start + points]
        self._chunks, self._heard = [], {}
        for first, last in spans(points, CHUNK):
            part = slice(max(0, min(first, last - LANES)), last)
            own = {name: _padded(value[:, part], padding) for name, value in per_point.items()}
            self._chunks.append(_Chunk(
                branch, _padded(codes[:, part], padding), own, [value[:, part] for value in limits], shift[part],
                field.units, slice(start + part.start, start + last),
            ))  # fmt: skip

    def perform(self, driven: Driven, nodes: np.ndarray, threads: int) -> None:
        """Fill this branch's rows of the table of nodes (K, 16)."""
        inputs, say = self._branch.inputs(driven), {}
        for name, (frame, gain) in inputs.items():
            if name in LASTING and _same(self._heard.get(name), (frame, gain)):
                continue
            block = self._branch.views[name]
            vector = None if frame is None else (block.frame @ frame).flatten()[:, None]
            say[name] = vector, None if gain is None else (block.modulated * gain).flatten(0, 1).to(matmul_dtype())
        self._heard = inputs

        def work(number: int, start: int, stop: int) -> None:
            torch.set_num_threads(1)  # of this thread: the chunks are what runs side by side
            with torch.inference_mode():
                self._chunks[start].perform(list(inputs), say, nodes)

        run(threads, work, spans(len(self._chunks), 1))


class _Chunk:
    """Some nodes of a branch: what is still, and what the lasting views said."""

    def __init__(self, branch, codes, per_point, limits, usual, units, rows: slice) -> None:
        self._usual, dtype = usual.numpy(), matmul_dtype()
        self._per_point = {name: value.to(dtype) for name, value in per_point.items()}
        self._outs = {name: block.out.detach().to(dtype) for name, block in branch.views.items()}
        self._biases = {name: block.out_bias.detach().to(dtype)[..., None] for name, block in branch.views.items()}
        self._rows, self._points, self._members = rows, codes.shape[1], branch.members
        self._blocks = -(-self._points // LANES)
        self._stills = {name: block.still(codes).flatten(0, 1).contiguous() for name, block in branch.views.items()}
        decoder = branch.decoder
        self._to_hidden, self._hidden = decoder.hidden.weight[:, :FEATURES].contiguous(), decoder.still(codes)
        heads = torch.cat([head.weight for head in decoder.heads.values()])
        self._to_changes = heads * units[: len(heads)]
        self._nothing = self._to_changes @ self._hidden.relu()
        self._limits = [limit[: len(heads)] * units[: len(heads)] for limit in limits]
        self._size = self._blocks * kernels.view_size(self._members)
        self._kept = {name: np.empty(self._size, np.float32) for name in LASTING if name in branch.views}

    def perform(self, names: list[str], say: dict[str, tuple], nodes: np.ndarray) -> None:
        """Fill this chunk's rows of the table of nodes.

        Args:
            names: the views that there are.
            say: of those whose inputs changed, what their first layers add, and what they make of the points' numbers.
        """
        states = np.empty((len(names), self._size), np.float32)
        for name, state in zip(names, states):
            kept = self._kept.get(name, state)
            if name in say:
                self._listen(name, *say[name], kept)
            if kept is not state:
                state[:] = kept
        fused, unsure = torch.empty(FEATURES, self._points), np.empty(self._points, np.float32)
        room = np.empty(self._blocks * kernels.fusion_size(len(names), self._members), np.float32)
        kernels.fuse_blocks(
            states.reshape(-1), np.arange(len(names)) * self._size, self._members, self._points, PRIOR, room,
            fused.view(-1).numpy(), unsure, 0, 0, self._blocks,
        )
        hidden = torch.addmm(self._hidden, self._to_hidden, fused).relu_()
        changes = (self._to_changes @ hidden - self._nothing)[:, : len(self._usual)]
        changes = torch.minimum(torch.maximum(changes, self._limits[0]), self._limits[1])
        rows = nodes[self._rows]
        rows[:, : len(changes)] = changes.T.numpy()
        rows[:, CHANNELS] = unsure[: len(rows)] - self._usual

    def _listen(self, name: str, vector: Tensor | None, weight: Tensor | None, state: np.ndarray) -> None:
        """A view's networks at these nodes."""
        hidden = self._stills[name]
        if weight is not None:
            hidden = hidden + weight @ self._per_point[name]
        if vector is not None:
            hidden = hidden + vector
        hidden = torch.relu(hidden).to(self._outs[name].dtype).unflatten(0, (self._members, -1))
        raw = torch.baddbmm(self._biases[name], self._outs[name], hidden).float()
        kernels.view_blocks(
            raw.view(-1).numpy(), self._members, self._points, LEAST, MOST, EXP2_TABLE, state, 0, 0, self._blocks
        )


def _same(one: tuple | None, other: tuple) -> bool:
    return one is not None and all(
        (a is None) == (b is None) and (a is None or torch.equal(a, b)) for a, b in zip(one, other)
    )


def _padded(values: Tensor, by: int) -> Tensor:
    return torch.nn.functional.pad(values, (0, by)).contiguous()

# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks of UA-3DTalk's Uncertainty-based Deformation (arXiv 2601.19112) at P points, features first: (F, P).

A network's first layer is cut in two: what it makes of the point does not depend on the frame and is computed once;
what it makes of the frame is added.
"""

import torch
from torch import Tensor, nn

from .drive import CONTENT
from .fusion import FEATURES

SPATIAL = 64  # 16 channels at 4 resolutions
HIDDEN = 64
AUDIO = 32

# Of a view's networks, how far each differs from what they have in common at first. Alike, the decoder learns from the
# first steps on, when a single network speaks at a time; unlike, they come to disagree where nothing was seen.
DIFFERENT = 0.3


class UncertaintyBlock(nn.Module):
    """One view's T networks: in -> 64 -> mean 48, log-variance 48.

    Args:
        members: T.
        frame: numbers of the frame that are the same for every point.
        modulated: numbers per point that the frame scales; 0 for none.
    """

    def __init__(self, members: int, frame: int, modulated: int) -> None:
        super().__init__()

        def uniform(*shape: int, fan_in: int) -> nn.Parameter:
            common, own = 2 * torch.rand(1, *shape[1:]) - 1, 2 * torch.rand(shape) - 1
            return nn.Parameter((common + DIFFERENT * own) * fan_in**-0.5)

        fan_in = SPATIAL + frame + modulated
        self.spatial = uniform(members, HIDDEN, SPATIAL, fan_in=fan_in)
        self.bias = uniform(members, HIDDEN, fan_in=fan_in)
        self.frame = uniform(members, HIDDEN, frame, fan_in=fan_in) if frame else None
        self.modulated = uniform(members, HIDDEN, modulated, fan_in=fan_in) if modulated else None
        self.out = uniform(members, 2 * FEATURES, HIDDEN, fan_in=HIDDEN)
        self.out_bias = nn.Parameter(torch.zeros(members, 2 * FEATURES))

    def still(self, codes: Tensor, member: slice = slice(None)) -> Tensor:
        """(T, 64, P): what the first layer makes of the points' codes (64, P), of all members or of some."""
        weight = self.spatial[member]
        product = weight.flatten(0, 1) @ codes + self.bias[member].flatten()[:, None]
        return product.unflatten(0, weight.shape[:2])

    def forward(
        self, still: Tensor, frame: Tensor | None, per_point: Tensor | None, gain: Tensor | None,
        member: slice = slice(None),
    ) -> Tensor:
        """Raw means and log-variances (T, 96, P), see fusion.split.

        Args:
            still: of the same members.
            frame: (G,) numbers of the frame, or None for a block without.
            per_point, gain: (F, P) and (F,), whose products are inputs, or None for a block without.
        """
        hidden = still
        if frame is not None:
            hidden = hidden + (self.frame[member] @ frame)[..., None]
        if per_point is not None:
            weight = self.modulated[member] * gain
            hidden = hidden + (weight.flatten(0, 1) @ per_point).unflatten(0, weight.shape[:2])
        return torch.baddbmm(self.out_bias[member][..., None], self.out[member], hidden.relu())


class AudioNet(nn.Module):
    """A window of content (8, 64) to 32 numbers. Four convolutions of stride 2, as AudioNet of AD-NeRF (Guo et al.,
    ICCV 2021, section 3.2), which ER-NeRF and TalkingGaussian kept."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(CONTENT, 32, 3, stride=2, padding=1), nn.LeakyReLU(0.02),
            nn.Conv1d(32, 32, 3, stride=2, padding=1), nn.LeakyReLU(0.02),
            nn.Conv1d(32, 64, 3, stride=2, padding=1), nn.LeakyReLU(0.02),
        )
        self.last = nn.Sequential(nn.Linear(64, 64), nn.LeakyReLU(0.02), nn.Linear(64, AUDIO))

    def forward(self, window: Tensor) -> Tensor:
        """(32,) of (8, 64)."""
        return self.last(self.layers(window.T[None])[0, :, 0])


class PointAttention(nn.Module):
    """How far each of 32 audio channels reaches each point, 0 to 1: region attention of ER-NeRF (Li et al., ICCV 2023,
    section 3.2), which depends on the place alone."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(SPATIAL, 32), nn.ReLU(), nn.Linear(32, AUDIO), nn.Sigmoid())

    def forward(self, codes: Tensor) -> Tensor:
        """(32, P) of (64, P)."""
        return self.layers(codes.T).T


class Decoder(nn.Module):
    """Fused features and a point's code to changes: -> 64 -> a head each. What it makes of zero is subtracted, so that
    nothing known changes nothing.

    Args:
        heads: name -> how many numbers.
    """

    def __init__(self, heads: dict[str, int]) -> None:
        super().__init__()
        self.hidden = nn.Linear(FEATURES + SPATIAL, HIDDEN)
        self.heads = nn.ModuleDict({name: nn.Linear(HIDDEN, size, bias=False) for name, size in heads.items()})
        for head in self.heads.values():
            nn.init.zeros_(head.weight)

    def still(self, codes: Tensor) -> Tensor:
        """(64, P): the hidden layer's half that depends on the points' codes (64, P) alone, before its ReLU."""
        return self.hidden.weight[:, FEATURES:] @ codes + self.hidden.bias[:, None]

    def forward(self, still: Tensor, fused: Tensor) -> Tensor:
        """(changes, P) of fused features (48, P), the heads one under the other."""
        hidden = (self.hidden.weight[:, :FEATURES] @ fused + still).relu() - still.relu()
        return torch.cat([head.weight for head in self.heads.values()]) @ hidden

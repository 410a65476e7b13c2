# SPDX-License-Identifier: GPL-3.0-or-later
"""The Gaussians at rest as what is learned: logarithms of scales and logits of opacities, so that every step is legal.

Kerbl, Kopanas, Leimkühler, Drettakis: 3D Gaussian splatting for real-time radiance field rendering, 2023.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..splats.gaussians import Gaussians

SH_0 = 0.28209479177387814  # the constant spherical harmonic
LEAST_SCALE, LARGEST_SCALE = 1e-5, 0.2  # metres
SH_COUNT = 4  # coefficients: degree 1
OPACITY_BOUNDS = 1e-4, 1 - 1e-4


@dataclass
class FirstPoints:
    """What a fit starts from, N points.

    Args:
        means: (N, 3) float32 metres.
        colors: (N, 3) float32 sRGB.
        scales: (N,) float32 metres.
        torso: (N,) float32, 0 to 1: belongs to the torso.
    """

    means: np.ndarray
    colors: np.ndarray
    scales: np.ndarray
    torso: np.ndarray


class RestPoints(nn.Module):
    """N Gaussians at rest, as parameters.

    Attributes:
        means (N, 3), quats (N, 4), log_scales (N, 3), logits (N,), base (N, 1, 3) and bands (N, 3, 3) of the colours'
        spherical harmonics, torso_logits (N,): all parameters with a row for every Gaussian.
    """

    def __init__(self, first: FirstPoints, seed: int) -> None:
        super().__init__()
        count = len(first.means)
        turned = torch.randn(count, 4, generator=torch.Generator().manual_seed(seed))
        self.means = nn.Parameter(torch.from_numpy(first.means.astype(np.float32)))
        self.quats = nn.Parameter(nn.functional.normalize(turned, dim=1))
        self.log_scales = nn.Parameter(torch.from_numpy(np.log(first.scales).astype(np.float32))[:, None].repeat(1, 3))
        self.logits = nn.Parameter(torch.full((count,), 0.8))
        self.base = nn.Parameter(torch.from_numpy((first.colors.astype(np.float32) - 0.5) / SH_0)[:, None])
        self.bands = nn.Parameter(torch.zeros(count, SH_COUNT - 1, 3))
        torso = torch.from_numpy(first.torso.astype(np.float32)).clamp(0.02, 0.98)
        self.torso_logits = nn.Parameter(torch.logit(torso))

    def __len__(self) -> int:
        return len(self.means)

    def gaussians(self) -> Gaussians:
        """Activated, with gradients."""
        scales = self.log_scales.clamp(np.log(LEAST_SCALE), np.log(LARGEST_SCALE)).exp()
        quats = nn.functional.normalize(self.quats, dim=1)
        return Gaussians(self.means, quats, scales, torch.sigmoid(self.logits), torch.cat([self.base, self.bands], 1))

    def torso(self) -> Tensor:
        """(N,) in (0, 1): how far each belongs to the torso."""
        return torch.sigmoid(self.torso_logits)

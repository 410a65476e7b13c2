# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaussians as plain tensors."""

from dataclasses import dataclass

import torch


@dataclass
class Gaussians:
    """N 3D Gaussians, activated values (no logs, no logits).

    Args:
        means: (N, 3) float32, metres.
        quats: (N, 4) float32, wxyz; need not be normalised.
        scales: (N, 3) float32, standard deviations along the Gaussian's own axes, metres.
        opacities: (N,) float32 in [0, 1].
        sh: (N, K, 3) float32, spherical harmonics in gsplat's convention, K = (degree + 1)^2, degree 0 to 3;
            colour = 0.5 + sum(sh * basis), sRGB.
        uncertainty: (N,) float32, how little the head knows about each Gaussian in this pose, or None where nothing
            was predicted; see engine/deform/deformation.py.
    """

    means: torch.Tensor
    quats: torch.Tensor
    scales: torch.Tensor
    opacities: torch.Tensor
    sh: torch.Tensor
    uncertainty: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.means)

    @property
    def sh_degree(self) -> int:
        return int(round(self.sh.shape[1] ** 0.5)) - 1

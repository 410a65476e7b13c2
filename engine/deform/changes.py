# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes: 13 numbers that say how a Gaussian differs from its rest."""

import torch
from torch import Tensor, nn

from ..splats.gaussians import Gaussians
from ..splats.quats import multiply_quats

# In this order: position (metres, the head's frame), rotation vector (radians, the head's frame), log-scales, logit of
# the opacity, the constant coefficient of the colour; how many, and how much 1 of a basis or a network means
# (UA-3DTalk: position x 1e-2).
CHANGES = {"position": 3, "rotation": 3, "scale": 3, "opacity": 1, "color": 3}
UNITS = {"position": 0.01, "rotation": 0.2, "scale": 0.5, "opacity": 1.0, "color": 0.5}
CHANNELS = sum(CHANGES.values())
LARGEST_GROWTH = 1.5  # of a log-scale


def units() -> Tensor:
    """(13,) what 1 means."""
    return torch.tensor([UNITS[name] for name, size in CHANGES.items() for _ in range(size)])


def apply_changes(rest: Gaussians, changes: Tensor) -> Gaussians:
    """Gaussians changed by (N, 13). Higher coefficients of the colours are shared with `rest`."""
    position, rotation, scale, opacity, color = changes.split(list(CHANGES.values()), 1)
    half = torch.cat([torch.ones_like(opacity), rotation / 2], 1)  # near enough below 0.5 rad, and no 0 / 0
    quats = multiply_quats(nn.functional.normalize(half, dim=1), rest.quats)
    scales = rest.scales * scale.clamp(-LARGEST_GROWTH, LARGEST_GROWTH).exp()
    odds = opacity[:, 0].clamp(-8.0, 8.0).exp()  # the opacity's logit is shifted, without taking a logit
    opacities = rest.opacities * odds / (1.0 - rest.opacities + rest.opacities * odds)
    sh = torch.cat([rest.sh[:, :1] + color[:, None], rest.sh[:, 1:]], 1)
    return Gaussians(rest.means + position, quats, scales, opacities, sh)

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a step is judged by: L1 and SSIM against the picture, and alpha against the masks."""

from dataclasses import dataclass

from torch import Tensor

from .settings import LossWeights
from .ssim import multi_scale_ssim, ssim


@dataclass
class Look:
    """What a picture should be, planes first.

    Args:
        target: (3, H, W), with its background.
        weights: (H, W) of the L1 loss, mean about 1; 0 where nothing is known.
        solid, clear: (H, W) bool or None: where alpha must be 1, and 0.
    """

    target: Tensor
    weights: Tensor
    solid: Tensor | None = None
    clear: Tensor | None = None

    def to(self, device) -> "Look":
        return Look(*(None if value is None else value.to(device) for value in vars(self).values()))


def picture_loss(picture: Tensor, alpha: Tensor, look: Look, weights: LossWeights, late: bool, threads: int) -> Tensor:
    """The loss of one picture.

    Args:
        picture: (3, H, W) with the same background as the target.
        alpha: (H, W).
        late: whether SSIM is taken over several scales (the paper's LPIPS, whose weights no one ships, has its place).
    """
    difference = (picture - look.target).abs().mean(0)
    loss = weights.l1 * (difference * look.weights).mean() + weights.l2 * (
        (picture - look.target).square().mean(0) * look.weights
    ).mean()
    alike = multi_scale_ssim(picture, look.target, 3, threads) if late else ssim(picture, look.target, threads)
    loss = loss + weights.ssim * (1 - alike)
    if look.clear is not None:
        loss = loss + weights.alpha * ((alpha * look.clear).mean() + ((1 - alpha) * look.solid).mean())
    return loss

# SPDX-License-Identifier: GPL-3.0-or-later
"""The numbers of a fit, in one place. Those that work were measured: docs/benchmarks.md."""

from dataclasses import dataclass, field

from ..deform.settings import DeformationSettings

HEARD = ("content", "style", "emotion")  # of a take, what may drive a head besides what pictures show


@dataclass(frozen=True)
class LossWeights:
    """Args: l1, l2, ssim: of the picture; alpha: of masks; mouth, eyes: how much more L1 counts in their boxes;
    opacity: of the mean opacity; doubt: of the expected error."""

    l1: float = 0.8
    l2: float = 0.0
    ssim: float = 0.2
    alpha: float = 0.05
    mouth: float = 2.0
    eyes: float = 1.0
    opacity: float = 0.0
    doubt: float = 1e-3


@dataclass(frozen=True)
class LearningRates:
    """Adam's, by parameter; positions in metres."""

    means: float = 2e-4
    quats: float = 2e-3
    log_scales: float = 8e-3
    logits: float = 3e-2
    base: float = 1e-2
    bands: float = 1e-3
    torso_logits: float = 5e-3
    basis: float = 5e-3
    networks: float = 2e-3
    planes: float = 4e-3
    log_error: float = 1e-2
    skinning: float = 5e-3
    poses: float = 3e-4


@dataclass(frozen=True)
class FitSettings:
    """Args:
        points: how many Gaussians a head gets at most; start_share: of them, how many it begins with.
        static: share of the fit before anything deforms.
        hold, end: learning rates stay until this share, then fall exponentially to this factor.
        strategy_every, strategy_until: steps between relocations, and the share of the fit at which they end.
        late: share of the fit from which SSIM is taken over several scales.
        deformation: what is fitted; how many codes it has, the capture says. No nodes, no networks.
        heard: of HEARD, what the networks have.
        placed: share of the fit after which the basis has learned enough to place the nodes by.
        together: share of the fit from which all networks of a view work together; before, one at random.
        doubt_every: steps from one look at the expected error to the next, in that last part.
    """

    points: int = 14000
    start_share: float = 0.7
    static: float = 0.04
    hold: float = 0.05
    end: float = 0.03
    strategy_every: int = 100
    strategy_until: float = 0.7
    late: float = 0.7
    doubt_every: int = 4
    deformation: DeformationSettings = DeformationSettings(nodes=1200, mouth_nodes=120)
    heard: tuple[str, ...] = HEARD
    placed: float = 0.2
    together: float = 0.6
    loss: LossWeights = field(default_factory=LossWeights)
    rates: LearningRates = field(default_factory=LearningRates)


def points_for(size: tuple[int, int]) -> int:
    """How many Gaussians pictures of so many pixels are worth: 14,000 at 256 x 256, 30,000 at 512 x 512."""
    return int(min(60_000, 14_000 * ((size[0] * size[1]) ** 0.5 / 256) ** 1.1))

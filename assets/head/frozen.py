# SPDX-License-Identifier: GPL-3.0-or-later
"""What splat points lose of a fitted head: a clip moves and turns its splats, but holds their mean sizes, opacities and
colours, which a fitted head changes from frame to frame."""

from dataclasses import replace

import numpy as np
import torch

from assets.head.films import portrait
from engine.clip.bake import CHANGES
from engine.deform.drive import DriveFrame
from engine.head.head import Head
from engine.splats.gaussians import Gaussians
from engine.splats.rasterize import rasterize
from engine.take.take import Take

EVERY = 8  # frames


def frozen_psnr(head: Head, take: Take, size: int, threads: int) -> dict[str, float]:
    """PSNR in dB of pictures with a take's mean of "scales", "opacities", "sh", and of "all" three, against the head's
    own, over every EVERY-th frame, before black."""
    frames = range(0, len(take), EVERY)
    posed = [head.pose(DriveFrame.of_take(take, frame), take.head_pose[frame], threads) for frame in frames]
    means = {name: torch.stack([getattr(one, name) for one in posed]).mean(0) for name in CHANGES}
    held = {name: {name: value} for name, value in means.items()} | {"all": means}
    camera = portrait(size).at(0)
    view = torch.from_numpy(camera.viewmat)[None], torch.from_numpy(camera.K)[None]

    def draw(one: Gaussians) -> torch.Tensor:
        with torch.no_grad():
            return rasterize(
                one.means, one.quats, one.scales, one.opacities, one.sh, *view, size, size, sh_degree=one.sh_degree,
                threads=threads,
            )[0][0].cpu()

    squares: dict[str, list[float]] = {name: [] for name in held}
    for one in posed:
        own = draw(one)
        for name, values in held.items():
            squares[name].append(float((draw(replace(one, **values)) - own).square().mean()))
    return {name: float(-10 * np.log10(max(np.mean(values), 1e-12))) for name, values in squares.items()}

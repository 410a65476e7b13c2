# SPDX-License-Identifier: GPL-3.0-or-later
"""The loop: one picture a step. Everything random in a step comes from the seed and the step's number, so that a fit
that goes on from a checkpoint does what an unbroken one would have done."""

import copy
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..deform.deformation import PER_GAUSSIAN, Deformation
from ..head.head import Head
from ..splats.gaussians import Gaussians
from ..splats.rasterize import rasterize
from .losses import picture_loss
from .points import FirstPoints, RestPoints
from .poses import PoseOffsets
from .sampling import Sampler
from .scene import Scene
from .settings import FitSettings
from .strategy import Strategy
from .view import COVERED, backend_for, draw_uncertainty

LEAST_ERROR = 1e-3  # of a pixel, that no doubt goes below


class Trainer:
    """Everything that is learned, and how.

    Args:
        device: cpu or cuda.
        threads: of the rasterizer.
    """

    def __init__(
        self, scene: Scene, first: FirstPoints, settings: FitSettings, seed: int, device: str = "cpu", threads: int = 0
    ) -> None:
        torch.manual_seed(seed)
        self.scene, self.settings, self.seed = scene, settings, seed
        self.device, self.threads, self.backend = torch.device(device), threads, backend_for(device)
        self.points = RestPoints(first, seed)
        codes = 0 if scene.drive.codes is None else scene.drive.codes.shape[1]
        self.deformation = Deformation(replace(settings.deformation, codes=codes), len(self.points))
        self.deformation.see(scene.drive.select(scene.fitted))
        self.poses = PoseOffsets(scene.views.head_poses, settings.rates.poses if scene.views.filmed else 0.0)
        self.sampler = Sampler(scene.capture, scene.fitted, seed)
        self.strategy = Strategy(len(self.points), settings.points)
        self.points.to(device), self.deformation.to(device)
        self.drive = scene.drive.to(device)
        self.optimizer = self._make_optimizer()

    def _make_optimizer(self) -> torch.optim.Adam:
        rates = self.settings.rates
        groups = [
            {"params": [parameter], "lr": getattr(rates, name), "per_point": True, "moves": False}
            for name, parameter in self.points.named_parameters()
        ]
        own = {"basis": rates.basis, "log_error": rates.log_error, "field.logits": rates.skinning}
        for name, parameter in self.deformation.named_parameters():
            rate = own.get(name, rates.planes if "planes." in name else rates.networks)
            groups.append({"params": [parameter], "lr": rate, "per_point": name in PER_GAUSSIAN, "moves": True})
        for group in groups:
            group["full"] = group["lr"]
        return torch.optim.Adam(groups, eps=1e-15, fused=True)

    def step(self, number: int, progress: float) -> float:
        """One step; returns its loss. Where that is not finite, nothing was changed."""
        settings = self.settings
        rng = np.random.default_rng((self.seed, number, 1))
        row = self.sampler.row(number, progress)
        look, background = self.scene.look(row, settings.loss, rng)
        look = look.to(self.device)
        offsets = self.poses.leaf(row)
        viewmat, head_pose = self.poses.placed(row, offsets, torch.from_numpy(self.scene.views.viewmats[row]))
        if progress >= settings.placed:
            self.place_nodes()
        together = progress >= settings.together
        moved = self.moved(row, head_pose, None if together else number)
        picture, alpha, means2d = self.draw(moved, row, viewmat, background)
        loss = picture_loss(picture, alpha, look, settings.loss, progress >= settings.late, self.threads)
        loss = loss + settings.loss.opacity * moved.opacities.mean()
        if together and number % settings.doubt_every == 0:
            loss = loss + settings.loss.doubt * self.doubt(moved, row, viewmat, picture, look.target)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        loss = float(loss.detach())
        self.deformation.torso = self.deformation.torso.detach()  # else its graph holds the parameters' old shapes
        if not np.isfinite(loss):
            return loss
        factor, still = rate_factor(progress, settings), progress < settings.static
        for group in self.optimizer.param_groups:
            group["lr"] = 0.0 if group["moves"] and still else group["full"] * factor
        self.optimizer.step()
        if not still:
            self.poses.step(row, offsets.grad, factor)
        self.strategy.watch(means2d.grad[0])
        if number % settings.strategy_every == settings.strategy_every - 1 and progress < settings.strategy_until:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
            self.strategy.change(self.points, self.deformation, self.optimizer, generator)
        return loss

    def place_nodes(self) -> None:
        """Let the networks work from here on, where there are any."""
        field = self.deformation.field
        if field is None or field.placed:
            return
        rest = self.points.gaussians()
        inside = None if field.mouth is None else self.scene.places.inside_mouth(rest.means.detach())
        self.deformation.place_nodes(rest, self.drive.select(self.scene.fitted), inside)

    def doubt(self, moved: Gaussians, row: int, viewmat: Tensor, picture: Tensor, target: Tensor) -> Tensor:
        """How badly the expected error, drawn, tells the picture's: the negative logarithm of Laplace's likelihood."""
        expected, alpha = draw_uncertainty(moved, self.scene, row, viewmat.detach(), self.threads)
        error = (picture.detach() - target).abs().mean(0) + LEAST_ERROR
        return ((expected.log() + error / expected) * (alpha > COVERED)).mean()

    def moved(self, row: int, head_pose: Tensor, step: int | None = None) -> Gaussians:
        """The Gaussians of a row; `step` as Deformation.forward has it."""
        self.deformation.torso = self.points.torso()
        frame = self.drive.frame(row)
        return self.deformation.pose(self.points.gaussians(), frame, head_pose.to(self.device), step)

    @torch.no_grad()
    def head(self, name: str, meta: dict) -> Head:
        """What was learned so far, as a head of its own on the CPU; not yet held within what was seen, see `bound`."""
        rest = self.points.gaussians()
        rest = Gaussians(*(value.detach().cpu().clone() for value in
                           (rest.means, rest.quats, rest.scales, rest.opacities, rest.sh)))
        self.deformation.torso = self.points.torso().detach()
        return Head(name, rest, copy.deepcopy(self.deformation).cpu().requires_grad_(False).eval(), meta)

    def bound(self, head: Head, rows: int = 0) -> Head:
        """The head, from now on held within what fitted rows showed: so many of them, or for 0 all."""
        fitted = self.scene.fitted
        if rows:
            fitted = fitted[np.unique(np.linspace(0, len(fitted) - 1, rows).astype(int))]
        head.mover.remember(self.scene.drive.select(fitted))
        return head

    def draw(
        self, moved: Gaussians, row: int, viewmat: Tensor, background: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(3, H, W) picture on its background, (H, W) alpha, and the points' places in it, whose gradient is kept."""
        K = torch.from_numpy(self.scene.pictures.Ks[row])[None].to(self.device)
        colors, alphas, info = rasterize(
            moved.means, moved.quats, moved.scales, moved.opacities, moved.sh, viewmat[None].to(self.device), K,
            self.scene.pictures.width, self.scene.pictures.height, sh_degree=moved.sh_degree, backend=self.backend,
            threads=self.threads,
        )
        means2d = info["means2d"]
        if means2d.requires_grad:
            means2d.retain_grad()
        picture, alpha = colors[0].permute(2, 0, 1), alphas[0, ..., 0]
        background = background.to(self.device)
        behind = background[:, None, None] if background.dim() == 1 else background
        return picture + (1 - alpha) * behind, alpha, means2d


def rate_factor(progress: float, settings: FitSettings) -> float:
    """What learning rates are multiplied by."""
    share = max(progress - settings.hold, 0.0) / (1 - settings.hold)
    return float(settings.end**share)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A head as the cameras of a capture see it, and head poses refined until it meets the picture."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from ..deform.deformation import Deformation
from ..deform.drive import DriveFrame
from ..errors import BackendError
from ..head.head import Head
from ..splats.gaussians import Gaussians
from ..splats.choose import choose_backend
from ..splats.rasterize import rasterize
from .poses import PoseOffsets
from .scene import Scene

COVERED = 0.5  # alpha from which a pixel shows the head and not what is behind it
LEAST_DOUBT = 1e-6
GREY = 0.5  # behind heads whose pictures have an alpha
# Of the refinement: how often, how far in radians at first, and how much less each time.
STEPS, RATE, DECAY = 14, 2e-3, 0.82


@dataclass(frozen=True)
class Placed:
    """From where a row is seen: `viewmat` (4, 4), and `head_pose` (6,) in the torso's world."""

    viewmat: np.ndarray
    head_pose: np.ndarray


def tracked(scene: Scene, row: int) -> Placed:
    """A row as the capture has it."""
    return Placed(scene.views.viewmats[row], scene.views.head_poses[row])


def draw(head: Head, scene: Scene, row: int, frame: DriveFrame, placed: Placed, threads: int = 0) -> np.ndarray:
    """(H, W, 3) float32 in [0, 1] of a row, on the row's own background or on grey."""
    with torch.no_grad():
        moved = head.pose(frame, placed.head_pose)
        colors, alphas = _rasterize(moved, scene, row, torch.from_numpy(placed.viewmat), threads)
    picture, alpha = colors[0].numpy(), alphas[0].numpy()
    plate = scene.background(row)
    return np.clip(picture + (1 - alpha) * (GREY if plate is None else plate), 0.0, 1.0)


def true_picture(scene: Scene, row: int) -> np.ndarray:
    """(H, W, 3) float32 of a row, on the background that `draw` takes."""
    picture, alpha = scene.pictures.colors(row), scene.pictures.alpha(row)
    if alpha is not None:
        return picture + (1 - alpha[..., None]) * np.float32(GREY)
    if scene.plates is None:
        return np.where(scene.pictures.regions(row)[..., None] > 0, picture, np.float32(GREY))
    return picture


def refined(
    head: Head, scene: Scene, row: int, frame: DriveFrame, start: np.ndarray | None = None, threads: int = 0
) -> tuple[Placed, np.ndarray]:
    """A film's row whose poses of head and torso were moved until the person meets the picture, all else fixed: what
    the fit did with the rows that it saw.

    A tracker errs by a fraction of a pixel from frame to frame, and does not follow the torso, which costs a sharp head
    decibels that say nothing of it. Poses that are exact stay as they are, and so does what a rig moves.

    Args:
        start: (12,) offsets to begin with: those of the frame before.

    Returns:
        Where it is seen from, and its (12,) offsets.
    """
    poses = PoseOffsets(scene.views.head_poses[row : row + 1], RATE, pull=0.0)
    if not scene.views.filmed or not isinstance(head.mover, Deformation):
        return tracked(scene, row), poses.offsets[0]
    if start is not None:
        poses.offsets[0] = start
    target = torch.from_numpy(scene.pictures.colors(row))
    weight = torch.from_numpy((scene.pictures.regions(row) > 0).astype(np.float32))[..., None]
    plate, viewmat = torch.from_numpy(scene.background(row)), torch.from_numpy(scene.views.viewmats[row])
    with torch.no_grad():
        moved = head.mover(head.gaussians, frame)
    for step in range(STEPS):
        offsets = poses.leaf(0)
        camera, head_pose = poses.placed(0, offsets, viewmat)
        colors, alphas = _rasterize(head.mover.turn(moved, head_pose), scene, row, camera, threads)
        loss = ((colors[0] + (1 - alphas[0]) * plate - target).abs() * weight).mean()
        poses.step(0, torch.autograd.grad(loss, offsets)[0], DECAY**step)
    with torch.no_grad():
        camera, head_pose = poses.placed(0, poses.leaf(0), viewmat)
    return Placed(camera.numpy(), head_pose.numpy()), poses.offsets[0]


def uncertainty(head: Head, scene: Scene, row: int, frame: DriveFrame, placed: Placed) -> np.ndarray | None:
    """(H, W) the error that a head expects of a row's picture; None for a head that expects none."""
    with torch.no_grad():
        moved = head.pose(frame, placed.head_pose)
        if moved.uncertainty is None:
            return None
        return draw_uncertainty(moved, scene, row, torch.from_numpy(placed.viewmat))[0].numpy()


def draw_uncertainty(
    moved: Gaussians, scene: Scene, row: int, viewmat: torch.Tensor, threads: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    """(H, W) the error that is expected of a picture's colours, and (H, W) alpha; no slope goes to places."""
    K = torch.from_numpy(scene.pictures.Ks[row])[None].to(moved.means.device)
    tensors = (moved.means, moved.quats, moved.scales, moved.opacities)
    drawn, alphas, _ = rasterize(
        *(tensor.detach() for tensor in tensors), moved.uncertainty[:, None], viewmat[None].to(moved.means.device), K,
        scene.pictures.width, scene.pictures.height, backend=backend_for(moved.means.device.type), threads=threads,
    )
    alpha = alphas[0, ..., 0].detach()
    return drawn[0, ..., 0] / alpha.clamp_min(COVERED / 2) + LEAST_DOUBT, alpha


def _rasterize(moved, scene: Scene, row: int, viewmat: torch.Tensor, threads: int) -> tuple[torch.Tensor, torch.Tensor]:
    K = torch.from_numpy(scene.pictures.Ks[row])[None]
    colors, alphas, _ = rasterize(
        moved.means, moved.quats, moved.scales, moved.opacities, moved.sh, viewmat[None], K, scene.pictures.width,
        scene.pictures.height, sh_degree=moved.sh_degree, backend=backend_for("cpu"), threads=threads,
    )
    return colors, alphas


@cache
def backend_for(device: str) -> str:
    """The rasterizer's backend for tensors on cpu or cuda; on a machine with a GPU, "auto" would not take the CPU's."""
    if device == "cuda":
        return "gsplat"
    try:
        return choose_backend("numba")[0]
    except BackendError:
        return "torch"

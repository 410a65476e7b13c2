# SPDX-License-Identifier: GPL-3.0-or-later
"""Head + Take + camera -> image files, drawn one after the other and written by a pool."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from ..deform.drive import DriveFrame
from ..files import require_space
from ..head.head import Head
from ..report import Report
from ..splats.choose import choose_backend
from ..splats.rasterize import rasterize
from ..take.take import Take
from .camera_path import CameraPath, FrameCamera
from .images import NO_DEPTH, straight_rgba8, write_exr, write_png

WRITERS = 2
# Pictures that wait for a writer hold at most this much memory, however large they are.
WAITING_BYTES = 400_000_000
# A PNG of a head on a transparent background takes about a third of its raw size, an EXR about half.
BYTES_PER_PIXEL, EXR_BYTES_PER_PIXEL = 1.5, 2.0


def frame_name(frame: int) -> str:
    """File name of the take's frame `frame` (from 0); files count from 1."""
    return f"frame_{frame + 1:05d}.png"


def draw_frame(
    head: Head, take: Take, frame: int, camera: FrameCamera, width: int, height: int, *, depth: bool,
    uncertainty: bool, backend: str, threads: int,
) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Draw one frame.

    Args:
        frame: the take's frame, from 0.
        uncertainty: of a head that was fitted.
        backend, threads: as in `rasterize`.

    Returns:
        (H, W, 3) float32 premultiplied sRGB, (H, W, 1) float32 alphas, and the passes asked for, by name, (H, W)
        float32: depth in metres, 1e10 where nothing is; uncertainty, the expected error of a colour, 0 where nothing
        is.
    """
    posed = head.pose(DriveFrame.of_take(take, frame), take.head_pose[frame], threads)
    device = "cuda" if backend == "gsplat" else "cpu"
    view = (torch.from_numpy(camera.viewmat)[None], torch.from_numpy(camera.K)[None])

    def draw(colors: torch.Tensor, **how) -> tuple[np.ndarray, np.ndarray]:
        tensors = (posed.means, posed.quats, posed.scales, posed.opacities, colors, *view)
        with torch.no_grad():
            drawn, alphas, _ = rasterize(
                *(tensor.to(device) for tensor in tensors), width, height, backend=backend, threads=threads, **how
            )
        return drawn[0].cpu().numpy(), alphas[0].cpu().numpy()

    mode = "RGB+ED" if depth else "RGB"
    colors, alphas = draw(posed.sh, sh_degree=posed.sh_degree, render_mode=mode)
    passes, there = {}, alphas[..., 0] > 0.5
    if depth:
        passes["depth"] = np.where(there, colors[..., 3] * camera.depth_scale, NO_DEPTH).astype(np.float32)
    if uncertainty:
        errors = draw(posed.uncertainty[:, None])[0][..., 0]
        passes["uncertainty"] = np.where(there, errors / np.maximum(alphas[..., 0], 1e-6), 0.0).astype(np.float32)
    return colors[..., :3], alphas, passes


def _write_picture(path: Path, colors: np.ndarray, alphas: np.ndarray) -> None:
    write_png(path, straight_rgba8(colors, alphas))


def render(
    head: Head, take: Take, cameras: CameraPath, out: Path, *, first: int, last: int, depth: bool = False,
    uncertainty: bool = False, backend: str = "auto", threads: int = 0, report: Report,
) -> list[Path]:
    """Write frame_#####.png (and depth_#####.exr, uncertainty_#####.exr) of a take.

    Args:
        out: an existing folder.
        first, last: the take's frames to draw, from 0, inclusive.
        uncertainty: only of a head that was fitted.

    Returns:
        The PNG files in order.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
        Cancelled: asked to stop; the frames that were finished stay, each whole.
    """
    pixels = cameras.width * cameras.height
    most_waiting = min(4 * WRITERS, WAITING_BYTES // (pixels * 16))
    per_pixel = BYTES_PER_PIXEL + (depth + uncertainty) * EXR_BYTES_PER_PIXEL
    require_space(out, int(pixels * (last - first + 1) * per_pixel))
    backend = choose_backend(backend)[0]
    # torch moves a few thousand splats here: one thread is enough, and several stall each other when Blender is busy.
    torch.set_num_threads(1)
    paths, waiting, total = [], deque[Future](), last - first + 1
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="write") as pool:
        for done, frame in enumerate(range(first, last + 1)):
            report.progress("draw", done, total)
            colors, alphas, passes = draw_frame(
                head, take, frame, cameras.at(frame), cameras.width, cameras.height, depth=depth,
                uncertainty=uncertainty, backend=backend, threads=threads,
            )
            paths.append(out / frame_name(frame))
            waiting.append(pool.submit(_write_picture, paths[-1], colors, alphas))
            for name, values in passes.items():
                waiting.append(pool.submit(write_exr, out / f"{name}_{frame + 1:05d}.exr", values))
            while len(waiting) > most_waiting:
                waiting.popleft().result()
        for future in waiting:
            future.result()
    report.progress("draw", total, total)
    return paths

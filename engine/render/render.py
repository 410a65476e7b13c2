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
from .images import NO_DEPTH, straight_rgba8, write_depth_exr, write_png

WRITERS = 2
# Pictures that wait for a writer hold at most this much memory, however large they are.
WAITING_BYTES = 400_000_000
# A PNG of a head on a transparent background takes about a third of its raw size, a depth EXR about half.
BYTES_PER_PIXEL, DEPTH_BYTES_PER_PIXEL = 1.5, 2.0


def frame_name(frame: int) -> str:
    """File name of the take's frame `frame` (from 0); files count from 1."""
    return f"frame_{frame + 1:05d}.png"


def draw_frame(
    head: Head, take: Take, frame: int, camera: FrameCamera, width: int, height: int, *, depth: bool, backend: str,
    threads: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Draw one frame.

    Args:
        frame: the take's frame, from 0.
        backend, threads: as in `rasterize`.

    Returns:
        (H, W, 3) float32 premultiplied sRGB, (H, W, 1) float32 alphas, and (H, W) float32 metres (1e10 where nothing
        is) or None.
    """
    posed = head.pose(DriveFrame.of_take(take, frame), take.head_pose[frame], threads)
    tensors = (posed.means, posed.quats, posed.scales, posed.opacities, posed.sh)
    tensors += (torch.from_numpy(camera.viewmat)[None], torch.from_numpy(camera.K)[None])
    device = "cuda" if backend == "gsplat" else "cpu"
    with torch.no_grad():
        colors, alphas, _ = rasterize(
            *(tensor.to(device) for tensor in tensors), width, height, sh_degree=posed.sh_degree,
            render_mode="RGB+ED" if depth else "RGB", backend=backend, threads=threads,
        )
    colors, alphas = colors[0].cpu().numpy(), alphas[0].cpu().numpy()
    if not depth:
        return colors, alphas, None
    metres = np.where(alphas[..., 0] > 0.5, colors[..., 3] * camera.depth_scale, NO_DEPTH)
    return colors[..., :3], alphas, metres.astype(np.float32)


def _write_picture(path: Path, colors: np.ndarray, alphas: np.ndarray) -> None:
    write_png(path, straight_rgba8(colors, alphas))


def render(
    head: Head, take: Take, cameras: CameraPath, out: Path, *, first: int, last: int, depth: bool = False,
    backend: str = "auto", threads: int = 0, report: Report,
) -> list[Path]:
    """Write frame_#####.png (and depth_#####.exr) of a take.

    Args:
        out: an existing folder.
        first, last: the take's frames to draw, from 0, inclusive.

    Returns:
        The PNG files in order.

    Raises:
        StorageError: the disk is full or the folder cannot be written.
        Cancelled: asked to stop; the frames that were finished stay, each whole.
    """
    pixels = cameras.width * cameras.height
    most_waiting = min(4 * WRITERS, WAITING_BYTES // (pixels * 16))
    require_space(out, int(pixels * (last - first + 1) * (BYTES_PER_PIXEL + depth * DEPTH_BYTES_PER_PIXEL)))
    backend = choose_backend(backend)[0]
    # torch moves a few thousand splats here: one thread is enough, and several stall each other when Blender is busy.
    torch.set_num_threads(1)
    paths, waiting, total = [], deque[Future](), last - first + 1
    with ThreadPoolExecutor(WRITERS, thread_name_prefix="write") as pool:
        for done, frame in enumerate(range(first, last + 1)):
            report.progress("draw", done, total)
            colors, alphas, metres = draw_frame(
                head, take, frame, cameras.at(frame), cameras.width, cameras.height, depth=depth, backend=backend,
                threads=threads,
            )
            paths.append(out / frame_name(frame))
            waiting.append(pool.submit(_write_picture, paths[-1], colors, alphas))
            if metres is not None:
                waiting.append(pool.submit(write_depth_exr, out / f"depth_{frame + 1:05d}.exr", metres))
            while len(waiting) > most_waiting:
                waiting.popleft().result()
        for future in waiting:
            future.result()
    report.progress("draw", total, total)
    return paths

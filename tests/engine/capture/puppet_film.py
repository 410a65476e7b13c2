# SPDX-License-Identifier: GPL-3.0-or-later
"""Films of the puppet, drawn here: a face that trackers find, in any place, size and number, with exact cameras."""

from fractions import Fraction
from functools import lru_cache
from itertools import chain

import av
import numpy as np

from engine.head.puppet import build_puppet
from engine.protocol import EXPRESSION_NAMES
from engine.render.camera_path import FrameCamera
from engine.render.render import draw_frame
from engine.splats.cameras import intrinsics, look_at
from engine.take.take import Take

SIDE = 288  # of the drawn head's square
FRAMES = 50
FPS = 25


@lru_cache
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """The puppet speaking and moving its head before a camera that stands still.

    Returns:
        (FRAMES, SIDE, SIDE, 4) uint8 with straight alpha, and how far the jaw is open (FRAMES,).
    """
    time = np.arange(FRAMES) / FPS
    expression = np.zeros((FRAMES, 52), np.float32)
    jaw = 0.35 - 0.35 * np.cos(2 * np.pi * 2.2 * time)
    expression[:, EXPRESSION_NAMES.index("jawOpen")] = jaw
    pose = np.zeros((FRAMES, 6), np.float32)
    pose[:, 2] = 0.25 * np.sin(2 * np.pi * 0.5 * time)
    pose[:, 0] = 0.06 * np.sin(2 * np.pi * 0.8 * time)
    take = Take(
        fps=Fraction(FPS), expression=expression, emotion_weights=np.zeros((FRAMES, 8), np.float32),
        gaze=np.zeros((FRAMES, 2), np.float32), head_pose=pose, audio="", seed=0,
    )  # fmt: skip
    camera = FrameCamera(look_at((0, -1.2, -0.01), (0, 0, -0.01)), intrinsics(SIDE, SIDE, 0.34), 1.0)
    head, frames = build_puppet(), []
    for k in range(FRAMES):
        colors, alphas, _ = draw_frame(
            head, take, k, camera, SIDE, SIDE, depth=False, uncertainty=False, backend="numba", threads=2
        )
        straight = np.where(alphas > 1e-3, colors / np.maximum(alphas, 1e-3), 0)
        frames.append(np.concatenate([straight, alphas], -1))
    return (np.clip(np.stack(frames), 0, 1) * 255).round().astype(np.uint8), jaw


def wall(width: int, height: int, seed: int = 0) -> np.ndarray:
    """(height, width, 3) float background with a soft pattern."""
    ys, xs = np.mgrid[0:height, 0:width]
    phase = 7.0 * seed
    return np.stack(
        [96 + 30 * np.sin(xs / 31 + phase), 120 + 24 * np.cos(ys / 23 + phase), 150 + 20 * np.sin((xs + ys) / 47)], -1
    )


def scene(frame: int, width: int, height: int, places: list[tuple[int, int, int]], seed: int = 0) -> np.ndarray:
    """(height, width, 3) uint8: the puppet in each place (left, top, side) before a wall."""
    from PIL import Image

    picture = wall(width, height, seed)
    for left, top, side in places:
        head = np.asarray(Image.fromarray(drawn()[0][frame % FRAMES]).resize((side, side)), np.float64)
        x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, width), min(top + side, height)
        if x1 <= x0 or y1 <= y0:
            continue
        head = head[y0 - top : y1 - top, x0 - left : x1 - left]
        share = head[..., 3:] / 255
        picture[y0:y1, x0:x1] = picture[y0:y1, x0:x1] * (1 - share) + head[..., :3] * share
    return np.clip(picture, 0, 255).round().astype(np.uint8)


def write_film(path, images, fps=FPS, sound: np.ndarray | None = None, sound_start: float = 0.0, kind="mp4") -> None:
    """Write (H, W, 3) uint8 images as H.264, and sound (n,) at 16 kHz that starts at `sound_start` seconds."""
    images = iter(images)
    first = next(images)
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream("libx264", fps, options={"crf": "14", "preset": "ultrafast", "g": "10"})
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 90000)
        codec = "pcm_s16le" if kind == "matroska" else "aac"
        track = container.add_stream(codec, 16000, layout="mono") if sound is not None else None
        for k, image in enumerate(chain([first], images)):
            _mux(container, stream, image, Fraction(k) / Fraction(fps))
        container.mux(stream.encode(None))
        if track:
            samples = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
            for at in range(0, len(samples), 1024):
                piece = av.AudioFrame.from_ndarray(samples[None, at : at + 1024], "s16", "mono")
                piece.rate, piece.time_base, piece.pts = 16000, Fraction(1, 16000), round(sound_start * 16000) + at
                container.mux(track.encode(piece))
            container.mux(track.encode(None))


def _mux(container, stream, image: np.ndarray, time: Fraction) -> None:
    frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
    frame.pts, frame.time_base = round(time * 90000), Fraction(1, 90000)
    container.mux(stream.encode(frame))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Small captures of the puppet, drawn by the engine: as a character with a camera for each picture, or as a film."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch

from engine.capture.capture import Capture, split_test
from engine.capture.writer import CaptureWriter
from engine.head.puppet import build_puppet
from engine.protocol import EXPRESSION_NAMES
from engine.splats.cameras import intrinsics, look_at
from engine.splats.quats import matrices_from_quats, quats_from_rotation_vectors
from engine.splats.rasterize import rasterize

FOV = 0.33  # radians
USED = ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight", "mouthSmileLeft", "mouthSmileRight", "browInnerUp")


def make_capture(folder: Path, pictures: int = 60, size: int = 64, filmed: bool = False, sound: bool = True) -> Path:
    """Write a capture. A film's camera stands still before a striped wall, and its head turns by a few degrees."""
    puppet = build_puppet()
    rng = np.random.default_rng(3)
    expression = np.zeros((pictures, len(EXPRESSION_NAMES)), np.float32)
    phase = np.linspace(0, 9, pictures)
    for k, name in enumerate(USED):
        values = np.clip(0.5 + 0.5 * np.sin(phase * (1 + 0.37 * k) + k), 0, 1)
        expression[:, EXPRESSION_NAMES.index(name)] = 0.6 * values
    poses = np.zeros((pictures, 6), np.float32)
    target = np.array([0.0, 0.0, -0.01])
    viewmats = np.tile(look_at((0.0, -1.2, 0.0), target), (pictures, 1, 1))
    if filmed:
        poses[:, 2] = 0.10 * np.sin(phase)
        poses[:, 0] = 0.05 * np.sin(1.3 * phase)
        poses[:, 3] = 0.004 * np.sin(0.7 * phase)
    else:
        for row, (yaw, pitch) in enumerate(rng.uniform((-0.4, -0.2), (0.4, 0.2), (pictures, 2))):
            viewmats[row] = look_at((1.2 * np.sin(yaw), -1.2 * np.cos(yaw), 1.2 * np.sin(pitch)), target)
    K = intrinsics(size, size, FOV)
    writer = CaptureWriter(folder, {"of": "a puppet", "pictures": pictures, "size": size, "filmed": filmed})
    wall = 0.3 + 0.4 * (np.arange(size)[None, :, None] // 6 % 2) * np.ones((size, 1, 3))
    for row in range(pictures):
        colors, alpha, regions = _draw(puppet, expression[row], poses[row], viewmats[row], K, size)
        if filmed:
            picture = (255 * np.clip(colors + (1 - alpha) * wall, 0, 1)).round()
        else:
            straight = np.clip(colors / np.maximum(alpha, 1e-6), 0, 1)
            picture = (255 * np.concatenate([straight, alpha], 2)).round()
        writer.add(0, row, picture.astype(np.uint8), regions)
    capture = Capture(
        identity="Puppet", fps=Fraction(25), width=size, height=size, frames=np.arange(pictures, dtype=np.int32),
        cameras=np.zeros(pictures, np.int32), viewmats=_head_cameras(viewmats, poses), Ks=np.tile(K, (pictures, 1, 1)),
        expression=expression, gaze=np.zeros((pictures, 2), np.float32), confidence=np.ones(pictures, np.float32),
        test=split_test(np.arange(pictures)),
    )
    audio = None
    if sound:
        seconds = pictures / 25
        times = np.arange(int(16000 * seconds)) / 16000
        audio = ([(0.3 * np.sin(2 * np.pi * 180 * times) * (np.sin(9 * times) > 0)).astype(np.float32)], 16000)
    return writer.finish(capture, audio)


def changed(capture: Capture, **fields) -> Capture:
    return replace(capture, **fields)


def _head_cameras(viewmats: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """The head's frame to the camera: what a capture holds."""
    turns = matrices_from_quats(quats_from_rotation_vectors(torch.from_numpy(poses[:, :3]))).numpy()
    heads = np.tile(np.eye(4, dtype=np.float32), (len(poses), 1, 1))
    heads[:, :3, :3], heads[:, :3, 3] = turns, poses[:, 3:]
    return (viewmats @ heads).astype(np.float32)


def _draw(puppet, expression, pose, viewmat, K, size) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(H, W, 3) premultiplied colours, (H, W, 1) alpha, (H, W) regions by where the head's parts are."""
    moved = puppet.pose(expression, pose)
    tensors = (moved.means, moved.quats, moved.scales, moved.opacities)
    camera = torch.from_numpy(viewmat)[None], torch.from_numpy(K)[None]
    colors, alphas, _ = rasterize(*tensors, moved.sh, *camera, size, size, sh_degree=moved.sh_degree, threads=1)
    places = rasterize(*tensors, puppet.gaussians.means, *camera, size, size, threads=1)[0][0].numpy()
    alpha = alphas[0].numpy()
    at = places / np.maximum(alpha, 1e-6)
    regions = np.full((size, size), 2, np.uint8)
    regions[at[..., 2] < -0.115] = 4
    regions[(at[..., 2] > 0.07) | (at[..., 1] > 0.03) & (at[..., 2] > -0.1)] = 1
    regions[alpha[..., 0] < 0.5] = 0
    return colors[0].numpy(), alpha, regions



# SPDX-License-Identifier: GPL-3.0-or-later
"""The deformation's part of `python -m engine bench`: posing, a training step, and the fusion against five inverses."""

import itertools
import time
from typing import Callable

import torch

from .deform.deformation import Deformation
from .deform.drive import Drive
from .deform.fusion import FEATURES, fuse, fuse_by_inverses
from .deform.performer import Performer
from .deform.settings import DeformationSettings
from .splats.gaussians import Gaussians

POSED = (30_000, 2_000)  # Gaussians, nodes
TRAINED = (14_000, 1_200)
POINTS, VIEWS, MEMBERS = 10_000, 4, 10
AT_ONCE = 1_000  # points, so that the inverses' matrices fit in memory
RUNS, TRAINING_RUNS, INVERSE_RUNS = 40, 8, 1
STEPS = 6  # calls of `least`


def bench_deformation(head: Callable[[int], Gaussians], least: Callable[[Callable[[], None], int], float]) -> dict:
    """Time the deformation on all cores, and the processor time of a pose.

    Args:
        head: so many Gaussians of a head.
        least: times a function so many times and gives the least, in milliseconds.

    Returns:
        {"pose": {"gaussians", "nodes", "ms": everything that drives it changes, "emotion_held_ms", "cpu_ms"},
        "training": {"gaussians", "nodes", "one_network_ms", "all_networks_ms": forwards and backwards},
        "fusion": {"points", "views", "networks", "ms", "five_inverses_ms", "ratio"}}.
    """
    pose = torch.tensor([0.1, 0.0, 0.2, 0.0, 0.01, 0.0])
    rest, deformation, drive = fitted(head(POSED[0]), POSED[1])
    performer, rows = Performer(deformation, rest), itertools.count()
    frames = [drive.frame(row) for row in range(len(drive))]
    held = [drive.frame(row) for row in range(len(drive))]
    for frame in held:
        frame.emotion = held[0].emotion

    def play(frames: list) -> Callable[[], None]:
        return lambda: performer.pose(frames[next(rows) % len(frames)], pose)

    posed = {"gaussians": POSED[0], "nodes": POSED[1], "ms": least(play(frames), RUNS)}
    posed["emotion_held_ms"] = least(play(held), RUNS)
    start = time.process_time()
    for _ in range(RUNS):
        play(frames)()
    posed["cpu_ms"] = round(1000 * (time.process_time() - start) / RUNS, 2)

    rest, deformation, drive = fitted(head(TRAINED[0]), TRAINED[1])
    trained = {"gaussians": TRAINED[0], "nodes": TRAINED[1]}
    for name, step in (("one_network_ms", 1), ("all_networks_ms", None)):
        trained[name] = least(lambda: _train(deformation, rest, drive, step), TRAINING_RUNS)

    raw = torch.randn(VIEWS, MEMBERS, 2 * FEATURES, AT_ONCE, generator=torch.Generator().manual_seed(0))
    parts = POINTS // AT_ONCE
    fast = least(lambda: [fuse(raw) for _ in range(parts)], TRAINING_RUNS)
    slow = least(lambda: [fuse_by_inverses(raw) for _ in range(parts)], INVERSE_RUNS)
    fused = {"points": POINTS, "views": VIEWS, "networks": MEMBERS, "ms": fast, "five_inverses_ms": slow}
    return {"pose": posed, "training": trained, "fusion": fused | {"ratio": round(slow / fast, 1)}}


def fitted(rest: Gaussians, nodes: int) -> tuple[Gaussians, Deformation, Drive]:
    """A deformation that moves, and a drive in which everything changes from row to row."""
    torch.manual_seed(0)
    rows = 50
    drive = Drive(
        torch.rand(rows, 52), 0.1 * torch.randn(rows, 2), torch.arange(rows), torch.randn(rows, 20),
        torch.randn(rows, 64), torch.randn(64), torch.randn(rows, 128),
    )
    deformation = Deformation(DeformationSettings(codes=20, nodes=nodes - 100, mouth_nodes=100), len(rest))
    deformation.see(drive)
    torch.nn.init.normal_(deformation.basis, std=0.1)
    deformation.place_nodes(rest, drive, torch.arange(len(rest)) % 20 == 0)
    return rest, deformation, drive


def _train(deformation: Deformation, rest: Gaussians, drive: Drive, step: int | None) -> None:
    moved = deformation(rest, drive.frame(7), step)
    sum(value.sum() for value in (moved.means, moved.quats, moved.scales, moved.opacities, moved.sh)).backward()
    deformation.zero_grad(set_to_none=True)

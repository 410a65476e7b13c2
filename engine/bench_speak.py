# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of `python -m engine bench` that an animator waits for: a fitted head's frames, and the first of them."""

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

from .deform.drive import DriveFrame
from .errors import EngineError
from .head.head import Head
from .head.library import DATA, open_head
from .head.storage import save_head
from .perform import perform
from .protocol import CameraTrack, Controls, SpeakJob, encode, job_message
from .render.camera_path import CameraPath
from .render.render import draw_frame, render
from .report import Report
from .splats.cameras import portrait_camera

SPEECH = DATA / "sample_speech.flac"
SIZE, FRAMES, RUNS = 512, 100, 40
STEPS = 3  # calls of `least`


def bench_speak(
    head_file: str, fitted: Callable[[], Head], least: Callable[[Callable[[], object], int], float], report: Report
) -> dict:
    """Time a head that speaks the sample speech at 512 x 512, on all cores.

    Args:
        head_file: name of a head, or an .emohead file; "" for `fitted`, which makes a head as large as they come.
        least: times a function so many times and gives the least, in milliseconds.

    Returns:
        {"head", "gaussians", "size", "pose_ms", "frame_ms": posed and drawn, "frame_cpu_ms": in processor time,
        "frames_per_second" and "cpu_ms_per_frame": PNG files written, "first_frame_cold_s": of a new worker,
        "first_frame_warm_s": of the same worker's next job}.

    Raises:
        FormatError: the file is no head.
        Cancelled: asked to stop.
    """
    with tempfile.TemporaryDirectory() as folder:
        if not head_file:
            head_file = str(Path(folder) / "bench.emohead")
            save_head(fitted(), head_file)
        head = open_head(head_file)
        take = perform(SPEECH, fps=Fraction(25), controls=Controls(), seed=0, report=Report())
        viewmat, K = portrait_camera(SIZE, SIZE)
        cameras, rows = CameraPath(CameraTrack(SIZE, SIZE, [viewmat.tolist()], [K.tolist()])), itertools.count()

        def pose() -> None:
            frame = next(rows) % len(take)
            head.pose(DriveFrame.of_take(take, frame), take.head_pose[frame])

        def draw() -> None:
            frame = next(rows) % len(take)
            draw_frame(head, take, frame, cameras.at(frame), SIZE, SIZE, depth=False, uncertainty=False,
                       backend="numba", threads=0)

        result = {"head": head.name, "gaussians": len(head.gaussians), "size": SIZE, "pose_ms": least(pose, RUNS)}
        result["frame_ms"] = least(draw, RUNS)
        result["frame_cpu_ms"] = round(1000 * _processor_time(lambda: [draw() for _ in range(RUNS)]) / RUNS, 2)

        def write() -> None:
            render(head, take, cameras, Path(folder), first=0, last=FRAMES - 1, backend="numba", report=report)

        result["frames_per_second"] = round(FRAMES / least(write, 1) * 1000, 1)
        result["cpu_ms_per_frame"] = round(1000 * _processor_time(write) / FRAMES, 2)
        cold, warm = _first_frames(SpeakJob(str(SPEECH), head_file, str(Path(folder) / "frames"), size=SIZE, last=1))
        return result | {"first_frame_cold_s": cold, "first_frame_warm_s": warm}


def _processor_time(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def _first_frames(job: SpeakJob) -> tuple[float, float]:
    """Seconds from starting a worker to a job's result, and those of the same job to the same worker again."""
    seconds, start = [], time.monotonic()
    command = [sys.executable, "-m", __package__, "serve"]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[1], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as worker:
        for name in ("cold", "warm"):
            worker.stdin.write(encode(job_message(name, job)))
            worker.stdin.flush()
            for message in map(json.loads, worker.stdout):
                if message["type"] == "error":
                    raise EngineError(message["what"], message["todo"])
                if message["type"] == "result":
                    break
            seconds.append(round(time.monotonic() - start, 2))
            start = time.monotonic()
        worker.stdin.close()
    return seconds[0], seconds[1]

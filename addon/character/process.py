# SPDX-License-Identifier: GPL-3.0-or-later
"""Background Blenders that render a character, polled without waiting."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import bpy

from ..pipe import read_available
from ..problem import Problem
from .background import PREFIX

SCRIPT = Path(__file__).with_name("background.py")


def command(job: Path, blend: str, part: str, threads: int) -> list[str]:
    """How this Blender starts itself in the background on a job; the bpy module is a Python that opens the file."""
    rest = [str(job), "--part", part, "--threads", str(threads)]
    if not bpy.app.binary_path:
        return [sys.executable, str(SCRIPT), *rest]
    return [bpy.app.binary_path, "--background", blend, "--python", str(SCRIPT), "--", *rest]


# It takes whatever the window and other programs leave, and no more.
NICENESS = 10
_WINDOWS_FLAGS = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0)


class RenderProcess:
    """One background Blender; its chatter goes to a log beside the job. Raises Problem when it cannot be started."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        self._rest, self._log = b"", log
        try:
            with open(log, "wb") as errors:
                self._process = subprocess.Popen(
                    arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, bufsize=0,
                    creationflags=_WINDOWS_FLAGS,
                )
        except OSError as error:
            raise Problem(f"{arguments[0]} could not be started ({error.strerror or error}).",
                          "Start Blender from a folder that still exists.", "character") from error
        if hasattr(os, "setpriority"):
            os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def receive(self) -> list[dict]:
        """What it has said since the last call, without waiting.

        Raises:
            Problem: it said that it failed, or ended without a word.
        """
        ended = not self.alive
        while chunk := read_available(self._process.stdout):
            self._rest += chunk
        *lines, self._rest = self._rest.split(b"\n")
        prefix = PREFIX.encode()
        messages = [json.loads(line[len(prefix):]) for line in lines if line.startswith(prefix)]
        for message in messages:
            if message["type"] == "error":
                self.stop()
                raise Problem(message["what"], message["todo"], message["code"])
        if ended and not any(message["type"] == "result" for message in messages):
            raise Problem(f"The background Blender stopped unexpectedly (exit status {self._process.returncode}).",
                          f"What was rendered is kept: start again and it goes on. See {self._log}.", "died")
        return messages

    def stop(self) -> None:
        """End it at once: a picture that is not whole has no name yet."""
        if self.alive:
            self._process.kill()
        self._process.wait()
        self._process.stdout.close()


class Rendering:
    """A job rendered by one background Blender or several side by side.

    Args:
        job: the job's file.
        blend: the .blend that it names.
        parts: how many Blenders share the work.
        threads: of each; 0 leaves it to the scene.
        portion: (k, n), the k-th of n portions of the pictures, from 0, evenly spread; the others are left alone.

    Raises:
        Problem: Blender cannot be started.
    """

    def __init__(self, job: Path, blend: str, parts: int = 1, threads: int = 0,
                 portion: tuple[int, int] = (0, 1)) -> None:
        self._job, self._blend, self._parts, self._threads, self._portion = job, blend, parts, threads, portion
        self.stage, self.done, self.total, self.eta = "start", 0, 0, None
        self.warnings: list[str] = []
        self._latest: dict[int, dict] = {}
        self._running: dict[int, RenderProcess] = {}
        self._start(1)

    def poll(self) -> bool:
        """Take in what they said; True when all is rendered.

        Raises:
            Problem: one of them failed; all were stopped.
        """
        try:
            for number, process in list(self._running.items()):
                for message in process.receive():
                    self._take(number, message)
        except Problem:
            self.stop()
            raise
        return not self._running

    def wait(self) -> None:
        """Block until all is rendered. Raises Problem."""
        while not self.poll():
            time.sleep(0.1)

    def stop(self) -> None:
        for process in self._running.values():
            process.stop()
        self._running.clear()

    def _start(self, number: int) -> None:
        log = self._job.with_name(f"blender_{number}.log")
        before, portions = self._portion
        part = f"{before * self._parts + number}/{portions * self._parts}"
        self._running[number] = RenderProcess(command(self._job, self._blend, part, self._threads), log)

    def _take(self, number: int, message: dict) -> None:
        if message["type"] == "result":
            self._running.pop(number).stop()
            self.warnings = message["warnings"]
            return
        self._latest[number] = message
        laid_out = message["stage"] != "prepare" or message["done"] == message["total"]
        if number == 1 and laid_out and len(self._latest) == 1 and self._parts > len(self._running):
            for other in range(2, self._parts + 1):
                self._start(other)
        first = self._latest.get(1, message)
        same = [latest for latest in self._latest.values() if latest["stage"] == first["stage"]]
        self.stage = first["stage"]
        self.done, self.total = (sum(latest[name] for latest in same) for name in ("done", "total"))
        self.eta = max((latest["eta"] for latest in same if latest["eta"] is not None), default=None)

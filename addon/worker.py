# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of one engine process: start, send, receive, stop. Knows nothing of Blender.

The engine's standard error goes to a log file; its standard output carries messages of engine/protocol, one a line.
"""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ..engine.protocol import PROTOCOL_VERSION, encode
from .pipe import read_available
from .problem import Problem

LOG_SIZE = 1_000_000
LOGS_KEPT = 3
READY_PATIENCE = 60.0


@dataclass(frozen=True)
class Launch:
    """How to start the engine.

    Args:
        python: the interpreter's path.
        folder: the folder that holds engine/, where the process runs.
        environment: the process's whole environment.
        log: file that takes the engine's standard error.
    """

    python: str
    folder: str
    environment: dict[str, str]
    log: Path


class Worker:
    """A running engine.

    Raises:
        Problem: the interpreter cannot be started.
    """

    def __init__(self, launch: Launch) -> None:
        self.launch = launch
        self.ready = False
        self._started = time.monotonic()
        self._rest = b""
        try:
            _rotate(launch.log)
            with open(launch.log, "ab") as log:
                self._log_start = log.tell()
                self._process = subprocess.Popen(
                    [launch.python, "-m", "engine", "serve"], cwd=launch.folder, env=launch.environment,
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0,
                    creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                )
        except OSError as error:
            raise Problem(
                f"The engine could not be started with {launch.python} ({error.strerror or error}).",
                "Choose a Python interpreter that exists in the add-on's preferences.",
            ) from error

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def send(self, message: dict) -> None:
        """Send one message. A worker that died is noticed by `receive`."""
        try:
            self._process.stdin.write(encode(message))
        except OSError:
            self._process.kill()

    def receive(self) -> list[dict]:
        """The messages that have arrived since the last call, without waiting; "ready" is dealt with here.

        Raises:
            Problem: the process ended, never became ready, or speaks another protocol.
        """
        ended = not self.alive
        messages = self._read()
        if not self.ready and messages:
            first = messages.pop(0)
            if first.get("type") != "ready" or first.get("protocol") != PROTOCOL_VERSION:
                self.stop()
                raise Problem(
                    "The engine speaks another protocol than the add-on.",
                    "Reinstall the extension, so that both come from the same version.",
                )
            self.ready = True
        if ended and not messages:
            raise Problem(
                f"The engine stopped unexpectedly ({self._ending()}).",
                "Try again: a new one starts by itself. If it happens again, run Doctor and look at the log.",
                code="died",
            )
        if not self.ready and time.monotonic() - self._started > READY_PATIENCE:
            self.stop()
            raise Problem(
                f"{self.launch.python} did not start the engine within {READY_PATIENCE:.0f} seconds.",
                "Choose a Python interpreter in the add-on's preferences, and look at the log.",
            )
        return messages

    def stop(self, patience: float = 0.3) -> None:
        """End the process: ask by closing its stdin, then kill it."""
        self._process.stdin.close()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _read(self) -> list[dict]:
        while chunk := read_available(self._process.stdout):
            self._rest += chunk
        *lines, self._rest = self._rest.split(b"\n")
        try:
            return [json.loads(line) for line in lines if line.strip()]
        except ValueError:
            self.stop()
            raise Problem(
                f"{self.launch.python} answered something that is not the engine's protocol.",
                "Choose a Python interpreter in the add-on's preferences.",
            ) from None

    def _ending(self) -> str:
        code = self._process.returncode
        ending = f"signal {-code}" if code < 0 else f"exit status {code}"
        with open(self.launch.log, "rb") as log:
            log.seek(max(self._log_start, log.seek(0, os.SEEK_END) - 4000))
            lines = log.read().decode(errors="replace").strip().splitlines()
        if not lines or " INFO " in lines[-1]:  # the engine's own record of a job says nothing about its end
            return ending
        return f"{ending}; its last words: {lines[-1][:200]}"


def _rotate(log: Path) -> None:
    """Keep the log from growing without end. Another Blender may hold it open, which Windows does not let us move."""
    if not log.exists() or log.stat().st_size < LOG_SIZE:
        return
    older = [log.with_name(f"{log.name}.{i}") for i in range(1, LOGS_KEPT + 1)]
    try:
        for target, source in zip(older[::-1], [*older[-2::-1], log]):
            if source.exists():
                os.replace(source, target)
    except PermissionError:
        return

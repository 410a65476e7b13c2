# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker under test and its messages, with a deadline on every wait."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


class Client:
    """Starts `python -m engine serve` and reads its lines on a thread."""

    def __init__(self, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine", "serve"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env={**os.environ, **environment},
        )
        self.lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def send(self, message: dict | bytes) -> None:
        data = message if isinstance(message, bytes) else json.dumps(message).encode() + b"\n"
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def job(self, job_id: str, verb: str, **job) -> None:
        self.send({"type": "job", "id": job_id, "verb": verb, "job": job})

    def until(
        self, kinds: tuple[str, ...], job_id: str | None = None, seconds: float = 120.0
    ) -> tuple[dict, list[dict]]:
        """The next message of one of `kinds` (for `job_id`), and those before it."""
        deadline, before = time.monotonic() + seconds, []
        while True:
            message = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            assert message is not None, "the worker ended"
            if message["type"] in kinds and job_id in (None, message.get("id")):
                return message, before
            before.append(message)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

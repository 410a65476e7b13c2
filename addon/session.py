# SPDX-License-Identifier: GPL-3.0-or-later
"""One engine process and the one task that it works on. Knows nothing of Blender; somebody calls `poll`."""

import itertools
import time
from dataclasses import dataclass, field
from typing import Callable

from ..engine.protocol import WarmUpJob, job_message
from .problem import Problem
from .worker import Launch, Worker

CANCEL_PATIENCE = 0.4
IDLE = 0.02


@dataclass
class Task:
    """A job under way.

    Args:
        id: its id in the protocol.
        job: a dataclass of protocol.JOBS.
        title: what the animator asked for, such as "Generating Head".
        on_result: called with the result's dict and the warnings.
        on_failure: called with the Problem, also when the task was cancelled or abandoned.
    """

    id: str
    job: object
    title: str
    on_result: Callable[[dict, list[str]], None]
    on_failure: Callable[[Problem], None]
    stage: str = "starting the engine"
    done: int = 0
    total: int = 0
    eta: float | None = None
    warnings: list[str] = field(default_factory=list)
    cancelled_at: float | None = None

    @property
    def yields(self) -> bool:
        """Nobody waits for a warm-up: any other task takes its place."""
        return isinstance(self.job, WarmUpJob)


class Session:
    """Starts the engine for the first task, keeps it for the next ones, and starts a new one when it has died."""

    def __init__(self) -> None:
        self.worker: Worker | None = None
        self.task: Task | None = None
        self._ids = itertools.count(1)

    @property
    def busy(self) -> bool:
        """A task that somebody waits for is under way."""
        return self.task is not None and not self.task.yields

    def start(
        self, launch: Launch, job, title: str, on_result: Callable[[dict, list[str]], None],
        on_failure: Callable[[Problem], None],
    ) -> Task:
        """Send a job to the engine.

        Raises:
            Problem: another task is under way, or the engine cannot be started.
        """
        if self.busy:
            raise Problem(f"{self.task.title} is still under way.", "Wait for it or cancel it.", code="busy")
        self.task = None
        if self.worker is not None and (not self.worker.alive or self.worker.launch != launch):
            self._stop_worker()
        if self.worker is None:
            self.worker = Worker(launch)
        self.task = Task(str(next(self._ids)), job, title, on_result, on_failure)
        if self.worker.ready:
            self.task.stage = "waiting for the engine"
        self.worker.send(job_message(self.task.id, job))
        return self.task

    def poll(self) -> None:
        """Take in what the engine has said. Ends the task, and calls its callbacks, when its answer is there."""
        if self.task is None:
            return
        try:
            for message in self.worker.receive():
                self._take(message)
        except Problem as problem:
            self._stop_worker()
            self._fail(problem)
            return
        task = self.task
        if task and task.cancelled_at and time.monotonic() - task.cancelled_at > CANCEL_PATIENCE:
            self._stop_worker(patience=0.0)
            self._fail(_cancelled(task))

    def wait(self) -> None:
        """Block until the task has ended: for background mode, where no timer runs."""
        while self.task is not None:
            self.poll()
            time.sleep(IDLE)

    def cancel(self) -> None:
        """Ask the engine to stop; it is killed if it does not listen."""
        if self.task is not None and self.task.cancelled_at is None:
            self.task.cancelled_at = time.monotonic()
            self.worker.send({"type": "cancel", "id": self.task.id})

    def stop(self, why: str) -> None:
        """End the engine, and the task with `why`."""
        self._stop_worker()
        if self.task is not None:
            self._fail(Problem(f"{self.task.title} was stopped, because {why}.", code="cancelled"))

    def _take(self, message: dict) -> None:
        task = self.task
        if task is None or message.get("id") != task.id:
            return
        kind = message["type"]
        if kind == "progress":
            task.stage, task.done, task.total = message["stage"], message["done"], message["total"]
            task.eta = message["eta"]
        elif kind == "warning":
            task.warnings.append(message["text"])
        elif kind == "error" and message["code"] == "cancelled":
            self._fail(_cancelled(task))
        elif kind == "error":
            self._fail(Problem(message["what"], message["todo"], message["code"]))
        elif kind == "result":
            self.task = None
            try:
                task.on_result(message["result"], task.warnings)
            except Problem as problem:
                task.on_failure(problem)

    def _fail(self, problem: Problem) -> None:
        task, self.task = self.task, None
        if task is not None:
            task.on_failure(problem)

    def _stop_worker(self, patience: float = 0.3) -> None:
        if self.worker is not None:
            self.worker.stop(patience)
            self.worker = None


def _cancelled(task: Task) -> Problem:
    return Problem(f"{task.title} was cancelled.", code="cancelled")

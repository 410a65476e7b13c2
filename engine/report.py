# SPDX-License-Identifier: GPL-3.0-or-later
"""How a running job talks: progress with an estimate, warnings, and the question whether to go on."""

import threading
import time
from dataclasses import dataclass, field
from typing import Callable

from .errors import Cancelled


@dataclass
class Report:
    """Handed to every job function; the command line and the worker listen in their own ways.

    Args:
        on_progress: called with (stage, done, total, eta_seconds or None), at most every 0.1 s and at each stage's end.
        on_warning: called with one sentence.
    """

    on_progress: Callable[[str, int, int, float | None], None] = lambda stage, done, total, eta: None
    on_warning: Callable[[str], None] = lambda text: None
    cancel_event: threading.Event = field(default_factory=threading.Event)
    seconds: dict[str, float] = field(default_factory=dict)
    _stage: str = ""
    _stage_start: float = 0.0
    _last_call: float = 0.0

    def check(self) -> None:
        """Raise Cancelled if the person asked to stop. Cheap: call it before each piece of work."""
        if self.cancel_event.is_set():
            raise Cancelled()

    def progress(self, stage: str, done: int, total: int) -> None:
        """Say that `done` of `total` pieces of `stage` are ready, then check for a cancel."""
        self.check()
        now = time.monotonic()
        if stage != self._stage:
            self.finish()
            self._stage, self._stage_start, self._last_call = stage, now, 0.0
        if done < total and now - self._last_call < 0.1:
            return
        self._last_call = now
        eta = (now - self._stage_start) / done * (total - done) if done else None
        self.on_progress(stage, done, total, eta)

    def finish(self) -> None:
        """Close the running stage, so that `seconds` holds its time."""
        if self._stage:
            spent = time.monotonic() - self._stage_start
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + spent
            self._stage = ""

    def warning(self, text: str) -> None:
        self.on_warning(text)

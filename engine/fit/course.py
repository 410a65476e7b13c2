# SPDX-License-Identifier: GPL-3.0-or-later
"""The course of a fit: steps until the budget is spent, a look at held-out pictures now and then, everything on disk
once a minute. A fit that was cut off goes on from there."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import Cancelled
from ..head.head import Head
from ..head.storage import save_head
from ..report import Report
from .budget import Budget
from .checkpoint import load_checkpoint, save_checkpoint
from .metrics import core, in_box, psnr
from .scene import Scene
from .trainer import Trainer
from .view import draw, tracked, true_picture

CHECKPOINT_EVERY = 60.0  # seconds
LOOKS = 25  # at held-out pictures, over the whole fit
LOOKED_AT = 8  # pictures each time
BOUND_BY = 40  # rows that say what a head may do that is kept while the fit goes on


@dataclass
class History:
    """How a fit went, for its curves.

    Args:
        steps, seconds: so far.
        looks: one (step, seconds, mean loss since the last, PSNR of the head, of the mouth) for each look.
        best: PSNR of the head at the best look.
    """

    steps: int = 0
    seconds: float = 0.0
    looks: list[tuple[int, float, float, float | None, float | None]] = field(default_factory=list)
    best: float = -1.0


class Course:
    """Args:
        folder: for the checkpoint.
        best: the file for the best head so far.
        make_head: what the trainer has learned, as a head.
    """

    def __init__(
        self, trainer: Trainer, budget: Budget, folder: Path, best: Path, make_head: Callable[[History], Head],
        report: Report,
    ) -> None:
        self.trainer, self.budget, self.folder, self.best = trainer, budget, folder, best
        self.make_head, self.report = make_head, report
        self.history = History()
        self._better: Head | None = None  # than the one on the disk
        header = load_checkpoint(folder, trainer)
        if header is not None:
            self.history = History(header["steps"], header["seconds"], [tuple(look) for look in header["looks"]],
                                   header["best"])

    def run(self) -> History:
        """Fit until the budget is spent. Raises Cancelled, with everything saved."""
        history, trainer, losses = self.history, self.trainer, []
        started = time.monotonic() - history.seconds
        saved, warned = time.monotonic(), False
        try:
            while (progress := self.budget.progress(history.steps, history.seconds)) < 1.0:
                self._tell(history)
                loss = trainer.step(history.steps, progress)
                if not np.isfinite(loss) and not warned:
                    self.report.warning(f"Step {history.steps} went wrong (loss {loss}) and was left out.")
                    warned = True
                losses.append(loss)
                history.steps += 1
                history.seconds = time.monotonic() - started
                after = self.budget.progress(history.steps, history.seconds)
                if int(after * LOOKS) > int(progress * LOOKS):
                    self._look(float(np.mean(losses)))
                    losses.clear()
                if time.monotonic() - saved > CHECKPOINT_EVERY:
                    self.save()
                    saved = time.monotonic()
        except Cancelled:
            self.save()
            raise
        return history

    def save(self) -> None:
        """Everything a fit goes on from."""
        history = self.history
        header = {"steps": history.steps, "seconds": history.seconds, "looks": history.looks, "best": history.best}
        save_checkpoint(self.folder, self.trainer, header)
        if self._better is None and not self.best.exists():
            self._better = self.make_head(history)
        if self._better is not None:
            save_head(self.trainer.bound(self._better, BOUND_BY), self.best)
            self._better = None

    def _tell(self, history: History) -> None:
        if self.budget.steps:
            self.report.progress("fit", history.steps, self.budget.steps)
        else:
            self.report.progress("fit", int(history.seconds), max(int(60 * self.budget.minutes), 1))

    def _look(self, loss: float) -> None:
        """Draw a few held-out pictures; the head that draws them best is kept."""
        history, head = self.history, self.make_head(self.history)
        found = look_at(head, self.trainer.scene, self.trainer.threads)
        history.looks.append((history.steps, history.seconds, loss, *found))
        if found[0] is None or found[0] > history.best:
            history.best = -1.0 if found[0] is None else found[0]
            self._better = head


def look_at(head: Head, scene: Scene, threads: int) -> tuple[float | None, float | None]:
    """Mean PSNR of head and mouth over a few held-out pictures, at the tracked poses; None where none are held out."""
    rows = scene.test[np.unique(np.linspace(0, len(scene.test) - 1, LOOKED_AT).astype(int))] if len(scene.test) else ()
    values: dict[str, list[float]] = {"head": [], "mouth": []}
    for row in rows:
        picture = draw(head, scene, int(row), scene.drive.frame(int(row)), tracked(scene, int(row)), threads)
        target, middle = true_picture(scene, int(row)), core(scene.pictures.regions(int(row)))
        for name, where in (("head", middle), ("mouth", in_box(scene.boxes["mouth"][row], *middle.shape))):
            if (value := psnr(picture, target, where)) is not None:
                values[name].append(value)
    return tuple(float(np.mean(found)) if found else None for found in values.values())

# SPDX-License-Identifier: GPL-3.0-or-later
"""The students' last layers learn how one person shows what their voice says.

The second stage of UA-3DTalk's Emotion Distillation (arXiv 2601.19112) on a capture: L2 to the teacher's feature, and
cross-entropy. The teacher knows what the tracked face shows and, where there is a label, what it says. Where there is
none the classes stay what the students said before (learning without forgetting, Li and Hoiem 2017).
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..prior.storage import digest
from ..protocol import EMOTION_NAMES, EXPRESSION_NAMES
from ..report import Report
from .acoustics import HOPS_PER_SECOND
from .classes import CLASSES, FEATURE
from .extract import NEUTRAL, WINDOWS_AT_ONCE
from .hearing import WINDOWS_PER_SECOND, Heard, window_starts, windows
from .model import EmotionModel
from .network import SECONDS
from .personal import PersonalEmotion, last_layers
from .smoothing import speech_near

STEPS = 300
RATE = 1e-3
PULL = 1.0  # towards the layers as they were
SMOOTHING = 0.1
SPOKEN = 0.15  # share of speech in a window that counts
JUDGES = 0.2  # of the windows, the last ones: they are not learned from, and decide
FEWEST = 40  # windows that are learned from
BETTER = 0.97  # what the judges' loss must fall to, as a share of what it was


@dataclass(frozen=True)
class Lesson:
    """What is known of the windows of a sound, in the order of hearing.window_starts.

    Args:
        faces: (W, 52) float32 in [0, 1], the tracked ARKit weights' mean over each window.
        seen: (W,) bool, where there is a face to learn from.
        labels: (W,) int, index of the label's emotion; -1 without.
        intensity: (W,) float32 in [0, 1] of the labels.
    """

    faces: np.ndarray
    seen: np.ndarray
    labels: np.ndarray
    intensity: np.ndarray


@dataclass(frozen=True)
class FineTuned:
    """How it went.

    Args:
        person: the changed layers; None where the model stays as it is.
        learned, judged: windows.
        before, after: the judges' loss; None where nothing was learned.
    """

    person: PersonalEmotion | None
    learned: int
    judged: int
    before: float | None
    after: float | None

    @property
    def text(self) -> str:
        """One sentence for people."""
        if self.before is None:
            return f"The voice's emotion is heard as anybody's: {self.learned} windows of speech are too few to learn."
        change = f"{self.before:.3f} to {self.after:.3f} on {self.judged} windows that it did not learn from"
        if self.person is None:
            return f"The voice's emotion is heard as anybody's: learning it changed the error from {change}."
        return f"The voice's emotion was learned from {self.learned} windows: the error fell from {change}."


def fine_tune(heard: Heard, lesson: Lesson, model: EmotionModel, report: Report) -> FineTuned:
    """Learn from a capture's sound and faces, and keep it if it helps where nothing was learned from.

    Args:
        heard: the whole sound, as the model hears it.
        model: stays as it is.
        report: told "voice"; asked whether to go on.

    Raises:
        Cancelled: the person asked to stop.
    """
    report.progress("voice", 0, STEPS)
    learn, judge = _parts(heard, lesson)
    if len(learn) < FEWEST or not len(judge):
        report.progress("voice", STEPS, STEPS)
        return FineTuned(None, len(learn), len(judge), None, None)
    rows = np.concatenate([learn, judge])
    listened = _listened(heard, window_starts(heard.steps)[rows], model, report)
    features, classes = _taught(listened, lesson, rows, model)
    count = len(learn)
    first = last_layers(model)
    layers = {name: value.clone().requires_grad_() for name, value in first.items()}

    def loss(layers: dict[str, Tensor], part: slice) -> Tensor:
        return _loss(listened[:, part], features[part], classes[part], layers, model)

    optimiser = torch.optim.Adam(layers.values(), RATE)
    for step in range(STEPS):
        report.progress("voice", step, STEPS)
        pull = sum((layers[name] - value).square().sum() for name, value in first.items()) / len(model.students)
        optimiser.zero_grad()
        (loss(layers, slice(0, count)) + PULL * pull).backward()
        optimiser.step()
    report.progress("voice", STEPS, STEPS)
    layers = {name: value.detach() for name, value in layers.items()}
    before, after = (float(loss(some, slice(count, None))) for some in (first, layers))
    person = PersonalEmotion(digest(model), layers) if after < BETTER * before else None
    return FineTuned(person, count, len(judge), before, after)


def _parts(heard: Heard, lesson: Lesson) -> tuple[np.ndarray, np.ndarray]:
    """Windows to learn from, and later ones that judge and have no moment in common with them."""
    speech = speech_near(heard.voice.speech, HOPS_PER_SECOND, float(WINDOWS_PER_SECOND), len(lesson.seen))
    rows = np.flatnonzero(lesson.seen & (speech > SPOKEN))
    judge = rows[len(rows) - int(JUDGES * len(rows)) :]
    last = judge[0] - SECONDS * WINDOWS_PER_SECOND if len(judge) else -1
    return rows[rows <= last], judge


def _listened(heard: Heard, starts: np.ndarray, model: EmotionModel, report: Report) -> Tensor:
    """(students, W, 256): all that is before the last layers, of the windows that start there."""
    parts = []
    with torch.no_grad():
        for first in range(0, len(starts), WINDOWS_AT_ONCE):
            report.check()
            given = windows(heard, starts[first : first + WINDOWS_AT_ONCE])
            parts.append(torch.stack([student.listened(*given) for student in model.students]))
    return torch.cat(parts, 1)


def usual_face(lesson: Lesson) -> np.ndarray:
    """(52,) the face that the person speaks with in no mood: the median of what is labelled neutral, or else of what
    has no label; none where every window is labelled with an emotion. It holds the tracker's faults, too."""
    for rows in (lesson.labels == NEUTRAL, lesson.labels < 0):
        if (rows & lesson.seen).any():
            return np.median(lesson.faces[rows & lesson.seen], 0)
    return np.zeros(len(EXPRESSION_NAMES), np.float32)


def _taught(listened: Tensor, lesson: Lesson, rows: np.ndarray, model: EmotionModel) -> tuple[Tensor, Tensor]:
    """The teacher's features (W, 128) and classes (W, C) for the windows `rows`."""
    faces = np.clip(lesson.faces[rows] - usual_face(lesson), 0.0, 1.0)
    shown = torch.from_numpy(model.space.of_expression(faces).copy())
    labels = torch.from_numpy(lesson.labels[rows].astype(np.int64))
    labelled = (labels >= 0)[:, None]
    one_hot = F.one_hot(labels.clamp_min(0), len(CLASSES)).float()
    said = model.space.points(one_hot * torch.from_numpy(lesson.intensity[rows])[:, None])
    with torch.no_grad():
        before = torch.stack([_say(listened, last_layers(model), k)[1] for k in range(len(listened))])
    before = before.softmax(2).mean(0)
    eight = (torch.arange(len(CLASSES)) < len(EMOTION_NAMES)) / len(EMOTION_NAMES)
    smooth = (1.0 - SMOOTHING) * one_hot + SMOOTHING * eight
    return torch.where(labelled, 0.5 * (shown + said), shown).detach(), torch.where(labelled, smooth, before)


def _say(listened: Tensor, layers: dict[str, Tensor], student: int) -> tuple[Tensor, Tensor]:
    """Feature (W, 128) and logits (W, C) of one student with these last layers."""
    def linear(x: Tensor, name: str) -> Tensor:
        return F.linear(x, layers[f"students.{student}.{name}.weight"], layers[f"students.{student}.{name}.bias"])

    feature = linear(listened[student], "to_feature")
    return feature, linear(feature, "to_classes")


def _loss(
    listened: Tensor, features: Tensor, classes: Tensor, layers: dict[str, Tensor], model: EmotionModel
) -> Tensor:
    """The mean over the students of cross-entropy and of L2 to the teacher's feature, over a prototype's own."""
    usual = model.space.prototypes.square().sum(1).mean()
    total = torch.zeros(())
    for k in range(len(listened)):
        feature, logits = _say(listened, layers, k)
        total = total - (classes * F.log_softmax(logits, 1)).sum(1).mean()
        total = total + (feature - features).square().mean() * FEATURE / usual
    return total / len(listened)

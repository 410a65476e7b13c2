# SPDX-License-Identifier: GPL-3.0-or-later
"""One student learns from what prepare.py wrote and from the teacher's space."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from engine.emotion.classes import CLASSES, FEATURE
from engine.emotion.network import Standard, Student, StudentSettings
from engine.emotion.space import EmotionSpace
from engine.emotion.waveform import WaveformSource

BATCH = 64
STEPS = 300
RATE = 2e-3
DECAY = 0.05
MIXUP = 0.3  # of the beta distribution (Zhang et al. 2018, mixup)
SMOOTHING = 0.1
CLEAN_SHARE = 0.15  # of the batches' windows that are copy 0
TEACHER_WEIGHT = 1.0


@dataclass
class Windows:
    """Everything that may be learnt from: V windows of K copies.

    Args:
        mels, descriptors, waveform: (K, V, ...) float16.
        classes, speakers: (V,) int.
        recognised: (V,) how many of a hundred listeners heard the emotion, over 100.
        source: who heard `waveform`.
    """

    mels: torch.Tensor
    descriptors: torch.Tensor
    waveform: torch.Tensor
    classes: torch.Tensor
    speakers: np.ndarray
    recognised: torch.Tensor
    source: WaveformSource

    @classmethod
    def load(cls, folder: Path) -> "Windows":
        paths = sorted(path for path in folder.glob("emodb-*.npz") if ".part" not in path.name)
        files = [np.load(path, allow_pickle=False) for path in paths]
        sources = {str(file["source"]) for file in files}
        if len(sources) != 1:
            raise SystemExit(f"{folder} holds what several encoders heard. Use a folder for each.")
        parts = (torch.from_numpy(np.stack([f[n] for f in files])) for n in ("mels", "descriptors", "waveform"))
        labels = (torch.from_numpy(files[0]["classes"]), files[0]["speakers"], torch.from_numpy(files[0]["recognised"]))
        return cls(*parts, *labels, WaveformSource.of_header(json.loads(sources.pop())))

    def inputs(self, copies: torch.Tensor, numbers: torch.Tensor) -> list[torch.Tensor]:
        """Student's arguments for windows `numbers` (B,) of `copies` (B,)."""
        return [part[copies, numbers].float() for part in (self.mels, self.descriptors, self.waveform)]


def learn(windows: Windows, keep: np.ndarray, space: EmotionSpace, seed: int, steps: int = STEPS) -> Student:
    """A student of the windows where `keep` (V,) is true.

    The loss is the paper's: cross-entropy of the label, weighted so that every class counts the same, and L2 to the
    teacher's feature, which is the class's prototype as strong as listeners found it.
    """
    torch.manual_seed(seed)
    student = Student(StudentSettings(waveform=windows.waveform.shape[2]))
    kept = torch.from_numpy(np.flatnonzero(keep))
    _standardise(student, windows, kept)
    count = torch.bincount(windows.classes[kept], minlength=len(CLASSES)).float()
    weight = (len(kept) / count.clamp_min(1.0) / (count > 0).sum())[windows.classes]
    target = F.one_hot(windows.classes, len(CLASSES)).float()
    target = target * (1.0 - SMOOTHING) + SMOOTHING * (count > 0) / (count > 0).sum()
    strength = (0.5 + 0.5 * windows.recognised)[:, None]
    taught = space.prototypes[windows.classes] * strength
    optimiser = torch.optim.AdamW(student.parameters(), RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, steps, pct_start=0.2)
    mixing = torch.distributions.Beta(MIXUP, MIXUP)
    student.train()
    for _ in range(steps):
        numbers = kept[torch.randint(len(kept), (2, BATCH))]
        copies = torch.randint(1, len(windows.mels), (2, BATCH)) if len(windows.mels) > 1 else numbers * 0
        copies = torch.where(torch.rand(2, BATCH) < CLEAN_SHARE, 0, copies)
        share = mixing.sample((BATCH,))
        share = torch.maximum(share, 1.0 - share)[:, None]
        one, other = (windows.inputs(copies[k], numbers[k]) for k in range(2))
        inputs = [torch.lerp(b, a, share.reshape(-1, *[1] * (a.ndim - 1))) for a, b in zip(one, other)]
        feature, logits = student(*inputs)

        def mix(values: torch.Tensor) -> torch.Tensor:
            return share * values[numbers[0]] + (1.0 - share) * values[numbers[1]]

        label = -(mix(target * weight[:, None]) * F.log_softmax(logits, 1)).sum(1).mean()
        distance = (feature - mix(taught)).square().mean() * FEATURE / space.prototypes.square().sum(1).mean()
        optimiser.zero_grad()
        (label + TEACHER_WEIGHT * distance).backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 2.0)
        optimiser.step()
        schedule.step()
    return student.eval().requires_grad_(False)


def _standardise(student: Student, windows: Windows, kept: torch.Tensor) -> None:
    """Set every Standard of the student to the means and deviations of what it learns from."""
    for standard, part, axes in (
        (student.spectrogram.standard, windows.mels, (0, 2)),
        (student.cepstral.standard, windows.descriptors, (0, 1)),
        (student.waveform, windows.waveform, (0, 2)),
    ):
        _set(standard, part[:2, kept].flatten(0, 1).float(), axes)  # the clean copy and a disturbed one


def _set(standard: Standard, values: torch.Tensor, axes: tuple[int, int]) -> None:
    standard.mean.copy_(values.mean(axes).reshape(standard.mean.shape))
    standard.deviation.copy_(values.std(axes).clamp_min(1e-3).reshape(standard.mean.shape))

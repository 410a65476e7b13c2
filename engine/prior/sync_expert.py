# SPDX-License-Identifier: GPL-3.0-or-later
"""The sync expert: does this mouth move as this sound is said, and how many frames is one late?

In the manner of SyncNet (Chung & Zisserman 2016, Out of time: automated lip sync in the wild): a window of sound and a
window of mouth motion are mapped to one space, trained so that windows of the same time are near. The sound comes as
Prior Extraction's content, the mouth as the lips' gap and the mouth's width, which a tracked film gives as well as
ARKit curves do. Ours, trained by assets/prior/train_sync.py: its confidence is not comparable with SyncNet's.
"""

from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .lips import lip_gap, mouth_width
from .network import CONTENT
from .storage import load_network

SHIPPED = Path(__file__).resolve().parents[1] / "data" / "sync.safetensors"
KIND = "emosync"
RATE = 25  # windows a second
EMBEDDING = 64
MOTION = 4  # gap, width, and their rates of change
LARGEST_SECONDS = 0.6  # offsets that are looked for


class SyncExpert(nn.Module):
    """Two towers of convolutions whose windows are about 0.8 s."""

    def __init__(self, width: int = 96) -> None:
        super().__init__()
        self.sound = nn.Sequential(
            nn.Conv1d(CONTENT, width, 5, stride=2, padding=2), nn.BatchNorm1d(width), nn.GELU(), *_tower(width)
        )
        self.motion = nn.Sequential(
            nn.Conv1d(MOTION, width, 5, padding=2), nn.BatchNorm1d(width), nn.GELU(), *_tower(width)
        )
        self.scale = nn.Parameter(torch.tensor([2.5]))  # log of the inverse temperature

    def embed_sound(self, content: torch.Tensor) -> torch.Tensor:
        """(B, 64, T) of unit length, 25 a second, of content (B, 64, 2T), 50 a second."""
        return nn.functional.normalize(self.sound(content), dim=1)

    def embed_motion(self, motion: torch.Tensor) -> torch.Tensor:
        """(B, 64, T) of unit length of `motion_of` (B, 4, T), 25 a second."""
        return nn.functional.normalize(self.motion(motion), dim=1)


def motion_of(gap: torch.Tensor, width: torch.Tensor) -> torch.Tensor:
    """(B, 4, T) of the lips' gap and the mouth's width (B, T), 25 a second and in any unit: each is standardised."""
    both = torch.stack([gap, width], 1)
    both = (both - both.mean(2, keepdim=True)) / both.std(2, keepdim=True).clamp_min(1e-4)
    return torch.cat([both, torch.gradient(both, dim=2)[0]], 1)


def motion_of_curves(mouth: torch.Tensor) -> torch.Tensor:
    """(B, 4, T) of ARKit weights (B, T, 27), 25 a second."""
    return motion_of(lip_gap(mouth), mouth_width(mouth))


@lru_cache(maxsize=1)
def shipped_expert(path: Path = SHIPPED) -> SyncExpert:
    """The expert that ships, read once. Raises FormatError."""
    expert = SyncExpert()
    load_network(expert, KIND, path)
    return expert


def find_offset(content: np.ndarray, motion: torch.Tensor, expert: SyncExpert) -> tuple[float, float]:
    """How late the mouth is, in seconds, and the confidence.

    Args:
        content: (N, 64), 50 a second, of the sound.
        motion: (1, 4, T), 25 a second, from the same start.

    Returns:
        Seconds by which the mouth is later than the sound wants it (negative: early), to a fraction of a window;
        and the mean agreement at that offset less the median over all offsets, from 0 (none) to 2.
    """
    with torch.inference_mode():
        sound = expert.embed_sound(torch.from_numpy(content.T.copy())[None])[0]
        seen = expert.embed_motion(motion)[0]
        count = min(sound.shape[1], seen.shape[1])
        largest = min(round(LARGEST_SECONDS * RATE), max(count - RATE // 2, 0))
        shifts = np.arange(-largest, largest + 1)
        scores = np.array([_agreement(sound[:, :count], seen[:, :count], int(shift)) for shift in shifts])
    best = int(scores.argmax())
    return (shifts[best] + _vertex(scores, best)) / RATE, float(scores[best] - np.median(scores))


def _agreement(sound: torch.Tensor, seen: torch.Tensor, shift: int) -> float:
    """Mean cosine of windows of sound and of the motion `shift` windows later."""
    count = sound.shape[1]
    a = sound[:, max(0, -shift) : count - max(0, shift)]
    b = seen[:, max(0, shift) : count - max(0, -shift)]
    return float((a * b).sum(0).mean())


def _vertex(scores: np.ndarray, best: int) -> float:
    """Where between its neighbours the peak is, by a parabola: -0.5 to 0.5."""
    if not 0 < best < len(scores) - 1:
        return 0.0
    before, top, after = scores[best - 1 : best + 2]
    return float(np.clip(0.5 * (before - after) / min(before - 2 * top + after, -1e-9), -0.5, 0.5))


def _tower(width: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for dilation in (1, 2, 3):
        layers += [nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation), nn.BatchNorm1d(width), nn.GELU()]
    return [*layers, nn.Conv1d(width, EMBEDDING, 1)]

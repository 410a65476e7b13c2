# SPDX-License-Identifier: GPL-3.0-or-later
"""Random crops of what prepare.py wrote, with disturbances that are cheap on log-mels."""

import json
from pathlib import Path

import numpy as np
import torch

from engine.prior.features import FRAMES_PER_SECOND, HIGHEST_DB, LOWEST_DB, MELS
from engine.prior.visemes import articulate, viseme_track

# How often each source is drawn; real voices and natural ones count for more.
MOST_SPEAKERS = 256  # so that a checkpoint goes on when more data has come
SHARES = {"emodb": 0.34, "kokoro": 0.26, "espeak": 0.16, "festival": 0.14, "flite": 0.10}


class Crops:
    """Batches of crops: `mels` (B, 2T, 64) decibels, `targets` (B, T, 7) and `visemes` (B, T), `speakers` (B,).

    Clips of one speaker that follow each other run on into each other, as people speak.
    """

    def __init__(self, folder: Path, frames: int, seed: int) -> None:
        self._frames = frames
        self._rng = np.random.default_rng(seed)
        self._sources: dict[str, list] = {}
        names: dict[str, int] = {}
        for path in sorted(folder.glob("*.npz")):
            if ".part" in path.name:
                continue
            with np.load(path, allow_pickle=False) as file:
                mels, rows = file["mels"], json.loads(file["rows"].tobytes())
            targets, visemes = _taught(rows)
            starts = np.cumsum([0, *(row["frames"] for row in rows)])
            speakers = np.array([names.setdefault(row["speaker"], len(names)) for row in rows])
            entry = (mels, targets, visemes, starts, speakers)
            self._sources.setdefault(path.name.split("-")[0], []).append(entry)
        if len(names) > MOST_SPEAKERS:
            raise ValueError(f"{len(names)} speakers are more than {MOST_SPEAKERS}.")
        shares = np.array([SHARES[name] for name in self._sources])
        self._shares = shares / shares.sum()
        self._by_size = {
            name: np.array([len(entry[2]) for entry in entries]) / sum(len(entry[2]) for entry in entries)
            for name, entries in self._sources.items()
        }

    @property
    def minutes(self) -> dict[str, float]:
        return {name: sum(len(e[2]) for e in entries) / 3000 for name, entries in self._sources.items()}

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        rng, frames = self._rng, self._frames
        mels = np.zeros((size, 2 * frames, MELS), np.float32)
        targets = np.zeros((size, frames, 7), np.float32)
        visemes = np.zeros((size, frames), np.int64)
        speakers = np.zeros(size, np.int64)
        names = list(self._sources)
        for k in range(size):
            name = names[rng.choice(len(names), p=self._shares)]
            entry = self._sources[name][rng.choice(len(self._sources[name]), p=self._by_size[name])]
            start = int(rng.integers(0, len(entry[2]) - frames))
            mels[k] = 0.5 * entry[0][2 * start : 2 * (start + frames)]
            targets[k] = entry[1][start : start + frames] / 255.0
            visemes[k] = entry[2][start : start + frames]
            speakers[k] = self._speaker(entry, start)
            mels[k], same = self._disturb(mels[k])
            if not same:
                speakers[k] = -1
        return torch.from_numpy(mels), torch.from_numpy(targets), torch.from_numpy(visemes), torch.from_numpy(speakers)

    def _speaker(self, entry, start: int) -> int:
        """Whose crop it is, or -1 where two speakers meet."""
        first, last = np.searchsorted(entry[3], [start, start + self._frames - 1], "right") - 1
        inside = entry[4][first : last + 1]
        return int(inside[0]) if (inside == inside[0]).all() else -1

    def _disturb(self, mels: np.ndarray) -> tuple[np.ndarray, bool]:
        """Level, formants (vocal tract length, Jaitly & Hinton 2013), masks (SpecAugment, Park et al. 2019)."""
        rng = self._rng
        mels = mels + rng.uniform(-22.0, 6.0) * (rng.uniform() < 0.8)
        warped = rng.uniform() < 0.5
        if warped:
            factor = float(np.exp(rng.uniform(-0.16, 0.16)))
            at = np.clip(np.arange(MELS) * factor, 0, MELS - 1)
            low = np.minimum(at.astype(int), MELS - 2)
            part = (at - low).astype(np.float32)
            mels = mels[:, low] * (1.0 - part) + mels[:, low + 1] * part
        if rng.uniform() < 0.4:
            width, start = int(rng.integers(2, 12)), int(rng.integers(0, MELS - 12))
            mels[:, start : start + width] = mels.mean()
        if rng.uniform() < 0.3:
            width, start = int(rng.integers(4, 20)), int(rng.integers(0, len(mels) - 20))
            mels[start : start + width] = LOWEST_DB
        return np.clip(mels, LOWEST_DB, HIGHEST_DB), not warped


def _taught(rows: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """The teacher's articulators (T, 7) and visemes (T,), uint8, of one file's clips."""
    targets, visemes = [], []
    for row in rows:
        times = np.arange(row["frames"]) / FRAMES_PER_SECOND
        targets.append(np.round(255.0 * articulate(row["phones"], times, row["effort"])).astype(np.uint8))
        visemes.append(viseme_track(row["phones"], times).astype(np.uint8))
    return np.concatenate(targets), np.concatenate(visemes)

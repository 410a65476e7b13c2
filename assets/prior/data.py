# SPDX-License-Identifier: GPL-3.0-or-later
"""Random crops of what prepare.py wrote."""

import json
from pathlib import Path

import numpy as np
import torch

from engine.prior.features import FRAMES_PER_SECOND, MELS, ROWS_PER_FRAME
from engine.prior.frontends import SCALE_DB
from engine.prior.visemes import articulate, viseme_track

# How often each source is drawn; real voices and natural ones count for more.
MOST_SPEAKERS = 256  # so that a checkpoint goes on when more data has come
SHARES = {"emodb": 0.34, "kokoro": 0.34, "espeak": 0.16, "festival": 0.05, "flite": 0.05, "noise": 0.06}
PIECES = (6, 25)  # frames of a crop's pieces where it is made of such: a phone and its neighbours, no more


class Crops:
    """Batches of what was prepared.

    Clips of one speaker that follow each other run on into each other, as people speak.

    Args:
        frames: of a crop, 50 a second.
        shares: how often each source is drawn.
        pieced: share of the crops that are strung together of PIECES from anywhere in a file, so that sentences, of
            which EmoDB has no more than ten, are not learned by heart.
    """

    def __init__(
        self, folder: Path, frames: int, seed: int, shares: dict[str, float] = SHARES, pieced: float = 0.0
    ) -> None:
        self._frames, self._pieced = frames, pieced
        self._rng = np.random.default_rng(seed)
        self._sources: dict[str, list] = {}
        names: dict[str, int] = {"": -1}
        for path in sorted(folder.glob("*.npz")):
            if ".part" in path.name:
                continue
            with np.load(path, allow_pickle=False) as file:
                mels, features, rows = file["mels"], file["features"], json.loads(file["rows"].tobytes())
            targets, visemes = _taught(rows)
            starts = np.cumsum([0, *(row["frames"] for row in rows)])
            speakers = np.array([names.setdefault(row["speaker"], len(names) - 1) for row in rows])
            mels = mels.reshape(-1, ROWS_PER_FRAME * MELS)
            entry = (mels, targets, visemes, starts, speakers, features)
            self._sources.setdefault(path.name.split("-")[0], []).append(entry)
        if len(names) > MOST_SPEAKERS:
            raise ValueError(f"{len(names)} speakers are more than {MOST_SPEAKERS}.")
        drawn = np.array([shares[name] for name in self._sources])
        self._shares = drawn / drawn.sum()
        self._by_size = {
            name: np.array([len(entry[2]) for entry in entries]) / sum(len(entry[2]) for entry in entries)
            for name, entries in self._sources.items()
        }

    @property
    def minutes(self) -> dict[str, float]:
        return {name: sum(len(e[2]) for e in entries) / 3000 for name, entries in self._sources.items()}

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Of `size` crops: `rows` (B, inputs, T) of EncoderFrontEnd, `targets` (B, T, 7), `visemes` (B, T)."""
        rng, frames = self._rng, self._frames
        names, crops = list(self._sources), []
        for _ in range(size):
            name = names[rng.choice(len(names), p=self._shares)]
            entry = self._sources[name][rng.choice(len(self._sources[name]), p=self._by_size[name])]
            inside = self._inside(len(entry[2]))
            rows = np.concatenate([entry[0][inside] / (2.0 * SCALE_DB), entry[5][inside]], 1, dtype=np.float32)
            if rng.uniform() < 0.3:
                width, first = int(rng.integers(2, 10)), int(rng.integers(0, frames - 10))
                rows[first : first + width] = rows.mean(0)
            crops.append((rows.T, entry[1][inside] / np.float32(255.0), entry[2][inside]))
        rows, targets, visemes = (torch.from_numpy(np.stack(parts)) for parts in zip(*crops))
        return rows, targets, visemes.long()

    def _inside(self, available: int) -> np.ndarray:
        """Which of a file's frames a crop takes."""
        rng, frames, taken = self._rng, self._frames, []
        pieced = self._pieced > 0.0 and rng.uniform() < self._pieced
        while sum(map(len, taken)) < frames:
            length = int(rng.integers(*PIECES)) if pieced else frames
            start = int(rng.integers(0, available - length))
            taken.append(np.arange(start, start + length))
        return np.concatenate(taken)[:frames]

    def voices(self, size: int, frames: int = 100) -> tuple[torch.Tensor, torch.Tensor]:
        """Of `size` clips whose speaker is known: `rows` (B, inputs, frames), `speakers` (B,)."""
        rng, names, crops, speakers = self._rng, list(self._sources), [], []
        while len(crops) < size:
            name = names[rng.choice(len(names), p=self._shares)]
            mels, _, _, starts, whose, features = self._sources[name][rng.integers(len(self._sources[name]))]
            clip = int(rng.integers(len(whose)))
            spare = starts[clip + 1] - starts[clip] - frames
            if whose[clip] < 0 or spare < 0:
                continue
            first = starts[clip] + int(rng.integers(spare + 1))
            inside = slice(first, first + frames)
            crops.append(np.concatenate([mels[inside] / (2.0 * SCALE_DB), features[inside]], 1, dtype=np.float32).T)
            speakers.append(whose[clip])
        return torch.from_numpy(np.stack(crops)), torch.from_numpy(np.array(speakers, np.int64))


def _taught(rows: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """The teacher's articulators (T, 7) and visemes (T,), uint8, of one file's clips."""
    targets, visemes = [], []
    for row in rows:
        times = np.arange(row["frames"]) / FRAMES_PER_SECOND
        targets.append(np.round(255.0 * articulate(row["phones"], times, row["effort"])).astype(np.uint8))
        visemes.append(viseme_track(row["phones"], times).astype(np.uint8))
    return np.concatenate(targets), np.concatenate(visemes)

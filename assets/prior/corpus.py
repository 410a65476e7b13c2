# SPDX-License-Identifier: GPL-3.0-or-later
"""Speech with phones and times on disk: what the synthesisers write and prepare.py reads."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

RATE = 16000


@dataclass
class Clip:
    """One utterance.

    Args:
        audio: (n,) float32 at RATE.
        phones: label, start and end in seconds, in order; labels are those of `alphabet`.
        alphabet: "ipa", "sampa" (EmoDB's) or "festival".
        speaker, language, source: whose voice, which language, which program or corpus.
        tags: sentence and emotion of EmoDB; nothing for the others.
    """

    audio: np.ndarray
    phones: list[tuple[str, float, float]]
    alphabet: str
    speaker: str
    language: str
    source: str
    tags: dict[str, str] = field(default_factory=dict)


def save_clips(clips: list[Clip], path: Path) -> None:
    """One compressed file of int16 audio and a JSON of the rest."""
    audio = np.concatenate([np.clip(clip.audio * 32767.0, -32768, 32767).astype(np.int16) for clip in clips])
    rows = []
    for clip in clips:
        row = {key: value for key, value in asdict(clip).items() if key != "audio"}
        rows.append({**row, "samples": len(clip.audio)})
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, audio=audio, rows=np.frombuffer(json.dumps(rows).encode(), np.uint8))
    part.replace(path)


def load_clips(path: Path) -> list[Clip]:
    """What `save_clips` wrote."""
    with np.load(path, allow_pickle=False) as file:
        audio = file["audio"].astype(np.float32) / 32767.0
        rows = json.loads(file["rows"].tobytes())
    clips, start = [], 0
    for row in rows:
        samples = row.pop("samples")
        row["phones"] = [tuple(phone) for phone in row["phones"]]
        clips.append(Clip(audio=audio[start : start + samples], **row))
        start += samples
    return clips


def resample(audio: np.ndarray, rate: int) -> np.ndarray:
    """(n,) float32 at RATE, of any integer rate, band-limited (in the frequency domain: clips are short)."""
    if rate == RATE:
        return audio.astype(np.float32)
    count = round(len(audio) * RATE / rate)
    spectrum = np.fft.rfft(audio)[: count // 2 + 1]
    out = np.fft.irfft(spectrum, count) if len(spectrum) == count // 2 + 1 else np.fft.irfft(
        np.pad(spectrum, (0, count // 2 + 1 - len(spectrum))), count
    )
    return (out * count / len(audio)).astype(np.float32)

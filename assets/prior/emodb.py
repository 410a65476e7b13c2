# SPDX-License-Identifier: GPL-3.0-or-later
"""The Berlin Database of Emotional Speech with its hand-made phone labels, as clips (CC0-1.0)."""

import csv
from pathlib import Path

import soundfile

from assets.prior.corpus import Clip, resample

TEST_SPEAKERS, TEST_SENTENCES = ("08", "15"), ("a02", "b03")
# How much effort the voice has in each acted emotion, for engine/prior/visemes.articulate.
EFFORT = {"anger": 0.6, "happiness": 0.4, "boredom": -0.4, "sadness": -0.6}


def load_emodb(folder: Path) -> list[Clip]:
    """Every utterance; `tags` hold its sentence and emotion."""
    phones: dict[str, list] = {}
    with (folder / "phones.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            phones.setdefault(row["file"], []).append((row["phone"], float(row["start_s"]), float(row["end_s"])))
    clips = []
    with (folder / "utterances.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            path = folder / "audio" / f"{row['file']}.flac"
            if row["file"] not in phones or not path.is_file():
                continue
            audio, rate = soundfile.read(path, dtype="float32")
            tags = {"sentence": row["sentence"], "emotion": row["emotion"], "file": row["file"]}
            audio, speaker = resample(audio, rate), f"emodb-{row['speaker']}"
            clips.append(Clip(audio, phones[row["file"]], "sampa", speaker, "de", "emodb", tags))
    return clips


def split(clips: list[Clip]) -> tuple[list[Clip], list[Clip]]:
    """Training clips (neither test speaker nor test sentence) and test clips (both)."""
    def held(clip: Clip) -> tuple[bool, bool]:
        return clip.speaker[-2:] in TEST_SPEAKERS, clip.tags["sentence"] in TEST_SENTENCES

    return [c for c in clips if not any(held(c))], [c for c in clips if all(held(c))]

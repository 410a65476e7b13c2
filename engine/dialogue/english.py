# SPDX-License-Identifier: GPL-3.0-or-later
"""English words found in a sound by CMU PocketSphinx (BSD), whose acoustic model and dictionary come with its wheel.

First words are found: a grammar says them in order, may leave any out, may stop after any, and may begin later. Then
the phones of the words that were found are aligned. A word's score is what its phones score in a frame below the best
phone that the model knows there: near 0 for what is said, far below for what is not.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import MissingPackageError
from .phones import ARPABET, Timed, named
from .pronunciation import sound_out

HOPS_PER_SECOND = 100
# Probabilities of the grammar.
LEAVE_OUT, STOP_EARLY, BEGIN_LATER = 1e-10, 1e-3, 1e-15
FULL_SCALE = 30000.0


@dataclass(frozen=True)
class FoundWord:
    """One word in a sound.

    Args:
        index: of the word in the text.
        phones: names of visemes.PHONES with times in seconds.
        score: 0 and below, how well its phones are heard; comparable within one aligner.
    """

    index: int
    phones: Timed
    score: float

    @property
    def start(self) -> float:
        return self.phones[0][1]

    @property
    def end(self) -> float:
        return self.phones[-1][2]


class EnglishAligner:
    """Finds words of one text in pieces of sound at 16 kHz."""

    ENOUGH = -33.0  # what is said by others than the model was trained on scores -20, words that are not said -50
    SHAPES = 1.0  # how much its phones know of the mouth's shape

    def __init__(self, words: list[str]) -> None:
        """Raises MissingPackageError."""
        try:
            import pocketsphinx
        except (ImportError, OSError) as error:
            raise MissingPackageError(
                f"Dialogue text needs the package pocketsphinx, which does not load here ({error}).",
                "Reinstall the add-on, or choose an interpreter that has it.",
            ) from error
        model = Path(pocketsphinx.get_model_path("en-us"))
        try:
            self._decoder = pocketsphinx.Decoder(
                hmm=str(model / "en-us"), dict=str(model / "cmudict-en-us.dict"), lm=None, bestpath=False,
                loglevel="FATAL",
            )
        except (RuntimeError, ValueError) as error:
            raise MissingPackageError(f"The speech model of pocketsphinx in {model} cannot be read ({error}).",
                                      "Reinstall the add-on.") from None
        self.words = words
        self._ready: dict[int, int] = {}  # word of the text -> how many ways of saying it the decoder has
        self._search = ""

    def known(self, word: str) -> str | None:
        """Phones of a word that the dictionary has, else None."""
        return self._decoder.lookup_word(word)

    def find(self, sound: np.ndarray, first: int, last: int) -> list[FoundWord]:
        """Those of the text's words `first` to `last` (exclusive) that are heard in (n,) float32, in order."""
        peak = float(np.abs(sound).max(initial=0.0))
        if peak <= 0.0 or last <= first:
            return []
        raw = (sound * (FULL_SCALE / peak)).astype(np.int16).tobytes()
        self._listen_for(first, last)
        self._decode(raw)
        if self._decoder.hyp() is None:
            return []
        tokens = [segment.word for segment in self._decoder.seg() if _index(segment.word) is not None]
        if not tokens:
            return []
        self._decoder.set_align_text(" ".join(re.sub(r"\(\d+\)$", "", token) for token in tokens))
        self._decode(raw)
        try:
            self._decoder.set_alignment()
            self._decode(raw)
        except RuntimeError:  # the phones do not fit into the words' times: they are not what is said
            return []
        return [self._found(word) for word in self._decoder.get_alignment() if _index(word.name) is not None]

    def _decode(self, raw: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(raw, full_utt=True)
        self._decoder.end_utt()

    def _listen_for(self, first: int, last: int) -> None:
        """Have the decoder say these words. The search before goes when another one is at work, or it would crash."""
        before, self._search = self._search, f"{first}-{last}"
        if before == self._search:
            self._decoder.activate_search(self._search)
            return
        self._decoder.add_fsg(self._search, self._grammar(first, last))
        self._decoder.activate_search(self._search)
        if before:
            self._decoder.remove_search(before)

    def _grammar(self, first: int, last: int):
        end, arcs = last - first, []
        for k in range(end):
            ways = self._tell(first + k)
            arcs += [(k, k + 1, 1.0, _token(first + k, way)) for way in range(1, ways + 1)]
            arcs.append((k, k + 1, LEAVE_OUT))
            if k:
                arcs += [(0, k, BEGIN_LATER), (k, end, STOP_EARLY)]
        return self._decoder.create_fsg("words", 0, end, arcs)

    def _tell(self, index: int) -> int:
        """Have the decoder know a word of the text by its place, so that what is found says where it is from."""
        if index not in self._ready:
            word, ways = self.words[index], 0
            while phones := self._decoder.lookup_word(word if not ways else f"{word}({ways + 1})"):
                ways += 1
                self._decoder.add_word(_token(index, ways), phones, False)
            if not ways and (phones := sound_out(word, self.known)):
                ways = 1
                self._decoder.add_word(_token(index, 1), phones, False)
            self._ready[index] = ways
        return self._ready[index]

    @staticmethod
    def _found(word) -> FoundWord:
        parts = list(word)
        phones = [(p.name, p.start / HOPS_PER_SECOND, (p.start + p.duration) / HOPS_PER_SECOND) for p in parts]
        score = sum(part.score for part in parts) / max(1, sum(part.duration for part in parts))
        return FoundWord(_index(word.name), named(phones, ARPABET), score)


def _token(index: int, way: int) -> str:
    return f"#{index}" if way == 1 else f"#{index}({way})"


def _index(token: str) -> int | None:
    match = re.match(r"#(\d+)", token)
    return int(match[1]) if match else None

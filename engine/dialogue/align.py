# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole text against a whole sound: piece by piece between pauses, with a warning of whatever does not fit.

The sound is read in pieces that end at pauses. In each, the words that may come next are looked for; where none is
heard, later ones, so that a page can be pasted of which one line is spoken. A word counts when it and its neighbours
are heard well enough; the next piece goes on behind the last one that counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..audio.read import RATE, blocks
from ..errors import InputError, MissingModelError, MissingPackageError
from ..files import user_cache
from ..prior.loudness import box_mean
from ..prior.pipelines import load_pipeline, published
from ..report import Report
from .english import EnglishAligner, FoundWord
from .letters import LetterAligner
from .phones import Timed
from .words import LONGEST_TEXT, english_words, letters_of_words

HOPS_PER_SECOND = 100  # of the loudness
SHORTEST_PIECE, LONGEST_PIECE = 2.5, 12.0  # seconds
PAUSE_MEAN, CLEAR_PAUSE = 25, 0.1  # hops over which a pause is looked for; how little speech there is in a clear one
WORDS_PER_SECOND, WORDS_MORE = 5, 16  # of a piece: as many as are looked for
WORDS_AGAIN = 10  # of those found in the piece before: its last ones may have been mistaken for what was said there
REACH = 200  # words
TRIES = 60  # pieces of text that are searched, in all, for what did not follow
NEIGHBOURS = 5  # words that a word is judged with
LONGEST_GAP = 0.5  # seconds between words that count as one stretch of speech
SPOKEN = 0.3  # of the loudness: below there is no speech
ENGLISH = 0.6  # of the words are in the dictionary of what counts as English
FITS = 1.0  # shares of the text and of the speech together; half of the speech alone will do where words are MANY
MANY = 8
SURE = 0.8  # of a score that is just enough: what the words that were found score in the mean
NAMED = 12  # words that a warning names


@dataclass(frozen=True)
class Alignment:
    """What of a text was heard, and when.

    Args:
        stretches: phones of engine/prior/visemes.py with times in seconds, one list per stretch without a long gap,
            pauses in it as "sil".
        shapes: in [0, 1], how much the phones know of the mouth's shape besides when it closes.
    """

    stretches: list[Timed]
    shapes: float = 1.0


def align(
    audio: str | Path, text: str, speech: np.ndarray, report: Report, allow_download: bool = False
) -> Alignment | None:
    """Find a text in a sound.

    Args:
        audio: any file of engine/audio.
        speech: (M,) in [0, 1], 100 times a second: how sure it is that there is speech.
        report: told "align"; warned of words that were not heard, and where the text can or does not help.
        allow_download: a model for languages other than English may be fetched.

    Returns:
        None where the text is no help: the mouth follows the audio alone.

    Raises:
        InputError: the text is longer than LONGEST_TEXT.
    """
    if len(text) > LONGEST_TEXT:
        raise InputError(f"The dialogue text has {len(text):,} characters.", f"Keep it under {LONGEST_TEXT:,}.")
    if not text.strip():
        return None
    words, letters = english_words(text), letters_of_words(text)
    if not words and not letters:
        report.warning("The dialogue text holds no word, so the mouth follows the audio alone.")
        return None
    ways = [partial(_by_letters, letters, report, allow_download), partial(EnglishAligner, words)]
    why = ""
    for way in reversed(ways) if _looks_english(words, letters) else ways:
        try:
            aligner = way()
        except (MissingPackageError, MissingModelError) as error:
            why = why or f"The dialogue text is left out. {error}"
            continue
        found = _find(audio, aligner, speech, report)
        if _fits(found, aligner, speech):
            _tell_missing(aligner.words, found, report)
            return Alignment(_stretches(found), aligner.SHAPES)
        why = why or (
            f"{len(found)} of the dialogue text's {len(aligner.words)} words were heard, so the mouth follows the "
            "audio alone. Paste what is said in this sound."
        )
    report.warning(why)
    return None


def _fits(found: list[FoundWord], aligner: EnglishAligner | LetterAligner, speech: np.ndarray) -> bool:
    """Whether what was found is no chance: in short sounds a word or two of any text are like something."""
    seconds = sum(word.end - word.start for word in found)
    if not found or sum(word.score * (word.end - word.start) for word in found) < SURE * aligner.ENOUGH * seconds:
        return False
    of_text, of_speech = len(found) / len(aligner.words), seconds * HOPS_PER_SECOND / max((speech > SPOKEN).sum(), 1)
    return of_text + of_speech >= FITS or (len(found) >= MANY and of_speech >= FITS / 2.0)


def _looks_english(words: list[str], letters: list[str]) -> bool:
    """Whether the dictionary has most words; true as well where there is none, whose absence is then told."""
    try:
        aligner = EnglishAligner(words)
    except MissingPackageError:
        return len(words) >= ENGLISH * len(letters)
    return sum(aligner.known(word) is not None for word in words) >= ENGLISH * max(len(words), len(letters))


def _by_letters(letters: list[str], report: Report, allow_download: bool) -> LetterAligner:
    model = load_pipeline(published("MMS_FA"), user_cache() / "models", report, allow_download)
    return LetterAligner(letters, model)


def _find(
    audio: str | Path, aligner: EnglishAligner | LetterAligner, speech: np.ndarray, report: Report
) -> list[FoundWord]:
    """Every word that counts, in order, with times in the whole sound."""
    words, found = aligner.words, []
    following, tries = 0, TRIES
    for start, sound in _pieces(audio, speech, report):
        report.progress("align", start, len(speech) * RATE // HOPS_PER_SECOND)
        many = int(len(sound) / RATE * WORDS_PER_SECOND) + WORDS_MORE
        at = max(0, following - WORDS_AGAIN)
        counted = _counted(aligner.find(sound, at, min(at + many, len(words))), aligner.ENOUGH)
        while not counted and tries and at + many < len(words):
            report.check()
            at, tries = at + many // 2, tries - 1
            counted = _counted(aligner.find(sound, at, min(at + many, len(words))), aligner.ENOUGH)
        if counted:
            following = counted[-1].index + 1
            found += [_later(word, start / RATE) for word in counted]
    return _in_order(found, aligner.ENOUGH)


def _in_order(found: list[FoundWord], enough: float) -> list[FoundWord]:
    """Of words in the order of time those, heard best in all, whose order is the text's as well."""
    worth, before = np.zeros(len(found)), np.full(len(found), -1)
    for k, word in enumerate(found):
        # A piece starts with a few words of the one before it: nothing further back can come later in the text.
        near = [j for j in range(max(0, k - REACH), k) if found[j].index < word.index]
        before[k] = max(near, key=lambda j: worth[j], default=-1)
        worth[k] = (word.end - word.start) * (word.score - 2.0 * enough) + (worth[before[k]] if near else 0.0)
    chain = []
    k = int(worth.argmax()) if len(found) else -1
    while k >= 0:
        chain.append(found[k])
        k = int(before[k])
    return chain[::-1]


def _pieces(audio, speech: np.ndarray, report: Report) -> Iterator[tuple[int, np.ndarray]]:
    """First sample and (n,) float32 of each piece in which there is speech."""
    cuts, kept, before = _cuts(speech), np.zeros(0, np.float32), 0
    quiet = Report(cancel_event=report.cancel_event)  # what is wrong with the sound was said when it was first read
    for block in blocks(audio, RATE, report=quiet):
        kept = np.concatenate([kept, block])
        while cuts and before + len(kept) >= cuts[0] * RATE // HOPS_PER_SECOND:
            end = cuts.pop(0) * RATE // HOPS_PER_SECOND
            piece, kept = kept[: end - before], kept[end - before :]
            yield from _spoken(before, piece, speech)
            before = end
    yield from _spoken(before, kept, speech)


def _spoken(start: int, piece: np.ndarray, speech: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    hops = slice(start * HOPS_PER_SECOND // RATE, (start + len(piece)) * HOPS_PER_SECOND // RATE)
    if len(piece) > RATE // 5 and (speech[hops] > SPOKEN).any():
        yield start, piece


def _cuts(speech: np.ndarray) -> list[int]:
    """Hops at which the sound is cut: in the first clear pause, or where there is least speech within LONGEST_PIECE."""
    talking = box_mean(speech, PAUSE_MEAN)
    shortest, longest = int(SHORTEST_PIECE * HOPS_PER_SECOND), int(LONGEST_PIECE * HOPS_PER_SECOND)
    cuts, start = [], 0
    while len(speech) - start > shortest:
        inside = talking[start + shortest : start + longest]
        pauses = np.flatnonzero(inside < CLEAR_PAUSE)
        if not len(pauses) and len(speech) - start <= longest:
            break
        start += shortest + int(pauses[0] if len(pauses) else inside.argmin())
        cuts.append(start)
    return cuts


def _counted(found: list[FoundWord], enough: float) -> list[FoundWord]:
    """Words that are heard well enough, judged with their neighbours; a word alone must be all that there is."""
    spans = np.array([word.end - word.start for word in found])
    scores = np.array([word.score for word in found])
    width = min(NEIGHBOURS, len(found) - (len(found) + 1) % 2)
    good = box_mean(scores * spans, width) > enough * box_mean(spans, width) if width > 0 else np.zeros(0, bool)
    good &= scores > 2.0 * enough
    beside = np.r_[False, good[:-1]] | np.r_[good[1:], False]
    counted = good & (beside | (len(found) == 1))
    if spans[counted].sum() < spans.sum() / 2.0:
        return []
    return [word for word, counts in zip(found, counted) if counts]


def _later(word: FoundWord, seconds: float) -> FoundWord:
    phones = [(name, start + seconds, end + seconds) for name, start, end in word.phones]
    return FoundWord(word.index, phones, word.score)


def _stretches(found: list[FoundWord]) -> list[Timed]:
    stretches: list[Timed] = []
    for word in found:
        gap = word.start - stretches[-1][-1][2] if stretches else np.inf
        if gap > LONGEST_GAP:
            stretches.append(list(word.phones))
        else:
            pause = [("sil", stretches[-1][-1][2], word.start)] if gap > 0.0 else []
            stretches[-1] += [*pause, *word.phones]
    return stretches


def _tell_missing(words: list[str], found: list[FoundWord], report: Report) -> None:
    heard = {word.index for word in found}
    missing = [word for k, word in enumerate(words) if k not in heard]
    if missing:
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        report.warning(f"Of the dialogue text these words were not heard: {', '.join(missing[:NAMED])}{more}.")

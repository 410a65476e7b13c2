# SPDX-License-Identifier: GPL-3.0-or-later
"""Text for synthetic voices: lines of Debian's fortune files, words of its word lists, syllables of pinyin.

The text is read and forgotten: nothing of it ends up in a trained file but how it sounds.
"""

import re
from pathlib import Path

import numpy as np

FORTUNES = Path("/usr/share/games/fortunes")
WORDS = Path("/usr/share/dict")
# Language of espeak-ng -> fortune files (packages fortunes, fortunes-de, ...), or a word list (wfrench, ...).
FORTUNE_FILES = {
    "en-us": ("literature", "wisdom", "people", "science", "love", "food", "platitudes", "work", "humorists"),
    "de": ("de/*",), "es": ("es/*",), "it": ("it/*", "italia", "formiche"), "pl": ("pl/*",), "ru": ("ru/*",),
    "cs": ("cs/*",), "bg": ("bg/*",), "pt-br": ("brasil",), "ga": ("ga/*",),
}
WORD_LISTS = {"fr": "french", "nl": "dutch", "sv": "swedish", "da": "danish", "pt": "portuguese"}
PINYIN = "cmn-latn-pinyin"
LANGUAGES = (*FORTUNE_FILES, *WORD_LISTS, PINYIN)
INITIALS = "b p m f d t n l g k h j q x zh ch sh r z c s y w".split()
FINALS = {
    "labial": "a o ai ei ao an ang en eng i in ing u iao ian ie".split(),
    "dental": "a e ai ei ao ou an ang en eng ong u uo un uan ui".split(),
    "palatal": "i ia iao ian iang ie iu in ing iong u ue uan un".split(),
    "y": "a ao an ang e ou i in ing ong u ue uan un".split(),
    "w": "a ai an ang o ei en eng u".split(),
}
KINDS = dict.fromkeys("b p m f".split(), "labial") | dict.fromkeys("j q x".split(), "palatal") | {"y": "y", "w": "w"}


def sentences(language: str, count: int, rng: np.random.Generator) -> list[str]:
    """`count` lines of 3 to 14 words. Raises FileNotFoundError where the Debian package is not installed."""
    if language == PINYIN:
        return [_pinyin(rng) for _ in range(count)]
    if language in WORD_LISTS:
        return [_word_salad(_words(WORD_LISTS[language]), rng) for _ in range(count)]
    pool = _fortune_lines(language)
    return [pool[k] for k in rng.integers(0, len(pool), count)]


def _fortune_lines(language: str) -> list[str]:
    files = sorted(path for pattern in FORTUNE_FILES[language] for path in FORTUNES.glob(pattern))
    files = [path for path in files if path.is_file() and path.suffix not in (".dat", ".u8")]
    if not files:
        raise FileNotFoundError(f"There is no fortune file for {language} in {FORTUNES}.")
    lines = []
    for path in files:
        for saying in _decode(path.read_bytes()).split("\n%\n"):
            saying = re.split(r"\n\s*--", saying)[0]
            lines += re.split(r"(?<=[.!?;:])\s+", re.sub(r"\s+", " ", saying))
    good = (re.sub(r"[\"“”„«»*_~|<>\[\]()`]", "", line).strip() for line in lines)
    return sorted({line for line in good if 3 <= len(line.split()) <= 14 and not re.search(r"[\d/@=\\{}#]", line)})


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _words(name: str) -> list[str]:
    words = _decode((WORDS / name).read_bytes()).split()
    return [word for word in words if word.isalpha() and word.islower() and 2 <= len(word) <= 11]


def _word_salad(words: list[str], rng: np.random.Generator) -> str:
    chosen = [words[k] for k in rng.integers(0, len(words), rng.integers(4, 11))]
    if len(chosen) > 6:
        chosen[3] += ","
    return " ".join(chosen) + "."


def _pinyin(rng: np.random.Generator) -> str:
    words = []
    for _ in range(rng.integers(3, 8)):
        syllables = []
        for _ in range(rng.integers(1, 3)):
            initial = INITIALS[rng.integers(len(INITIALS))]
            finals = FINALS[KINDS.get(initial, "dental")]
            syllables.append(f"{initial}{finals[rng.integers(len(finals))]}{rng.integers(1, 5)}")
        words.append("".join(syllables))
    return " ".join(words) + "."

# SPDX-License-Identifier: GPL-3.0-or-later
"""How an English word that no dictionary has is said: by words that it is made of, else by its letters.

Good enough to find where a name or an invented word is in the sound, and for lips: p b m f v are hardly ever silent.
"""

import re
from collections.abc import Callable

# Endings and what they sound like, longest first; the rest must be a word that is known.
ENDINGS = {
    "ness": "N AH S", "less": "L AH S", "ment": "M AH N T", "able": "AH B AH L", "ing": "IH NG", "est": "AH S T",
    "ish": "IH SH", "ful": "F AH L", "ly": "L IY", "er": "ER", "ed": "D", "es": "IH Z", "'s": "Z", "'d": "D",
    "'ll": "AH L", "'ve": "AH V", "'re": "ER", "'m": "M", "s'": "Z", "s": "Z", "d": "D", "y": "IY",
}
# Groups of letters and what they sound like, tried from the longest; after Elovitz et al. (1976, Letter-to-sound rules
# for automatic translation of English text to phonetics), much shortened.
GROUPS = {
    "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO", "augh": "AO", "eigh": "EY", "tch": "CH", "sch": "SH",
    "igh": "AY", "dge": "JH", "cei": "S IY", "que": "K", "eau": "OW", "ear": "IH R", "air": "EH R", "our": "AO R",
    "ch": "CH", "ck": "K", "sh": "SH", "th": "TH", "ph": "F", "wh": "W", "gh": "G", "kn": "N", "wr": "R", "qu": "K W",
    "ng": "NG", "ee": "IY", "ea": "IY", "ie": "IY", "ei": "EY", "ai": "EY", "ay": "EY", "ey": "IY", "oa": "OW",
    "oo": "UW", "ou": "AW", "ow": "OW", "oi": "OY", "oy": "OY", "au": "AO", "aw": "AO", "eu": "Y UW", "ew": "UW",
    "ue": "UW", "ui": "UW", "ar": "AA R", "er": "ER", "ir": "ER", "ur": "ER", "or": "AO R", "ce": "S", "ci": "S IH",
    "cy": "S IY", "ge": "JH", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH",
    "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R", "s": "S",
    "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}
LONG_VOWELS = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
_GROUP = re.compile("|".join(sorted(GROUPS, key=len, reverse=True)))
SHORTEST_PART = 3


def sound_out(word: str, known: Callable[[str], str | None]) -> str:
    """Phones of ARPABET, separated by spaces; "" of a word without letters.

    Args:
        word: lower case.
        known: phones of a word that a dictionary has, else None.
    """
    for ending, sound in ENDINGS.items():
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= SHORTEST_PART:
            for base in (stem, stem + "e"):
                if phones := known(base):
                    return f"{phones} {sound}"
    word = word.replace("'", "")
    for cut in range(len(word) - SHORTEST_PART, SHORTEST_PART - 1, -1):
        if (first := known(word[:cut])) and (second := known(word[cut:])):
            return f"{first} {second}"
    return _by_letters(word)


def _by_letters(word: str) -> str:
    word = re.sub(r"([^aeiou])\1", r"\1", word)  # written twice, said once
    if not re.search("[aeiouy]", word):
        return " ".join(GROUPS[letter] for letter in word)
    if magic := re.fullmatch(r"(.*?)([aeiouy])([^aeiouyrwx])e(s?)", word):
        before, vowel, after, plural = magic.groups()
        said = [_by_groups(before), LONG_VOWELS[vowel], _by_groups(after), "S" if plural else ""]
        return " ".join(filter(None, said))
    return _by_groups(word)


def _by_groups(word: str) -> str:
    return " ".join(GROUPS[found[0]] for found in _GROUP.finditer(word))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Pasted text as words that are spoken: numbers written out, punctuation gone, accents and quotes made plain."""

import re
import unicodedata

LONGEST_TEXT = 1_000_000  # characters
SIGNS = {"&": " and ", "%": " percent ", "+": " plus ", "=": " equals ", "@": " at "}
CURRENCIES = {"$": "dollars", "£": "pounds", "€": "euros"}
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_MONEY = re.compile(rf"([$£€])\s?({_NUMBER})")
_ORDINAL = re.compile(r"\b(\d{1,9})(?:st|nd|rd|th)\b", re.IGNORECASE)
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'"})
_YEARS = range(1100, 2100)
_LONGEST_NUMBER = 12  # digits; longer ones are read one by one, as telephone numbers are


def english_words(text: str) -> list[str]:
    """Lower-case words of letters and apostrophes."""
    text = unicodedata.normalize("NFKC", text.translate(_QUOTES))
    text = _MONEY.sub(lambda found: f"{found[2]} {CURRENCIES[found[1]]}", text)
    for sign, said in SIGNS.items():
        text = text.replace(sign, said)
    text = _ORDINAL.sub(lambda found: f" {_ordinal(int(found[1]))} ", text)
    text = re.sub(_NUMBER, lambda found: f" {_number(found[0])} ", text)
    words = re.findall(r"[a-z']+", plain(text).lower())
    return [word for word in (word.strip("'") if word.count("'") > 1 else word for word in words) if word.strip("'")]


def letters_of_words(text: str) -> list[str]:
    """Words of any script as the lower-case Latin letters that come near their sound; digits go unread."""
    from anyascii import anyascii

    text = unicodedata.normalize("NFC", text)
    signs = (sign if sign.isalpha() or unicodedata.combining(sign) else " " for sign in text)
    spaced = "".join(f" {sign} " if _is_han(sign) else sign for sign in signs)  # a syllable each, without spaces
    return re.findall(r"[a-z]+", anyascii(spaced).lower())


def plain(text: str) -> str:
    """Latin letters without their accents; other scripts' letters become spaces."""
    parts = unicodedata.normalize("NFKD", text)
    return "".join(sign if sign.isascii() else "" if unicodedata.combining(sign) else " " for sign in parts)


def _is_han(sign: str) -> bool:
    return "\u3400" <= sign <= "\u9fff" or "\U00020000" <= sign <= "\U0003134f"


def _number(digits: str) -> str:
    from num2words import num2words

    whole, dot, part = digits.replace(",", "").partition(".")
    if len(whole) > _LONGEST_NUMBER or (len(whole) > 1 and whole[0] == "0"):
        said = " ".join(num2words(int(digit)) for digit in whole)
    else:
        year = "," not in digits and not dot and int(whole) in _YEARS
        said = num2words(int(whole), to="year" if year else "cardinal")
    return said + (" point " + " ".join(num2words(int(digit)) for digit in part[:20]) if dot else "")


def _ordinal(number: int) -> str:
    from num2words import num2words

    return num2words(number, to="ordinal")

# SPDX-License-Identifier: GPL-3.0-or-later
"""Pasted text as spoken words, and how words that no dictionary has are said."""

import pytest

from engine.dialogue.pronunciation import sound_out
from engine.dialogue.words import english_words, letters_of_words

DICTIONARY = {"light": "L AY T", "house": "HH AW S", "blog": "B L AA G", "shape": "SH EY P", "sam": "S AE M"}


@pytest.mark.parametrize(
    "text, words",
    [
        ("Hello, world!", "hello world"),
        ("“It’s” — she said…", "it's she said"),
        ("'Tis the dogs' 'quoted' word", "'tis the dogs' quoted word"),
        ("café naïve Zoë", "cafe naive zoe"),
        ("In 1984, 3.5% of 1,234", "in nineteen eighty four three point five percent of one thousand two hundred and "
         "thirty four"),
        ("the 20th, $5 & 007", "the twentieth five dollars and zero zero seven"),
        ("9" * 400, " ".join(["nine"] * 400)),
        ("Привет, 你好!", ""),
        ("\x00 … -- \n\t ''", ""),
    ],
)
def test_words_as_they_are_spoken(text, words):
    assert english_words(text) == words.split()


def test_other_scripts_as_latin_letters():
    assert letters_of_words("Привет, мир!") == ["privet", "mir"]
    assert letters_of_words("你好") == ["ni", "hao"]
    assert letters_of_words("Grüße, 12") == ["grusse"]


@pytest.mark.parametrize(
    "word, phones",
    [
        ("blogs", "B L AA G Z"),  # known with an ending
        ("sam's", "S AE M Z"),
        ("shaping", "SH EY P IH NG"),  # whose e went
        ("lighthouse", "L AY T HH AW S"),  # two that are known
        ("fembot", "F EH M B AA T"),  # by its letters
        ("vape", "V EY P"),  # with an e that is not said
        ("phibble", "F IH B L EH"),
        ("xkcd", "K S K K D"),
        ("'", ""),
    ],
)
def test_words_that_no_dictionary_has(word, phones):
    assert sound_out(word, DICTIONARY.get) == phones

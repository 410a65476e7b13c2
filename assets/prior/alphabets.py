# SPDX-License-Identifier: GPL-3.0-or-later
"""Phone labels of the corpora as names of engine/prior/visemes.py."""

import re

from engine.dialogue.phones import ARPABET, Timed, breathed, joined, with_bursts

# One letter of the International Phonetic Alphabet (or of Kokoro's shorthand) -> names in order.
_IPA = {
    **dict.fromkeys("pbɓ", ("p",)), "m": ("m",), **dict.fromkeys("fvɱʋⱱ", ("f",)), **dict.fromkeys("βɸ", ("f",)),
    **dict.fromkeys("θð", ("th",)), **dict.fromkeys("tdɗʈɖɾ", ("d",)),
    **dict.fromkeys("kgɡqxɣχhʔcɟçʝɦħɠʛɰ", ("k",)), **dict.fromkeys("ʃʒɕʑʂʐʧʤʨʥ", ("ch",)),
    **dict.fromkeys("szʦʣ", ("s",)), **dict.fromkeys("nŋɲɳɴ", ("n",)), **dict.fromkeys("lɫʎɭɬɮ", ("l",)),
    **dict.fromkeys("rɹɻɽ", ("r",)), **dict.fromkeys("ʁʀ", ("uvular",)),
    **dict.fromkeys("aɑ", ("aa",)), "æ": ("ae",), **dict.fromkeys("ʌɐ", ("ah",)),
    **dict.fromkeys("əɘᵊɜɤɚɝ", ("schwa",)),
    **dict.fromkeys("ɛε", ("eh",)), "e": ("ee",),
    **dict.fromkeys("ɪᵻɨ", ("ih",)), "i": ("i",), **dict.fromkeys("yʏ", ("y",)),
    **dict.fromkeys("øœɵ", ("oe",)), "o": ("o",), **dict.fromkeys("ɔɒ", ("oh",)), **dict.fromkeys("uʊʉɯ", ("u",)),
    **dict.fromkeys("wʍɥ", ("w",)), "j": ("j",),
    "A": ("eh", "ih"), "I": ("aa", "ih"), "O": ("oh", "u"), "Q": ("schwa", "u"), "Y": ("oh", "ih"), "W": ("aa", "u"),
}
_SAMPA = {
    **dict.fromkeys("p b B".split(), ("p",)), "m": ("m",), **dict.fromkeys("f v".split(), ("f",)),
    **dict.fromkeys("t d D".split(), ("d",)), **dict.fromkeys("k g x X C G h H ? N_".split(), ("k",)),
    **dict.fromkeys("s z".split(), ("s",)), "S": ("ch",), **dict.fromkeys("n N".split(), ("n",)),
    **dict.fromkeys("l L".split(), ("l",)), "r": ("r",), **dict.fromkeys("R 4".split(), ("uvular",)),
    "a": ("aa",), "A": ("aa",), "V": ("ah",), "6": ("ah",), "@": ("schwa",), "E": ("eh",), "e": ("ee",), "I": ("ih",),
    "i": ("i",), **dict.fromkeys("y Y".split(), ("y",)), **dict.fromkeys("2 9 8".split(), ("oe",)), "o": ("o",),
    "O": ("oh",), **dict.fromkeys("u U".split(), ("u",)), "j": ("j",),
}
# Other Festival voices: Czech, Italian, Finnish, Catalan, Russian sounds.
_FESTIVAL = {
    "c": ("s",), "ch": ("k",), "c~": ("ch",), "s~": ("ch",), "z~": ("ch",), "r~": ("r",), "R~": ("r",), "d~": ("d",),
    "t~": ("d",), "n~": ("n",), "N*": ("n",), "dz": ("s",), "dz~": ("ch",), "ts": ("s",), "tS": ("ch",), "dZ": ("ch",),
    "S": ("ch",), "Z": ("ch",), "SS": ("ch",), "J": ("n",), "L": ("l",), "LL": ("l",), "rr": ("r",), "B": ("f",),
    "D": ("th",), "G": ("k",), "x": ("k",), "h": ("k",), "M": ("m",), "N": ("n",), "NG": ("n",), "hs": ("k",),
    "a:": ("aa",), "e:": ("ee",), "i:": ("i",), "o:": ("o",), "u:": ("u",), "A": ("ae",), "O": ("oh",), "E": ("eh",),
    "ur": ("u",), "uur": ("u",), "ii": ("i",), "yi": ("ih",), "oo": ("oh",), "ee": ("eh",), "ae": ("ae",),
    "a~": ("ae",),
    "o~": ("oe",), "oe": ("oe",), "w": ("w",), "uw": ("w",), "iy": ("j",), "j": ("j",), "y": ("y",), "v": ("f",),
    "e": ("eh",), "i": ("i",), "a": ("aa",), "o": ("oh",), "u": ("u",), "p": ("p",), "b": ("p",), "m": ("m",),
}
_ENGLISH_VOICES = ("ked_diphone", "kal_diphone", "cmu_us_slt_arctic_hts", "flite")
# Long consonants and vowels of Finnish, written twice.
_LONG = "bb dd ff gg hh kk ll mm nn pp rr ss tt vv uu yy".split()
MODIFIERS = "ʲʷˠ̩̯̃̊̚"


def named(phones: Timed, alphabet: str, speaker: str) -> Timed:
    """Labels with times as names of PHONES with times; h takes the mouth of the vowel after it, diphthongs split.

    Unknown labels count as `k`, which asks little of the lips.
    """
    out: Timed = []
    for label, start, end in phones:
        names = _lookup(label, alphabet, speaker)
        if names == ("+",):  # the burst or breath of the phone before
            if out and out[-1][0] == "p":
                out.append(("burst", start, end))
            elif out and out[-1][0] != "sil":
                out[-1] = (*out[-1][:2], end)
            continue
        step = (end - start) / len(names)
        out += [(name, start + k * step, start + (k + 1) * step) for k, name in enumerate(names)]
    out = breathed(out)
    return with_bursts(joined(out)) if alphabet != "sampa" else out  # SAMPA's labels tell closures from bursts


def _lookup(label: str, alphabet: str, speaker: str) -> tuple[str, ...]:
    if alphabet == "sampa":
        return _sampa(label)
    if alphabet == "ipa":
        if label and not label.strip(MODIFIERS):
            return ("+",)
        names = sum((("h",) if letter in "hɦ" else _IPA.get(letter, ()) for letter in label), ())
        return _affricate(names) if names else (("sil",) if not label.strip(" ,.;:!?—…ˈˌː") else ("k",))
    label = re.sub(r"\d+$|[*:]+$", "", label)
    label = label[0] if len(label) == 2 and label[0] == label[1] and label in _LONG else label
    if label in ("pau", "#", "", "_", "sil", "h#", "##"):
        return ("sil",)
    if label in ("h", "hh"):
        return ("h",)
    if any(voice in speaker for voice in _ENGLISH_VOICES):
        return ARPABET.get(label, ("k",))
    return _FESTIVAL.get(label) or ARPABET.get(label) or _SAMPA.get(label) or ("k",)


def _affricate(names: tuple[str, ...]) -> tuple[str, ...]:
    return names[1:] if names[:2] in (("d", "ch"), ("d", "s")) else names


def _sampa(label: str) -> tuple[str, ...]:
    """EmoDB's: `t` a closure, `!t` its burst, `tasp` its breath, `(` noise, +/- a remark on the sound before."""
    if label in ("_", ".", "(", "(gef", ""):
        return ("sil",)
    if label.startswith(("+", "-", "!", "hoe", "[")) or label.rstrip("+-sth").endswith("asp"):
        return ("+",)
    label = re.sub(r"[+-].*$", "", label.lstrip("_"))
    names = sum((("h",) if letter in "hH" else _SAMPA.get(letter, ()) for letter in label), ())
    names = tuple(dict.fromkeys(names))
    return names or ("k",)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Phones of a pronouncing dictionary, and letters, as names of engine/prior/visemes.py."""

Timed = list[tuple[str, float, float]]  # name, start and end in seconds

# ARPABET (with what Festival adds to it) -> names in order; "h" takes the mouth of the vowel after it.
ARPABET = {
    **dict.fromkeys("p b".split(), ("p",)), "m": ("m",), "em": ("m",), **dict.fromkeys("f v".split(), ("f",)),
    **dict.fromkeys("th dh".split(), ("th",)), **dict.fromkeys("t d dx".split(), ("d",)),
    **dict.fromkeys("k g".split(), ("k",)), "hh": ("h",), **dict.fromkeys("ch jh sh zh".split(), ("ch",)),
    **dict.fromkeys("s z".split(), ("s",)), **dict.fromkeys("n ng en nx".split(), ("n",)),
    **dict.fromkeys("l el".split(), ("l",)), "r": ("r",), "er": ("schwa", "r"), "axr": ("schwa", "r"),
    "aa": ("aa",), "ae": ("ae",), "ah": ("ah",), "uh": ("u",), "ax": ("schwa",), "ao": ("oh",), "eh": ("eh",),
    "ey": ("eh", "ih"), "ih": ("ih",), "ix": ("ih",), "iy": ("i",), "ay": ("aa", "ih"), "aw": ("aa", "u"),
    "oy": ("oh", "ih"), "ow": ("oh", "u"), "uw": ("u",), "w": ("w",), "y": ("j",),
}
# Romanised text of any language. Vowels have their continental values.
LETTERS = {
    **dict.fromkeys("pb", ("p",)), "m": ("m",), **dict.fromkeys("fv", ("f",)), **dict.fromkeys("td", ("d",)),
    **dict.fromkeys("kgqcx", ("k",)), "h": ("h",), "j": ("ch",), **dict.fromkeys("sz", ("s",)), "n": ("n",),
    "l": ("l",), "r": ("r",), "w": ("w",), "y": ("i",), "a": ("aa",), "e": ("eh",), "i": ("i",), "o": ("o",),
    "u": ("u",),
}
CLOSURE_SHARE = 0.7  # of a p or b that is one with its burst


def named(phones: Timed, inventory: dict[str, tuple[str, ...]]) -> Timed:
    """Labels with times as names with times: diphthongs are split in two, and lips part before a p or b ends."""
    out: Timed = []
    for label, start, end in phones:
        names = inventory[label.lower()]
        step = (end - start) / len(names)
        out += [(name, start + k * step, start + (k + 1) * step) for k, name in enumerate(names)]
    return with_bursts(joined(breathed(out)))


def breathed(phones: Timed) -> Timed:
    """Every "h" with the mouth of what follows it."""
    out = list(phones)
    for k in range(len(out) - 1, -1, -1):
        if out[k][0] == "h":
            name = out[k + 1][0] if k + 1 < len(out) and out[k + 1][0] not in ("sil", "p", "m", "f") else "schwa"
            out[k] = (name, *out[k][1:])
    return out


def joined(phones: Timed) -> Timed:
    """Equal neighbours that touch as one."""
    out: Timed = []
    for name, start, end in phones:
        if out and out[-1][0] == name and start - out[-1][2] < 1e-6:
            out[-1] = (name, out[-1][1], end)
        else:
            out.append((name, start, end))
    return out


def with_bursts(phones: Timed) -> Timed:
    """Of each p or b, which holds closure and burst in one, both."""
    out: Timed = []
    for name, start, end in phones:
        parts = start + CLOSURE_SHARE * (end - start)
        out += [(name, start, parts), ("burst", parts, end)] if name == "p" else [(name, start, end)]
    return out

# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's shape keys matched to ARKit's 52 names. Knows nothing of Blender.

Names are compared by their words: case, separators and a few exporters' prefixes do not count, and a side is a side
whether it is written Left, _L, .L or L_. Only what is certain is matched; the animator's list does the rest.
"""

import re
from dataclasses import dataclass, field

from ...engine.protocol import EXPRESSION_NAMES

SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
# What exporters put before a shape's own name.
_PREFIX = re.compile(r"(arkit|blend_?shapes?\d*|bs|face|facial|head|shapes?|exp|expression)[ _.:\-]+|", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_BY_KEY = {name.lower(): name for name in EXPRESSION_NAMES}


@dataclass
class Match:
    """Which shape keys of one mesh move which of ARKit's shapes.

    Several keys may move one shape together (browInnerUp in two halves), and one key may move both sides' shapes (a
    smile that is not split).

    Args:
        names: key -> the ARKit names that it moves.
        unknown: keys that were not matched.
        ambiguous: keys whose name says the same as another key's, which was taken.
    """

    names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)


def match_keys(keys: list[str]) -> Match:
    """Match the names of one mesh's shape keys, the basis left out."""
    match, taken = Match(), {}
    for key in sorted(keys, key=lambda key: (key not in EXPRESSION_NAMES, keys.index(key))):
        names, half = _arkit(key)
        if not names:
            match.unknown.append(key)
        elif (names, half) in taken:
            match.ambiguous.append(key)
        else:
            taken[names, half] = key
            match.names[key] = names
    # A key for both sides would count twice beside keys of its sides.
    one_sided = {names[0] for names in match.names.values() if len(names) == 1}
    for key, names in list(match.names.items()):
        if len(names) > 1 and one_sided & set(names):
            match.ambiguous.append(key)
            del match.names[key]
    return match


def missing(names: set[str]) -> list[str]:
    """ARKit's shapes that a character lacks, in ARKit's order."""
    return [name for name in EXPRESSION_NAMES if name not in names]


def _arkit(key: str) -> tuple[tuple[str, ...], str]:
    """The ARKit names that a key's own name means, and its side where ARKit's shape has none."""
    for text in dict.fromkeys((key, key.rpartition(":")[2], key[_PREFIX.match(key).end():])):
        base, side = _side([word.lower() for word in _WORD.findall(text)])
        if name := _BY_KEY.get(base + side):
            return (name,), ""
        if side and (name := _BY_KEY.get(base)):
            return (name,), side
        both = tuple(filter(None, (_BY_KEY.get(base + s) for s in ("left", "right"))))
        if not side and len(both) == 2 and base not in ("jaw", "mouth"):
            return both, ""
    return (), ""


def _side(words: list[str]) -> tuple[str, str]:
    if words and words[-1] in SIDES:
        return "".join(words[:-1]), SIDES[words[-1]]
    if words and words[0] in SIDES:
        return "".join(words[1:]), SIDES[words[0]]
    return "".join(words), ""

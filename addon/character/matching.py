# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's shape keys matched to ARKit's 52 names. Knows nothing of Blender.

Names are compared by their letters: case, separators and exporters' prefixes do not count, a side is a side whether it
is written Left, _L, .L or L_, and other makers' names for the same shape are known (`synonyms`). Only what is certain
is matched; the animator's list does the rest.
"""

import re
from dataclasses import dataclass, field

from ...engine.protocol import EXPRESSION_NAMES
from .synonyms import EYES, PARTED, PARTS, SYNONYMS

SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
# What exporters put before a shape's own name.
_PREFIX = re.compile(
    r"((arkit|blend_?shapes?\d*|bs|face|facial|head|shapes?|exp|expression|ctrl_expressions|vrc|!ex|!vi|[at]\d\d)"
    r"[ _.:\-]+)*", re.IGNORECASE)
_TAIL = re.compile(r".*(?::|\.|__|fcl_)", re.IGNORECASE)


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
    # A key for both sides would count twice beside keys of its sides, and a part of a shape beside the whole.
    one_sided = {names[0] for names in match.names.values() if len(names) == 1}
    for (names, part), key in taken.items():
        if (len(names) > 1 and one_sided & set(names)) or (part and (names, "") in taken):
            match.ambiguous.append(key)
            del match.names[key]
    return match


def missing(names: set[str]) -> list[str]:
    """ARKit's shapes that a character lacks, in ARKit's order."""
    return [name for name in EXPRESSION_NAMES if name not in names]


def spellings(key: str) -> list[str]:
    """A key's name as lower-case letters and digits: whole, without prefixes, and its last part."""
    texts = (key, key[_PREFIX.match(key).end():], key[match.end():] if (match := _TAIL.match(key)) else key)
    return list(dict.fromkeys(re.sub(r"[^a-z0-9]", "", text.lower()) for text in texts))


def _arkit(key: str) -> tuple[tuple[str, ...], str]:
    """The ARKit names that a key's own name means, and which part of the shape it is where it is not all of it."""
    return next((_MEANINGS[text] for text in spellings(key) if text in _MEANINGS), ((), ""))


def _meanings() -> dict[str, tuple[tuple[str, ...], str]]:
    """Every spelling -> what `_arkit` says of it. Earlier entries win, and ARKit's own names come first."""
    found: dict[str, tuple[tuple[str, ...], str]] = {}
    bases = dict.fromkeys(re.sub("(Left|Right)$", "", name) for name in EXPRESSION_NAMES)
    for rank in (0, 1):
        for base in bases:
            for name in ((base,), SYNONYMS.get(base, ()))[rank]:
                for part in ("", *PARTS) if base in PARTED else ("",):
                    _spell(found, base, f"{name}{part}".lower(), PARTS.get(part, ""))
    for name, others in EYES.items():
        found |= {other.lower().replace("_", ""): ((name,), "") for other in others}
    return found


def _spell(found: dict, base: str, text: str, part: str) -> None:
    """All spellings of one shape by the name `text`, with sides before or after it and without any."""
    sided = f"{base}Left" in EXPRESSION_NAMES
    for mark, side in SIDES.items():
        meaning = ((f"{base}{side.capitalize()}",), part) if sided else ((base,), part + side[0])
        found.setdefault(text + mark, meaning)
        found.setdefault(mark + text, meaning)
    if not sided:
        found.setdefault(text, ((base,), part))
    elif base not in ("jaw", "mouth"):
        found.setdefault(text, ((f"{base}Left", f"{base}Right"), part))


_MEANINGS = _meanings()

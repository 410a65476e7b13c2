# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose face a head is: what its file says about the consent of the person who was filmed."""

import json
import os
from functools import lru_cache

from .heads import resolve_head
from .problem import Problem

MISSING = "This head was fitted to a film of a person, and no consent of theirs is recorded in it."
LARGEST_HEADER = 4_000_000  # bytes, as the engine reads it
LONGEST = 200  # letters of the text that the panel shows


def consent_line(name: str) -> tuple[str, bool]:
    """What the panel says about the head of this name or path, and whether consent is missing; "" for one that is of no
    person, or whose file says nothing that can be understood."""
    try:
        path = resolve_head(name)
        facts = os.stat(path)
    except (Problem, OSError, ValueError):
        return "", False
    return _read(path, facts.st_mtime_ns, facts.st_size)


@lru_cache(maxsize=64)
def _read(path: str, _changed: int, size: int) -> tuple[str, bool]:
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(LARGEST_HEADER, size - 8):
                return "", False
            meta = json.loads(json.loads(file.read(length))["__metadata__"]["header"])["meta"]
        if consent := meta.get("consent"):
            return f"Consent: {str(consent['text'])[:LONGEST]} ({str(consent['date'])[:10]})", False
        return (MISSING, True) if meta["fit"]["filmed"] is True else ("", False)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", False

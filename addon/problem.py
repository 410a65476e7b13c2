# SPDX-License-Identifier: GPL-3.0-or-later
"""A failure in words for the animator."""


class Problem(Exception):
    """What happened, and what to do next.

    Args:
        what: a full sentence that quotes the offending value or path.
        todo: the next step, a full sentence; "" where there is none.
        code: the engine's error code ("cancelled", "audio", ...), or "" for a problem met inside Blender.
    """

    def __init__(self, what: str, todo: str = "", code: str = "") -> None:
        super().__init__(f"{what} {todo}".strip())
        self.what = what
        self.todo = todo
        self.code = code

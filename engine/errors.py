# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors that a person may meet: what happened, and what to do next.

Raised where the cause is known; shown as they are by the command line and by Blender's panel. Anything else that
escapes a job is a defect of ours and is reported as `internal` with a pointer to the log.
"""


class EngineError(Exception):
    """A failure with a cause and a next step.

    Args:
        what: what happened, a full sentence that quotes the offending value or path.
        todo: what the person can do next, a full sentence.
    """

    code = "engine"

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(f"{what} {todo}".strip())
        self.what = what
        self.todo = todo


class InputError(EngineError):
    """A setting or argument that makes no sense: an unknown emotion, a zero-length range, fps of 0."""

    code = "input"


class AudioError(EngineError):
    """An audio file that is missing, empty, too short or not audio."""

    code = "audio"


class FormatError(EngineError):
    """A head, take or clip file that is truncated, of another version, or whose content is out of bounds."""

    code = "format"


class StorageError(EngineError):
    """A folder that cannot be written, or a disk that is full."""

    code = "storage"


class MissingPackageError(EngineError):
    """The engine's Python lacks a package, or has one that does not load."""

    code = "missing_package"


class MissingModelError(EngineError):
    """A trained network that is not in git and was not bundled, or a file that is not the one meant."""

    code = "missing_model"


class BackendError(EngineError):
    """A splat backend that was asked for by name and cannot run here."""

    code = "backend"


class Cancelled(EngineError):
    """The person asked the job to stop."""

    code = "cancelled"

    def __init__(self) -> None:
        super().__init__("The job was cancelled.", "")


# What Windows says of a library that, or one of whose own libraries, is missing, unfit or too old.
DLL_ERRORS = (126, 127, 193, 1114)
DLL_REMEDY = "Install Microsoft's current Visual C++ Redistributable (x64), restart, then run Doctor."

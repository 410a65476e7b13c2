# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes from frame to frame: sliders and cameras, as files."""

import json
from dataclasses import MISSING, asdict, dataclass, field, fields

from .names import EMOTION_NAMES, MICRO_EXPRESSIONS

# Matrices of cameras and heads hold no larger number, and lists start no further from the take's first frame.
LARGEST = 1e9
LARGEST_START = 10_000_000


@dataclass
class Controls:
    """The sliders over time: one list per slider, sampled on the take's frames.

    Weights and amounts are 0 to 1 (micro-expressions -1 to 1). Entry i of a list is for the take's frame start + i;
    before and after it the first and last value hold, so a list of length 1 is a constant.

    Args:
        emotion: name of EMOTION_NAMES -> list of weights. Missing names are 0.
        intensity: multiplies every emotion weight.
        micro: name of MICRO_EXPRESSIONS -> list of offsets.
        auto_emotion: 0 shows the emotion that is set, 1 the one that is heard in the voice.
        blink, gaze, head_motion, micro_motion: how much automatic life to add; the last is micro-expressions.
        start: the take's frame (from 0) of every list's first entry.
    """

    emotion: dict[str, list[float]] = field(default_factory=dict)
    intensity: list[float] = field(default_factory=lambda: [1.0])
    auto_emotion: list[float] = field(default_factory=lambda: [0.0])
    micro: dict[str, list[float]] = field(default_factory=dict)
    blink: list[float] = field(default_factory=lambda: [1.0])
    gaze: list[float] = field(default_factory=lambda: [1.0])
    head_motion: list[float] = field(default_factory=lambda: [1.0])
    micro_motion: list[float] = field(default_factory=lambda: [1.0])
    start: int = 0

    FORMAT = "emosplat-controls"

    def __post_init__(self) -> None:
        for name in ("emotion", "micro"):
            if not isinstance(getattr(self, name), dict):
                raise ValueError(f"{name} must be an object of names and their lists.")
        for name in self.emotion:
            if name not in EMOTION_NAMES:
                raise ValueError(f"There is no emotion {name!r}; there are {', '.join(EMOTION_NAMES)}.")
        for name in self.micro:
            if name not in MICRO_EXPRESSIONS:
                raise ValueError(f"There is no micro-expression {name!r}; there are {', '.join(MICRO_EXPRESSIONS)}.")
        tracks = {f"emotion {k}": (v, 0.0, 1.0) for k, v in self.emotion.items()}
        tracks |= {f"micro-expression {k}": (v, -1.0, 1.0) for k, v in self.micro.items()}
        for name in ("intensity", "auto_emotion", "blink", "gaze", "head_motion", "micro_motion"):
            tracks[name] = (getattr(self, name), 0.0, 1.0)
        _check_start(self.start)
        for name, (values, low, high) in tracks.items():
            if not isinstance(values, list) or not values:
                raise ValueError(f"The track of {name} must be a list of at least one number.")
            for value in values:
                if not isinstance(value, (int, float)) or not low - 1e-6 <= value <= high + 1e-6:
                    raise ValueError(f"{name} = {value!r:.60} is outside {low:g} to {high:g}.")

    def to_json(self) -> str:
        return json.dumps({"format": self.FORMAT, "version": 1, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> "Controls":
        """Raises ValueError with a sentence for people when `text` is not a valid controls file."""
        return cls(**_checked_fields(cls, text))


@dataclass
class CameraTrack:
    """Where the camera stands, for one frame or for each frame of a take.

    Args:
        width, height: pixels.
        viewmats: list of 4x4 row-major world-to-camera matrices, OpenCV axes (x right, y down, z forward), metres.
        Ks: list of 3x3 pinhole matrices, pixels, pixel centres at +0.5.
        head_matrices: list of 4x4 head-to-world matrices (rigid with uniform scale); empty: the head stands at the
            world's origin.
        start: the take's frame (from 0) of every list's first entry; before and after the lists, their ends hold.
    """

    width: int
    height: int
    viewmats: list
    Ks: list
    head_matrices: list = field(default_factory=list)
    start: int = 0

    FORMAT = "emosplat-cameras"

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            if not isinstance(value, int) or not 8 <= value <= 16384:
                raise ValueError(f"The camera's {name} {value!r} is not a whole number from 8 to 16384.")
        _check_start(self.start)
        for name, side in (("viewmats", 4), ("Ks", 3), ("head_matrices", 4)):
            entries = getattr(self, name)
            if not isinstance(entries, list) or (not entries and name != "head_matrices"):
                raise ValueError(f"The camera's {name} must be a list of at least one {side}x{side} matrix.")
            for matrix in entries:
                ok = isinstance(matrix, list) and len(matrix) == side
                ok = ok and all(isinstance(row, list) and len(row) == side for row in matrix)
                if not ok or not all(isinstance(x, (int, float)) and abs(x) <= LARGEST for row in matrix for x in row):
                    raise ValueError(
                        f"An entry of the camera's {name} is no {side}x{side} matrix of numbers up to {LARGEST:g}."
                    )

    def to_json(self) -> str:
        return json.dumps({"format": self.FORMAT, "version": 1, **asdict(self)})

    @classmethod
    def from_json(cls, text: str) -> "CameraTrack":
        """Raises ValueError with a sentence for people when `text` is not a valid camera file."""
        return cls(**_checked_fields(cls, text))


def _check_start(start) -> None:
    if not isinstance(start, int) or abs(start) > LARGEST_START:
        raise ValueError(f"start {start!r:.60} is not a whole number of frames up to {LARGEST_START}.")


def _checked_fields(cls, text: str) -> dict:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The file is not JSON ({error}).") from None
    if not isinstance(data, dict) or data.pop("format", None) != cls.FORMAT:
        raise ValueError(f'The file does not say "format": "{cls.FORMAT}".')
    if data.pop("version", None) != 1:
        raise ValueError(f"The file is of another version of {cls.FORMAT} than 1.")
    return known_fields(cls, data)


def known_fields(cls, data: dict) -> dict:
    """`data` if it has all fields of a dataclass that must be there, and no others. Raises ValueError."""
    names = {f.name for f in fields(cls)}
    required = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}
    if unknown := sorted(set(data) - names):
        raise ValueError(f"{cls.__name__} has no field {unknown[0]!r}; it has {', '.join(sorted(names))}.")
    if missing := sorted(required - set(data)):
        raise ValueError(f"{cls.__name__} lacks {missing[0]!r}.")
    return data

# SPDX-License-Identifier: GPL-3.0-or-later
"""What crosses between Blender (addon/) and the engine: names, jobs, tracks and messages. Standard library only.

The add-on imports this one file of engine/. A job is a dataclass: the command line and the panel fill in the same one.

Messages are JSON objects, one per line.
    to the engine    {"type": "job", "id": str, "verb": str, "job": {...}} | {"type": "cancel", "id": str}
    from the engine  {"type": "ready", "protocol": int, "pid": int}
                     {"type": "progress", "id", "stage": str, "done": int, "total": int, "eta": seconds | null}
                     {"type": "warning", "id", "text": str}
                     {"type": "result", "id", "result": {...}}
                     {"type": "error", "id", "code": str, "what": str, "todo": str}
A job ends with exactly one `result` or `error` (a cancelled one with the error code "cancelled").
"""

import json
import re
from dataclasses import MISSING, asdict, dataclass, field, fields
from fractions import Fraction
from typing import get_origin

PROTOCOL_VERSION = 1

# ARKit's 52 blend shapes: MediaPipe's order without its `_neutral`, then tongueOut.
EXPRESSION_NAMES = (
    "browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff",
    "cheekSquintLeft", "cheekSquintRight", "eyeBlinkLeft", "eyeBlinkRight", "eyeLookDownLeft", "eyeLookDownRight",
    "eyeLookInLeft", "eyeLookInRight", "eyeLookOutLeft", "eyeLookOutRight", "eyeLookUpLeft", "eyeLookUpRight",
    "eyeSquintLeft", "eyeSquintRight", "eyeWideLeft", "eyeWideRight", "jawForward", "jawLeft", "jawOpen", "jawRight",
    "mouthClose", "mouthDimpleLeft", "mouthDimpleRight", "mouthFrownLeft", "mouthFrownRight", "mouthFunnel",
    "mouthLeft", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthPressLeft", "mouthPressRight", "mouthPucker",
    "mouthRight", "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthSmileLeft",
    "mouthSmileRight", "mouthStretchLeft", "mouthStretchRight", "mouthUpperUpLeft", "mouthUpperUpRight",
    "noseSneerLeft", "noseSneerRight", "tongueOut",
)

# MEAD's order.
EMOTION_NAMES = ("neutral", "angry", "contempt", "disgusted", "fear", "happy", "sad", "surprised")

# The panel's micro-expression sliders, each added on top of everything else to these ARKit shapes.
MICRO_EXPRESSIONS = {
    "inner_brow": ("browInnerUp",),
    "outer_brow": ("browOuterUpLeft", "browOuterUpRight"),
    "brow_down": ("browDownLeft", "browDownRight"),
    "squint": ("eyeSquintLeft", "eyeSquintRight"),
    "wide": ("eyeWideLeft", "eyeWideRight"),
    "cheek": ("cheekSquintLeft", "cheekSquintRight"),
    "sneer": ("noseSneerLeft", "noseSneerRight"),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "frown": ("mouthFrownLeft", "mouthFrownRight"),
    "press": ("mouthPressLeft", "mouthPressRight"),
    "dimple": ("mouthDimpleLeft", "mouthDimpleRight"),
    "stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "chin": ("mouthShrugLower",),
}

# Matrices of cameras and heads hold no larger number, and lists start no further from the take's first frame.
LARGEST = 1e9
LARGEST_START = 10_000_000


def exact_fps(value: float | str | Fraction) -> Fraction:
    """Frames per second as an exact fraction: "24000/1001" as it is, 23.98 and 29.97 as what they stand for.

    Raises:
        ValueError: not a number, or outside 1 to 240.
    """
    text = str(value).strip()
    try:
        if not re.fullmatch(r"-?[0-9]{1,40}(\.[0-9]{1,40}|/[0-9]{1,40})?", text):
            raise ValueError  # Fraction would spend hours on "1e999999999", which may come from a stranger's file
        fps = Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"fps {value!r:.60} is not a number.") from None
    if not 1 <= fps <= 240:
        raise ValueError(f"fps {value} is outside 1 to 240.")
    for whole in (24, 30, 48, 60, 120):
        ntsc = Fraction(whole * 1000, 1001)
        if fps.denominator != 1001 and abs(fps - ntsc) < Fraction(5, 1000):
            return ntsc
    return fps


@dataclass
class Controls:
    """The sliders over time: one list per slider, sampled on the take's frames.

    Weights and amounts are 0 to 1 (micro-expressions -1 to 1). Entry i of a list is for the take's frame start + i;
    before and after it the first and last value hold, so a list of length 1 is a constant.

    Args:
        emotion: name of EMOTION_NAMES -> list of weights. Missing names are 0.
        intensity: multiplies every emotion weight.
        micro: name of MICRO_EXPRESSIONS -> list of offsets.
        blink, gaze, head_motion: how much automatic life to add.
        start: the take's frame (from 0) of every list's first entry.
    """

    emotion: dict[str, list[float]] = field(default_factory=dict)
    intensity: list[float] = field(default_factory=lambda: [1.0])
    micro: dict[str, list[float]] = field(default_factory=dict)
    blink: list[float] = field(default_factory=lambda: [1.0])
    gaze: list[float] = field(default_factory=lambda: [1.0])
    head_motion: list[float] = field(default_factory=lambda: [1.0])
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
        for name in ("intensity", "blink", "gaze", "head_motion"):
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
    return _known(cls, data)


def _known(cls, data: dict) -> dict:
    names = {f.name for f in fields(cls)}
    required = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}
    if unknown := sorted(set(data) - names):
        raise ValueError(f"{cls.__name__} has no field {unknown[0]!r}; it has {', '.join(sorted(names))}.")
    if missing := sorted(required - set(data)):
        raise ValueError(f"{cls.__name__} lacks {missing[0]!r}.")
    return data


@dataclass
class PerformJob:
    """Audio and sliders become a take.

    Args:
        audio: path of any audio or video file with sound.
        out: path of the take.json to write; a .emotake of the same name is written beside it.
        fps: frames per second, as `exact_fps` reads it.
        emotion: constant emotion weights; added to those of `controls`.
        controls: path of a Controls file, or "" for the defaults.
        life: amount of blinks, gaze and head motion where `controls` does not say; 0 leaves them at rest.
        seed: chooses the blinks, saccades and head motion.
    """

    audio: str
    out: str
    fps: str = "25"
    emotion: dict[str, float] = field(default_factory=dict)
    controls: str = ""
    life: float = 1.0
    seed: int = 0


@dataclass
class SpeakJob:
    """Audio and sliders become rendered frames of a head.

    Args:
        audio, fps, emotion, controls, life, seed: as in PerformJob.
        head: name of a head in the library, or path of an .emohead.
        out: folder for frame_#####.png and take.json.
        size: side of the square picture in pixels where no camera file is given.
        camera: path of a CameraTrack file, or "" for a portrait camera.
        first, last: frames to draw, counted from 1, inclusive; last 0 means to the end.
        depth: also write depth_#####.exr (metres along the camera's z axis).
        backend: auto, gsplat, numba or torch.
        threads: 0 for all cores.
    """

    audio: str
    head: str
    out: str
    fps: str = "25"
    emotion: dict[str, float] = field(default_factory=dict)
    controls: str = ""
    life: float = 1.0
    seed: int = 0
    size: int = 512
    camera: str = ""
    first: int = 1
    last: int = 0
    depth: bool = False
    backend: str = "auto"
    threads: int = 0


@dataclass
class ExportJob:
    """A head at rest becomes a PLY file that other splat viewers open.

    Args:
        head: name of a head in the library, or path of an .emohead.
        ply: path of the file to write.
    """

    head: str
    ply: str


@dataclass
class ImportJob:
    """A take of any kind becomes a take.json, at another frame rate where asked.

    Args:
        take: path of an .emotake, a take.json, or a CSV in Live Link Face's layout.
        out: path of the take.json to write; an .emotake of the same name is written beside it.
        fps: frames per second, as `exact_fps` reads it; "" keeps the take's own.
        timecode_fps: frames that the CSV's timecode counts in a second; "" is found from the file.
    """

    take: str
    out: str
    fps: str = ""
    timecode_fps: str = ""


@dataclass
class ExportTakeJob:
    """A take becomes a CSV that other facial animation tools read.

    Args:
        take: path of an .emotake, a take.json, or a CSV.
        csv: path of the file to write.
    """

    take: str
    csv: str


@dataclass
class CaptureJob:
    """A film, a data set, or the pictures of a Blender character become a capture folder.

    Args:
        source: a film's path, or a folder that a character was rendered to, or a data set's folder.
        out: the capture's folder; must not exist, or be empty. A broken-off try goes on.
        size: side of the square pictures in pixels.
        identity: the person's name; "" takes the source's.
        fps: frames per second, as `exact_fps` reads it; "" keeps the source's own.
        emotion: what is shown all through the source, where that is known: emotion -> intensity, 0 to 1.
        seed: chooses the pictures that are held out.
        allow_download: models that make masks better may be fetched from their makers' pages.
    """

    source: str
    out: str
    size: int = 512
    identity: str = ""
    fps: str = ""
    emotion: dict[str, float] = field(default_factory=dict)
    seed: int = 0
    allow_download: bool = False


@dataclass
class VerifyJob:
    """Open every file of a capture and say what is wrong.

    Args:
        folder: the capture's folder.
    """

    folder: str


@dataclass
class HeadsJob:
    """List the heads at hand.

    Args:
        folder: a folder of .emohead files besides the bundled ones, or "".
    """

    folder: str = ""


@dataclass
class DoctorJob:
    """Say what runs here and what does not.

    Args:
        folder: the heads folder to look at, or "".
        out: a folder whose disk is asked for free space, or "".
    """

    folder: str = ""
    out: str = ""


@dataclass
class WarmUpJob:
    """Import torch and compile the kernels while the person is still choosing."""

    backend: str = "auto"


JOBS = {
    "perform": PerformJob, "speak": SpeakJob, "export": ExportJob, "import": ImportJob, "export_take": ExportTakeJob,
    "capture": CaptureJob, "verify": VerifyJob,
    "heads": HeadsJob, "doctor": DoctorJob, "warm_up": WarmUpJob,
}


def read_job(verb: str, data: dict):
    """A job dataclass from a message's dict. Raises ValueError for an unknown verb or field and for wrong types."""
    if verb not in JOBS:
        raise ValueError(f"The engine has no verb {verb!r}; it has {', '.join(JOBS)}.")
    data = _known(JOBS[verb], dict(data))
    for spec in fields(JOBS[verb]):
        kind = get_origin(spec.type) or spec.type
        if spec.name in data and not isinstance(data[spec.name], (int, float) if kind is float else kind):
            raise ValueError(f"{spec.name} = {data[spec.name]!r:.60} of {verb} is no {kind.__name__}.")
    return JOBS[verb](**data)


def encode(message: dict) -> bytes:
    """One message as a line of ASCII: names of files may hold bytes that are no text, which UTF-8 refuses."""
    return json.dumps(message, allow_nan=False).encode("ascii") + b"\n"


def job_message(job_id: str, job) -> dict:
    verb = next(verb for verb, cls in JOBS.items() if cls is type(job))
    return {"type": "job", "id": job_id, "verb": verb, "job": asdict(job)}

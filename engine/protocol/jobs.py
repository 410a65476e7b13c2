# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs, and messages as lines. A job is a dataclass: the command line and the panel fill in the same one."""

import json
from dataclasses import asdict, dataclass, field, fields
from typing import get_origin

from .names import DEFAULT_HEAD
from .tracks import known_fields

PROTOCOL_VERSION = 1


@dataclass
class PerformJob:
    """Audio and sliders become a take.

    Args:
        audio: path of any audio or video file with sound.
        out: path of the take.json to write; a .emotake of the same name is written beside it.
        fps: frames per second, as `exact_fps` reads it.
        emotion: constant emotion weights; added to those of `controls`.
        auto_emotion: how much of the emotion heard in the voice is shown, 0 to 1; 0 leaves it to `controls`.
        controls: path of a Controls file, or "" for the defaults.
        life: amount of blinks, gaze and head motion where `controls` does not say; 0 leaves them at rest.
        seed: chooses the blinks, saccades and head motion.
        text: what is said, where that is known: it sharpens the mouth's timing. "" does without.
        allow_download: a speech model that a text in another language than English, or the emotion model, needs may be
            fetched from its maker's page.
        head: a head in the library, or path of an .emohead, that may know how this voice sounds; "" hears anybody's.
        emotion_model: file of a model that hears the voice's emotion; "" is the one that ships.
    """

    audio: str
    out: str
    fps: str = "25"
    emotion: dict[str, float] = field(default_factory=dict)
    auto_emotion: float = 0.0
    controls: str = ""
    life: float = 1.0
    seed: int = 0
    text: str = ""
    allow_download: bool = False
    head: str = ""
    emotion_model: str = ""


@dataclass
class SpeakJob:
    """Audio and sliders become rendered frames of a head.

    Args:
        audio, fps, emotion, auto_emotion, controls, life, seed, text, allow_download, emotion_model: as in PerformJob.
        head: name of a head in the library, or path of an .emohead.
        out: folder for frame_#####.png and take.json.
        size: side of the square picture in pixels where no camera file is given.
        camera: path of a CameraTrack file, or "" for a portrait camera.
        first, last: frames to draw, counted from 1, inclusive; last 0 means to the end.
        depth: also write depth_#####.exr (metres along the camera's z axis).
        uncertainty: also write uncertainty_#####.exr (the error that a fitted head expects of its own colours).
        backend: auto, gsplat, numba or torch.
        threads: 0 for all cores.
    """

    audio: str
    head: str
    out: str
    fps: str = "25"
    emotion: dict[str, float] = field(default_factory=dict)
    auto_emotion: float = 0.0
    controls: str = ""
    life: float = 1.0
    seed: int = 0
    size: int = 512
    camera: str = ""
    first: int = 1
    last: int = 0
    depth: bool = False
    uncertainty: bool = False
    backend: str = "auto"
    threads: int = 0
    text: str = ""
    allow_download: bool = False
    emotion_model: str = ""


@dataclass
class BakeJob:
    """A take played by a head becomes an .emoclip: splats, a basis of movements, and weights per frame.

    Args:
        source: path of an audio or video file, of an .emotake, or of a 3D Gaussian Splatting PLY, which becomes a clip
            of one frame without a head.
        out: path of the .emoclip to write.
        head: name of a head in the library, or path of an .emohead.
        error: millimetres that 95 of 100 points stay within.
        fps, emotion, auto_emotion, controls, life, seed, text, allow_download, emotion_model: as in PerformJob; a take
            has its own.
        first, last: frames to bake, counted from 1, inclusive; last 0 means to the end.
    """

    source: str
    out: str
    head: str = DEFAULT_HEAD
    error: float = 0.2
    fps: str = "25"
    emotion: dict[str, float] = field(default_factory=dict)
    auto_emotion: float = 0.0
    controls: str = ""
    life: float = 1.0
    seed: int = 0
    first: int = 1
    last: int = 0
    text: str = ""
    allow_download: bool = False
    emotion_model: str = ""


@dataclass
class EmotionJob:
    """Hear the emotion in a voice.

    Args:
        audio: path of any audio or video file with sound.
        plot: path of a picture to draw, .png, .svg or .pdf; "" for none.
        emotion_model: file of the model that hears it; "" is the one that ships.
        allow_download: the speech model that it listens to may be fetched from its maker's page.
    """

    audio: str
    plot: str = ""
    emotion_model: str = ""
    allow_download: bool = False


@dataclass
class ExportJob:
    """A head at rest becomes a PLY file that other splat viewers open, a clip one PLY per frame.

    Args:
        head: name of a head in the library, or path of an .emohead or .emoclip.
        ply: path of the file to write; of a clip the folder.
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
class FitJob:
    """A capture becomes a head.

    Args:
        capture: the capture's folder.
        out: the .emohead to write; must not exist. NAME.fit beside it gets the report; a broken-off fit goes on there.
        minutes: of fitting; 0 for ten, or for `steps`.
        steps: of fitting, the same result every time; 0 for `minutes`.
        size: the pictures' longer side in pixels; 0 for the capture's, at most 512.
        device: auto, cpu or cuda.
        consent: what the person who was filmed agreed to, for the head's header; "" records none.
        hold_out: seconds, such as "16-" or "5-8", that are held out besides what the capture holds out.
        seed: of everything random.
        threads: of the renderer; 0 for all cores.
        emotion_model, allow_download: as in EmotionJob.
    """

    capture: str
    out: str
    minutes: float = 0.0
    steps: int = 0
    size: int = 0
    device: str = "auto"
    consent: str = ""
    hold_out: str = ""
    seed: int = 0
    threads: int = 0
    emotion_model: str = ""
    allow_download: bool = False


@dataclass
class EvaluateJob:
    """Measure a head on pictures of a capture.

    Args:
        head: name of a head in the library, or path of an .emohead.
        capture: the capture's folder.
        split: test, train, all, or seconds such as "16-" or "5-8".
        size: the pictures' longer side in pixels; 0 for what the head was fitted at.
        emotion_model: the one that the head was fitted with, as in EmotionJob.
    """

    head: str
    capture: str
    split: str = "test"
    size: int = 0
    emotion_model: str = ""


@dataclass
class SyncJob:
    """Measure how well a mouth is in sync with its sound.

    Args:
        source: a film, or a folder of rendered frames with its take.json.
        audio: a sound file; "" takes the film's own sound, or the one that take.json names.
    """

    source: str
    audio: str = ""


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
    "perform": PerformJob, "speak": SpeakJob, "bake": BakeJob, "emotion": EmotionJob, "export": ExportJob,
    "import": ImportJob,
    "export_take": ExportTakeJob, "capture": CaptureJob, "verify": VerifyJob,
    "fit": FitJob, "evaluate": EvaluateJob, "sync": SyncJob,
    "heads": HeadsJob, "doctor": DoctorJob, "warm_up": WarmUpJob,
}


def read_job(verb: str, data: dict):
    """A job dataclass from a message's dict. Raises ValueError for an unknown verb or field and for wrong types."""
    if verb not in JOBS:
        raise ValueError(f"The engine has no verb {verb!r}; it has {', '.join(JOBS)}.")
    data = known_fields(JOBS[verb], dict(data))
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

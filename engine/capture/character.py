# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of a Blender character as a capture. See docs/formats.md: character.json; addon/character writes it."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..audio.read import blocks, probe
from ..errors import FormatError, InputError
from ..life.gaze import gaze_of_eye_shapes
from ..protocol import EXPRESSION_NAMES, CaptureJob, exact_fps
from ..report import Report
from .asked import asked_fps
from .capture import REGIONS, Capture, EmotionLabel, SourceFacts, picture_stem, split_test
from .storage import FRAMES, MASKS, MAX_FRAME, checked_side, checked_text
from .writer import CaptureWriter

CHARACTER_JSON, AUDIO = "character.json", "audio"
FORMAT, VERSION = "emosplat-character", 1
MAX_JSON_BYTES = 256_000_000
MAX_PICTURES, MAX_SOUNDS, MAX_TEXTS = 100_000, 10_000, 100_000
MIXED_RATE = 48000  # where the sounds have different rates
AGAIN = "Render the character again."


@dataclass
class Character:
    """A character's work folder, checked: F pictures of one camera that stands elsewhere in each.

    Args:
        sounds: (file, frame at which it begins), ascending.
        rest: frames (F,), viewmats (F, 4, 4), Ks (F, 3, 3) and expression (F, 52), as Capture has them.
    """

    identity: str
    fps: Fraction
    width: int
    height: int
    labels: list[EmotionLabel]
    sounds: list[tuple[Path, int]]
    source: str
    warnings: list[str]
    rest: dict[str, np.ndarray]


def is_character(folder: Path) -> bool:
    return (folder / CHARACTER_JSON).is_file()


def capture_character(job: CaptureJob, report: Report) -> Path:
    """Make a capture of a character's work folder. Pictures keep their size and are linked or copied as they are.

    Raises:
        FormatError: the work folder is damaged.
        InputError: the job asks for what only a film can have.
        StorageError: the capture's folder is taken, or the disk refuses.
    """
    folder = Path(job.source)
    if job.emotion:
        raise InputError("A character says itself which emotions it shows.", "Leave the emotion out.")
    character, digest = read_character(folder)
    if (fps := asked_fps(job)) is not None and fps != character.fps:
        raise InputError(f"The character was rendered for {float(character.fps):g} frames per second.",
                         "Leave the frame rate out, or render it again.")
    plan = {"kind": "character", "source": str(folder.resolve()), "digest": digest, "seed": job.seed,
            "identity": job.identity}
    writer = CaptureWriter(job.out, plan)
    frames = character.rest["frames"]
    for done, frame in enumerate(frames.tolist()):
        report.progress("collect", done, len(frames))
        if not writer.has(0, frame):
            name = f"{picture_stem(0, frame)}.png"
            picture, mask = folder / FRAMES / name, folder / MASKS / name
            _check_picture(picture, (character.width, character.height))
            _check_mask(mask, (character.width, character.height))
            writer.link(0, frame, picture, mask)
    report.progress("collect", len(frames), len(frames))
    capture = _capture(character, job)
    sound = _sound(character, capture.seconds, report) if character.sounds else None
    return writer.finish(capture, sound, report)


def read_character(folder: Path) -> tuple[Character, str]:
    """A work folder's facts, and what tells them from any other's. Raises FormatError."""
    path = folder / CHARACTER_JSON
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise FormatError(f"{path} is larger than {MAX_JSON_BYTES} bytes.", AGAIN)
        text = path.read_bytes()
        data = json.loads(text)
    except OSError as error:
        raise FormatError(f"{path} could not be read ({error.strerror}).", "Check who may read it.") from None
    except (ValueError, RecursionError):
        raise FormatError(f"{path} is damaged.", AGAIN) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FormatError(f'{path} does not say "format": "{FORMAT}".', "Choose another folder.")
    if data.get("version") != VERSION:
        raise FormatError(f"{path} is of version {data.get('version')!r:.20} of characters; this EmoSplat reads "
                          f"{VERSION}.", "Render the character again with this version, or update EmoSplat.")
    try:
        return _checked(data, folder), hashlib.sha256(text).hexdigest()
    except (KeyError, ValueError, TypeError, OverflowError, ArithmeticError, AttributeError) as error:
        raise FormatError(f"{path} is damaged ({type(error).__name__}: {error!s:.200}).", AGAIN) from None


def _checked(data: dict, folder: Path) -> Character:
    """Raises KeyError, ValueError or TypeError for whatever makes no sense."""
    if data["expression_names"] != list(EXPRESSION_NAMES):
        raise ValueError("its expression names are others than ARKit's 52")
    count = len(data["frames"])
    if not 1 <= count <= MAX_PICTURES:
        raise ValueError(f"{count} pictures")
    frames = np.array(data["frames"])
    if frames.dtype.kind != "i" or frames.ndim != 1 or frames.min() < 0 or frames.max() > MAX_FRAME:
        raise ValueError("frames must be whole numbers from 0")
    rest = {"frames": frames.astype(np.int32)}
    for name, shape in (("viewmats", (4, 4)), ("Ks", (3, 3)), ("expression", (len(EXPRESSION_NAMES),))):
        values = np.array(data[name], np.float64)
        if values.shape != (count, int(np.prod(shape))) or not (np.abs(values) < 1e5).all():
            raise ValueError(f"{name} must be {count} lists of {int(np.prod(shape))} numbers")
        rest[name] = values.reshape(count, *shape).astype(np.float32)
    if rest["expression"].min() < 0 or rest["expression"].max() > 1:
        raise ValueError("a weight is outside 0 to 1")
    labels = [EmotionLabel(float(entry["start"]), float(entry["end"]), checked_text(entry["emotion"], 40),
                           float(entry["intensity"])) for entry in _list(data["labels"])]
    sounds = [_sound_entry(entry, folder) for entry in _list(data["sound"])[:MAX_SOUNDS]]
    if any(after[1] <= before[1] for before, after in zip(sounds, sounds[1:])):
        raise ValueError("sounds must follow one another")
    return Character(
        checked_text(data["identity"], 200), exact_fps(checked_text(data["fps"], 40)), checked_side(data["width"]),
        checked_side(data["height"]), labels, sounds, checked_text(data["source"], 4096),
        [checked_text(text, 4096) for text in _list(data["warnings"])], rest,
    )


def _sound_entry(entry: dict, folder: Path) -> tuple[Path, int]:
    """A file of the work folder's own: a name with a path in it could be anybody's."""
    name, frame = checked_text(entry["file"], 100), entry["frame"]
    if Path(name).name != name or name.startswith(".") or "\\" in name or ":" in name:
        raise ValueError(f"{name!r} is no file's name")
    if not isinstance(frame, int) or not 0 <= frame <= MAX_FRAME:
        raise ValueError(f"{frame!r} is no frame")
    return folder / AUDIO / name, frame


def _list(value) -> list:
    if not isinstance(value, list) or len(value) > MAX_TEXTS:
        raise ValueError(f"{value!r:.60} is no list")
    return value


def _check_picture(path: Path, size: tuple[int, int]) -> None:
    _open(path, size, ("RGB", "RGBA"), decode=False)


def _check_mask(path: Path, size: tuple[int, int]) -> None:
    mask = _open(path, size, ("L",), decode=True)
    if mask.max() >= len(REGIONS):
        raise FormatError(f"{path} holds a region {mask.max()} that there is not.", AGAIN)


def _open(path: Path, size: tuple[int, int], modes: tuple[str, ...], decode: bool) -> np.ndarray | None:
    """Judge a picture by its header, before anything is decoded. Raises FormatError."""
    try:
        if path.is_symlink():
            raise FormatError(f"{path} is a link to elsewhere.", AGAIN)
        with Image.open(path, formats=("PNG",)) as image:
            if image.size != size or image.mode not in modes:
                raise FormatError(f"{path} is {image.size} {image.mode}, not {size} {' or '.join(modes)}.", AGAIN)
            return np.asarray(image) if decode else None
    except FileNotFoundError:
        raise FormatError(f"There is no file {path}.", AGAIN) from None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FormatError(f"{path} is damaged ({error!s:.100}).", AGAIN) from None


def _capture(character: Character, job: CaptureJob) -> Capture:
    frames, expression = character.rest["frames"], character.rest["expression"]
    count = len(frames)
    warnings = list(character.warnings)
    if not character.sounds:
        warnings.append("The character says nothing: a head learns from it how it looks, not how it speaks.")
    seconds = float((int(frames.max()) + 1) / character.fps)
    try:
        return Capture(
            identity=(job.identity or character.identity)[:200], fps=character.fps, width=character.width,
            height=character.height, cameras=np.zeros(count, np.int32),
            gaze=gaze_of_eye_shapes(expression), confidence=np.ones(count, np.float32),
            test=split_test(frames, job.seed), labels=character.labels, source=character.source,
            facts=SourceFacts(count, count, seconds, av_offset_seconds=0.0 if character.sounds else None),
            warnings=warnings, **character.rest,
        )
    except ValueError as error:
        raise FormatError(f"The character's rows make no sense ({error}).", AGAIN) from None


def _sound(character: Character, seconds: float, report: Report) -> tuple[Iterator[np.ndarray], int]:
    """Each sound from its frame on, silence before, between and after; the samples as they are where rates agree."""
    rates = {probe(path).sample_rate for path, _ in character.sounds}
    rate = rates.pop() if len(rates) == 1 else MIXED_RATE
    ends = [frame for _, frame in character.sounds[1:]]
    total = round(seconds * rate)
    stops = [round(frame / character.fps * rate) for frame in ends] + [total]

    def pieces() -> Iterator[np.ndarray]:
        place = 0
        for (path, frame), stop in zip(character.sounds, stops):
            start = round(frame / character.fps * rate)
            yield np.zeros(max(0, start - place), np.float32)
            place = max(place, start)
            for block in blocks(path, rate, report=report):
                block = block[:max(0, stop - place)]
                place += len(block)
                yield block
        yield np.zeros(max(0, total - place), np.float32)

    return pieces(), rate

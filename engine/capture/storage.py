# SPDX-License-Identifier: GPL-3.0-or-later
"""Captures on disk, read: a folder is judged before memory is taken. See docs/formats.md; writer.py writes them."""

import json
import os
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ..errors import FormatError
from ..protocol import exact_fps
from ..report import Report
from ..tensors import TensorSpec, read_tensors
from .capture import REGIONS, Capture, EmotionLabel, SourceFacts

FORMAT = "emosplat-capture"
TRACKS = "emosplat-tracks"
VERSION = 1
MAX_PICTURES = 1_000_000
MAX_CAMERAS = 1000
MAX_SIDE = 8192
MAX_JSON_BYTES = 4_000_000
MAX_FRAME = 240 * 3600 * 4
AUDIO_BLOCK = 1 << 18  # samples

CAPTURE_JSON, TRACKS_FILE = "capture.json", "tracks.safetensors"
AUDIO_FILE, TRANSFORMS = "audio.flac", "transforms.json"
FRAMES, MASKS = "frames", "masks"

SPEC = {
    "frames": TensorSpec(("F",), 0, MAX_FRAME, "I32"),
    "cameras": TensorSpec(("F",), 0, MAX_CAMERAS - 1, "I32"),
    "viewmats": TensorSpec(("F", 4, 4), -1e3, 1e3),
    "Ks": TensorSpec(("F", 3, 3), -1e5, 1e5),
    "expression": TensorSpec(("F", 52), 0.0, 1.0),
    "gaze": TensorSpec(("F", 2), -1.6, 1.6),
    "confidence": TensorSpec(("F",), 0.0, 1.0),
    "test": TensorSpec(("F",), 0, 1, "U8"),
    "landmarks": TensorSpec(("F", 478, 2), -1e5, 1e5, optional=True),
    "codes": TensorSpec(("F", "C"), -1e3, 1e3, optional=True),
}
LIMITS = {"F": MAX_PICTURES, "C": 256}
AGAIN = "Make the capture again."


def load_capture(folder: str | Path) -> Capture:
    """Read a capture's tracks and check that all of its files are there. Landmarks stay on the disk and pictures are
    opened by `read_picture`, so that an hour takes little more memory than a minute.

    Raises:
        FormatError: whatever is wrong, in one sentence.
    """
    folder = Path(folder)
    data = _read_json(folder)
    _, tensors = read_tensors(folder / TRACKS_FILE, TRACKS, VERSION, SPEC, LIMITS, on_disk=("landmarks",))
    tensors["test"] = tensors["test"].astype(bool)
    try:
        capture = Capture(**_from_json(data), **tensors)
    except (KeyError, ValueError, TypeError, OverflowError, ArithmeticError) as error:
        raise FormatError(f"{folder / CAPTURE_JSON} or {TRACKS_FILE} is damaged ({error!s:.200}).", AGAIN) from None
    _check_counts(folder, data, capture)
    return capture


def read_picture(folder: str | Path, capture: Capture, row: int) -> tuple[np.ndarray, np.ndarray]:
    """One row's picture and mask.

    Returns:
        (H, W, 3) uint8 sRGB or (H, W, 4) with straight alpha, and (H, W) uint8 indices into REGIONS.

    Raises:
        FormatError: missing, damaged, or of another size than the capture's.
    """
    name = f"{capture.stem(row)}.png"
    size = (capture.width, capture.height)
    picture = _read_png(Path(folder) / FRAMES / name, size, ("RGB", "RGBA"))
    return picture, read_mask(folder, capture, row)


def read_mask(folder: str | Path, capture: Capture, row: int) -> np.ndarray:
    """One row's mask, (H, W) uint8 indices into REGIONS. Raises FormatError as `read_picture` does."""
    path = Path(folder) / MASKS / f"{capture.stem(row)}.png"
    mask = _read_png(path, (capture.width, capture.height), ("L",))
    if mask.max() >= len(REGIONS):
        raise FormatError(f"{path} holds a region {mask.max()} that there is not.", AGAIN)
    return mask


def verify(folder: str | Path, report: Report | None = None) -> list[str]:
    """Open every file of a capture and say in sentences what is wrong; an empty list says that all is well.

    Raises:
        Cancelled: the person asked to stop.
    """
    folder, report = Path(folder), report or Report()
    try:
        capture = load_capture(folder)
    except FormatError as error:
        return [str(error)]
    findings = []
    for kind in (FRAMES, MASKS):
        extra = sorted(find_pictures(folder / kind, capture)[1])
        if extra:
            findings.append(f"{folder / kind} holds {len(extra)} files that no row names, such as {extra[0]}.")
    for row in range(len(capture)):
        report.progress("verify", row, len(capture))
        try:
            read_picture(folder, capture, row)
        except FormatError as error:
            findings.append(str(error))
    report.progress("verify", len(capture), len(capture))
    if (folder / AUDIO_FILE).exists():
        findings += _verify_audio(folder / AUDIO_FILE, capture, report)
    elif capture.facts and capture.facts.av_offset_seconds is not None:
        findings.append(f"There is no file {folder / AUDIO_FILE}, though its source had sound.")
    if capture.test.all():
        findings.append("Every picture is held out for testing: nothing is left to fit.")
    return findings


def to_json(capture: Capture) -> dict:
    """What capture.json says of a capture."""
    labels = [
        {"start": label.start, "end": label.end, "emotion": label.emotion, "intensity": label.intensity}
        for label in capture.labels
    ]
    return {
        "format": FORMAT, "version": VERSION, "identity": capture.identity, "fps": str(capture.fps),
        "width": capture.width, "height": capture.height, "pictures": len(capture),
        "cameras": int(capture.cameras.max()) + 1, "regions": list(REGIONS), "labels": labels,
        "source": capture.source, "facts": asdict(capture.facts) if capture.facts else None,
        "warnings": list(capture.warnings),
    }


def _from_json(data: dict) -> dict:
    """Capture's fields; raises KeyError, ValueError or TypeError."""
    fps = Fraction(exact_fps(checked_text(data["fps"], 40)))
    labels, warnings = data.get("labels", []), data.get("warnings", [])
    if not isinstance(labels, list) or not isinstance(warnings, list):
        raise ValueError("labels and warnings must be lists")
    labels = [
        EmotionLabel(
            float(label["start"]), float(label["end"]), checked_text(label["emotion"], 40), float(label["intensity"])
        )
        for label in labels
    ]
    facts = SourceFacts(**data["facts"]) if data.get("facts") is not None else None
    return {
        "identity": checked_text(data["identity"], 200), "fps": fps, "width": checked_side(data["width"]),
        "height": checked_side(data["height"]), "labels": labels, "source": checked_text(data.get("source", ""), 4096),
        "facts": facts, "warnings": [checked_text(warning, 4096) for warning in warnings],
    }


def checked_text(value, longest: int) -> str:
    """A field of a stranger's JSON that must be a text. Raises ValueError."""
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{value!r:.60} is not a text of at most {longest} characters")
    return value


def checked_side(value) -> int:
    """A field of a stranger's JSON that must be a picture's side in pixels. Raises ValueError."""
    if not isinstance(value, int) or isinstance(value, bool) or not 8 <= value <= MAX_SIDE:
        raise ValueError(f"{value!r:.40} is not a picture's side from 8 to {MAX_SIDE}")
    return value


def _read_json(folder: Path) -> dict:
    path = folder / CAPTURE_JSON
    if not path.is_file():
        todo = "Choose the folder that holds capture.json."
        if folder.with_name(f"{folder.name}.part").is_dir():
            todo = "It was begun and not ended: start the same capture again and it goes on."
        raise FormatError(f"{folder} is not a capture.", todo)
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise FormatError(f"{path} is larger than {MAX_JSON_BYTES} bytes.", AGAIN)
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FormatError(f"{path} could not be read ({error.strerror}).", "Check who may read it.") from None
    except (ValueError, RecursionError):
        raise FormatError(f"{path} is damaged.", AGAIN) from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise FormatError(f'{path} does not say "format": "{FORMAT}".', "Choose another folder.")
    if data.get("version") != VERSION:
        raise FormatError(
            f"{path} is of version {data.get('version')!r:.20} of captures; this EmoSplat reads {VERSION}.",
            "Make the capture again with this version of EmoSplat, or update EmoSplat.",
        )
    if data.get("regions") != list(REGIONS):
        raise FormatError(f"{path} names other regions than {', '.join(REGIONS)}.", AGAIN)
    return data


def _check_counts(folder: Path, data: dict, capture: Capture) -> None:
    if data.get("pictures") != len(capture):
        raise FormatError(f"{folder} announces {data.get('pictures')!r:.20} pictures, not {len(capture)}.", AGAIN)
    if data.get("cameras") != int(capture.cameras.max()) + 1:
        raise FormatError(f"{folder} announces another number of cameras than its tracks have.", AGAIN)
    for kind in (FRAMES, MASKS):
        there, _ = find_pictures(folder / kind, capture)
        if not there.all():
            first = f"{capture.stem(int(there.argmin()))}.png"
            raise FormatError(f"{folder / kind} lacks {(~there).sum()} pictures, such as {first}.", AGAIN)


def find_pictures(folder: Path, capture: Capture) -> tuple[np.ndarray, list[str]]:
    """Look into a capture's folder of pictures or masks, which need not exist.

    Returns:
        (F,) bool, rows whose file is there; the names of what is no row's.
    """
    there, others = np.zeros(len(capture), bool), []
    if not folder.is_dir():
        return there, others
    moments = capture.cameras.astype(np.int64) * (MAX_FRAME + 1) + capture.frames  # rising, as the rows are
    with os.scandir(folder) as entries:
        for entry in entries:
            camera, _, frame = entry.name.removesuffix(".png").partition("_")
            row = len(capture)
            if camera.isdecimal() and frame.isdecimal() and len(entry.name) < 20:
                row = int(np.searchsorted(moments, int(camera) * (MAX_FRAME + 1) + int(frame)))
            if row < len(capture) and entry.name == f"{capture.stem(row)}.png":
                there[row] = True
            else:
                others.append(entry.name)
    return there, others


def _read_png(path: Path, size: tuple[int, int], modes: tuple[str, ...]) -> np.ndarray:
    try:
        with Image.open(path, formats=("PNG",)) as image:
            # Before it is decoded: a header may announce more pixels than there is memory for.
            if image.size != size or image.mode not in modes:
                raise FormatError(f"{path} is {image.size} {image.mode}, not {size} {' or '.join(modes)}.", AGAIN)
            return np.asarray(image)
    except FileNotFoundError:
        raise FormatError(f"There is no file {path}.", AGAIN) from None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FormatError(f"{path} is damaged ({error!s:.100}).", AGAIN) from None


def _verify_audio(path: Path, capture: Capture, report: Report) -> list[str]:
    import soundfile

    try:
        with soundfile.SoundFile(path) as sound:
            frames, seconds = sound.frames, sound.frames / sound.samplerate
            heard = 0
            while piece := len(sound.read(AUDIO_BLOCK, dtype="int16")):
                report.check()
                heard += piece
    except (soundfile.LibsndfileError, RuntimeError) as error:
        return [f"{path} is damaged ({error})."]
    if heard != frames:
        return [f"{path} is damaged (it announces {frames} samples and holds {heard})."]
    if seconds < capture.seconds - 0.1:
        return [f"{path} holds {seconds:.2f} s of sound for {capture.seconds:.2f} s of pictures."]
    return []

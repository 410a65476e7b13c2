# SPDX-License-Identifier: GPL-3.0-or-later
"""What the background Blender is asked to render: one JSON file. Knows nothing of Blender."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from ...engine.protocol import EXPRESSION_NAMES, exact_fps
from ..paths import write_text
from ..problem import Problem

FORMAT, VERSION = "emosplat-character-job", 1


@dataclass
class Shape:
    """A shape key and the ARKit shapes that it moves."""

    object: str
    key: str
    names: list[str]


@dataclass
class SpokenTake:
    """A performance that the character gives.

    Args:
        take: path of the take.json that the engine made of `audio`.
        audio: path of the sound.
    """

    take: str
    audio: str


@dataclass
class CharacterJob:
    """A character, what it shall do, and where its pictures go.

    Args:
        blend: the .blend to open; it is never written to.
        scene: the scene's name in there.
        out: the work folder.
        identity: the character's name.
        objects: names of all objects that belong to the character; other things light the scene but are not seen.
        shapes: its shape keys.
        emotions: path of the take that shows every emotion for a while, or "".
        takes: what it says.
        head_object, head_bone: what gives the head's own frame: an object (origin and axes), a bone (origin only), or
            neither (the face's geometry).
        regions: name of a material, vertex group or object -> region of REGIONS, where the words in it do not say.
        frames, size, fps, seed: how many pictures, their side in pixels, frames per second as `exact_fps` reads it,
            and what chooses expressions and cameras.
        spoken: the share of the pictures that shows it speaking, as far as its takes reach; the rest is designed.
        samples: of each pixel in Cycles, denoised quickly where the scene denoises; 0 leaves the scene's own settings.
    """

    blend: str
    scene: str
    out: str
    objects: list[str]
    shapes: list[Shape]
    identity: str = "Character"
    emotions: str = ""
    takes: list[SpokenTake] = field(default_factory=list)
    head_object: str = ""
    head_bone: str = ""
    regions: dict[str, str] = field(default_factory=dict)
    frames: int = 600
    size: int = 512
    fps: str = "25"
    seed: int = 0
    spoken: float = 0.6  # how shapes go together in speech matters most
    samples: int = 0

    def __post_init__(self) -> None:
        exact_fps(self.fps)
        if not 8 <= self.size <= 8192 or not 8 <= self.frames <= 100_000:
            raise ValueError(f"{self.frames} pictures of {self.size} pixels are outside 8 to 100,000 of 8 to 8192.")
        if not 0.0 <= self.spoken <= 1.0:
            raise ValueError(f"a spoken share of {self.spoken} is outside 0 to 1.")
        for shape in self.shapes:
            if unknown := sorted(set(shape.names) - set(EXPRESSION_NAMES)):
                raise ValueError(f"{unknown[0]!r} is none of ARKit's shapes.")


def save_job(job: CharacterJob, path: Path) -> None:
    """Raises Problem when the disk refuses."""
    write_text(path, json.dumps({"format": FORMAT, "version": VERSION, **asdict(job)}, indent=1))


def load_job(path: Path) -> CharacterJob:
    """Raises Problem for a file that is missing or makes no sense."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data.pop("format") != FORMAT or data.pop("version") != VERSION:
            raise ValueError(f'it does not say "format": "{FORMAT}", "version": {VERSION}')
        if unknown := sorted(set(data) - {f.name for f in fields(CharacterJob)}):
            raise ValueError(f"there is no field {unknown[0]!r}")
        data["shapes"] = [Shape(**shape) for shape in data["shapes"]]
        data["takes"] = [SpokenTake(**take) for take in data.get("takes", [])]
        return CharacterJob(**data)
    except OSError as error:
        raise Problem(f"{path} could not be read ({error.strerror}).", "Choose a job file that exists.") from None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise Problem(f"{path} is no job for a character ({error}).", "See docs/formats.md.") from None

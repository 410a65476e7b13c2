# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a capture, finished or not, become one character that the engine reads."""

import json
import wave

import numpy as np
import pytest
from PIL import Image

from assets.actor.parts import PARTS, join
from engine.capture.character import read_character
from engine.errors import FormatError, InputError
from engine.protocol import EXPRESSION_NAMES

SIDE = 16


def part(folder, frames, drawn, *, spoken=0, finished=True, fingerprint="a"):
    """A work folder of which the pictures of the frames `drawn` are there; `spoken` frames of sound."""
    for kind, mode in (("frames", "RGBA"), ("masks", "L"), ("audio", None)):
        (folder / kind).mkdir(parents=True)
        if mode:
            for frame in drawn:
                Image.new(mode, (SIDE, SIDE), frame if mode == "L" else (frame, 0, 0, 255)).save(
                    folder / kind / f"000_{frame:07d}.png")
    plan = {
        "format": "emosplat-character", "version": 1, "identity": "Ada", "fps": "25", "width": SIDE, "height": SIDE,
        "seed": 0, "source": "ada.blend", "engine": "CYCLES", "samples": 1, "fingerprint": fingerprint,
        "expression_names": list(EXPRESSION_NAMES), "warnings": ["It has no ears."], "frames": frames,
        "viewmats": [np.eye(4).ravel().tolist()] * len(frames), "Ks": [[9, 0, 8, 0, 9, 8, 0, 0, 1]] * len(frames),
        "expression": [[frame / 100] * 52 for frame in frames], "labels": [], "sound": [],
    }
    if spoken:
        with wave.open(str(folder / "audio" / "000.wav"), "wb") as sound:
            sound.setparams((1, 2, 16000, 0, "NONE", ""))
            sound.writeframes(bytes(2 * 640 * spoken))
        plan["sound"] = [{"file": "000.wav", "frame": 0}]
        plan["labels"] = [{"start": 0.0, "end": spoken / 25, "emotion": "happy", "intensity": 1.0}]
    (folder / ("character.json" if finished else "plan.json")).write_text(json.dumps(plan))
    return folder


def test_what_is_rendered_of_each_part_is_one_character(tmp_path):
    folders = [part(tmp_path / "a", [0, 1, 2, 3], [0, 2], finished=False), tmp_path / "not begun",
               part(tmp_path / "b", [0, 4], [0, 4], spoken=8), part(tmp_path / "c", [1], [1], spoken=3)]
    out = tmp_path / "joined"
    assert join(folders, out) == 5
    character, _ = read_character(out)
    assert character.rest["frames"].tolist() == [0, 2, 4, 8, 13]
    np.testing.assert_allclose(character.rest["expression"][:, 0], [0.0, 0.02, 0.0, 0.04, 0.01])
    assert [frame for _, frame in character.sounds] == [4, 12] and all(path.exists() for path, _ in character.sounds)
    assert [label.start for label in character.labels] == pytest.approx([4 / 25, 12 / 25])
    with Image.open(out / "frames" / "000_0000008.png") as picture:
        assert picture.getpixel((0, 0))[0] == 4
    assert character.warnings == ["It has no ears."]


def test_joining_again_takes_what_came_since(tmp_path):
    folder = part(tmp_path / "a", [0, 1], [0], finished=False)
    assert join([folder], tmp_path / "joined") == 1
    for kind in ("frames", "masks"):
        (folder / kind / "000_0000001.png").write_bytes((folder / kind / "000_0000000.png").read_bytes())
    assert join([folder], tmp_path / "joined") == 2


def test_two_actors_are_not_mixed(tmp_path):
    folders = [part(tmp_path / "a", [0], [0]), part(tmp_path / "b", [0], [0], fingerprint="b")]
    with pytest.raises(FormatError, match="fingerprint"):
        join(folders, tmp_path / "joined")


def test_nothing_rendered_is_said_so(tmp_path):
    with pytest.raises(InputError, match="No picture"):
        join([part(tmp_path / "a", [0], [], finished=False)], tmp_path / "joined")


def test_the_held_out_line_is_heard_nowhere_else():
    assert sum(part.share for part in PARTS) == pytest.approx(1.0)
    *before, last = PARTS
    said = {name for earlier in before for name, _ in earlier.lines}
    assert not said & {name for name, _ in last.lines} and last.share == pytest.approx(0.1)

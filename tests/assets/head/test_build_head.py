# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe of the bundled head: a capture is fitted once, and shipped with its licence."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from assets.head.build_head import LARGEST, ship
from engine.errors import InputError
from engine.head.library import list_heads, open_head
from engine.head.puppet import build_puppet
from engine.head.storage import load_head, save_head

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "engine" / "fit"))


@pytest.fixture
def licence(tmp_path):
    path = tmp_path / "LICENSE"
    path.write_text("MIT License of a face model")
    return path


def test_a_capture_becomes_the_bundled_head_once(licence, tmp_path, monkeypatch):
    from puppet_capture import make_capture

    command = [sys.executable, ROOT / "assets" / "head" / "build_head.py", "--work", tmp_path / "work",
               "--capture", make_capture(tmp_path / "capture"), "--faces", tmp_path / "faces.npz",
               "--steps", "20", "--size", "64", "--threads", "1", "--out", tmp_path / "data"]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr[-2000:]
    assert "psnr" in made.stdout
    monkeypatch.setattr("engine.head.library.DATA", tmp_path / "data")
    assert list_heads()[0].title == "Actor" and open_head("demo").name == "demo"
    fitted = (tmp_path / "work" / "demo.emohead").stat().st_mtime_ns
    (tmp_path / "data" / "demo.emohead").unlink()
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr[-2000:]
    assert (tmp_path / "work" / "demo.emohead").stat().st_mtime_ns == fitted
    assert (tmp_path / "data" / "demo.emohead").exists()


def test_it_ships_with_the_face_models_licence(licence, tmp_path):
    puppet = build_puppet()
    puppet = replace(puppet, meta=puppet.meta | {"fit": {"steps": 3, "voice": "was learned"}})
    save_head(puppet, tmp_path / "fitted.emohead")
    head = load_head(ship(tmp_path / "fitted.emohead", licence, tmp_path / "data"))
    assert head.person is None and head.meta["fit"] == {"steps": 3}
    assert head.meta["licence"].endswith("MIT License of a face model")
    assert (tmp_path / "data" / "demo_licence.txt").read_text() == head.meta["licence"]


@pytest.mark.parametrize("what", ["licence", "size"])
def test_nothing_ships_without_a_licence_or_too_large(licence, tmp_path, monkeypatch, what):
    save_head(build_puppet(), tmp_path / "fitted.emohead")
    if what == "licence":
        licence.unlink()
    else:
        monkeypatch.setattr("assets.head.build_head.LARGEST", LARGEST // 10_000)
    with pytest.raises(InputError, match="LICENSE" if what == "licence" else "MB"):
        ship(tmp_path / "fitted.emohead", licence, tmp_path / "data")
    assert not (tmp_path / "data").exists()

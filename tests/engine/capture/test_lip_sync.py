# SPDX-License-Identifier: GPL-3.0-or-later
"""Lips that follow real speech, early or late, are found so; lips that do something else are not."""

from pathlib import Path

import numpy as np
import pytest

from engine.audio.read import read_mono
from engine.capture.lip_sync import heard_mouth, lip_offset
from engine.prior.features import FRAMES_PER_SECOND
from engine.report import Report

SPEECH = Path(__file__).resolve().parents[3] / "engine/data/sample_speech.flac"


@pytest.fixture(scope="module")
def heard() -> np.ndarray:
    return heard_mouth([read_mono(SPEECH)], Report())


def opening(heard: np.ndarray, late: float, fps: float, noise: float = 0.3, seed: int = 0) -> np.ndarray:
    """Lips whose sound comes `late` seconds after them, with as much of their own as a real face has."""
    times = np.arange(int(len(heard) / FRAMES_PER_SECOND * fps)) / fps
    lips = np.interp(times + late, np.arange(len(heard)) / FRAMES_PER_SECOND, heard)
    rng = np.random.default_rng(seed)
    own = np.convolve(rng.normal(0, 1, len(times) + 4), np.ones(5) / 5**0.5, "valid")
    return lips + noise * lips.std() * own + 0.5 * np.sin(times / 3)


@pytest.mark.parametrize("late", [-0.24, -0.08, 0.0, 0.11, 0.24])
@pytest.mark.parametrize("fps", [24000 / 1001, 30.0])
def test_an_offset_is_found_to_a_hundredth(heard, late, fps):
    lips = opening(heard, late, fps)
    assert lip_offset(lips, np.ones(len(lips), bool), fps, heard) == pytest.approx(late, abs=0.01)


def test_frames_without_a_face_do_not_matter(heard):
    lips = opening(heard, 0.1, 25.0)
    seen = np.random.default_rng(1).random(len(lips)) > 0.3
    assert lip_offset(np.where(seen, lips, 99.0), seen, 25.0, heard) == pytest.approx(0.1, abs=0.01)


def test_what_does_not_belong_together_gives_none(heard):
    lips = opening(heard, 0.0, 25.0)
    seen = np.ones(len(lips), bool)
    for shift in (1, 2, 3):
        assert lip_offset(lips, seen, 25.0, np.roll(heard, FRAMES_PER_SECOND * shift)) is None
    assert lip_offset(np.zeros(len(lips)), seen, 25.0, heard) is None
    assert lip_offset(lips, np.arange(len(lips)) < 50, 25.0, heard) is None
    assert lip_offset(lips, seen, 25.0, np.zeros(0)) is None
    assert np.ptp(heard_mouth([np.zeros(1600)], Report())) < 0.05

# SPDX-License-Identifier: GPL-3.0-or-later
"""The check of a head's films: what is measured is what moved, and what is torn is noticed."""

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from assets.actor.landmarks import BROWS_INNER, EYE_CORNERS, MOUTH_CORNERS
from assets.head import limits, seen
from assets.head.check_film import Table
from assets.head.films import Line, portrait, take_of
from assets.head.frozen import frozen_psnr
from assets.head.long_take import long_take
from engine.deform.deformation import Deformation
from engine.deform.drive import Drive
from engine.deform.settings import DeformationSettings
from engine.head.head import Head
from engine.head.library import open_head
from engine.protocol import EXPRESSION_NAMES
from engine.take.take import Take
from tests.fitted_puppet import fitted_puppet

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def face() -> np.ndarray:
    """(478, 2) pixels: eyes 80 apart, lips that are closed 80 below them and 50 wide."""
    points = np.random.default_rng(0).uniform(-100, 100, (478, 2))
    for middle, corners in zip((-40.0, 40.0), EYE_CORNERS):
        points[list(corners)] = [[middle - 15, 0], [middle + 15, 0]]
    points[list(MOUTH_CORNERS)] = [[-25, 80], [25, 80]]
    points[[13, 14]] = [[0, 80], [0, 80]]
    points[[10, 152, 234, 454]] = [[0, -80], [0, 130], [-90, 20], [90, 20]]
    return points + 300


def swayed(points: np.ndarray, degrees: float, scale: float, shift: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return scale * points @ np.array([[c, s], [-s, c]]) + shift


def test_a_head_that_sways_measures_the_same(face):
    film = [swayed(face, degrees, scale, shift) for degrees, scale, shift in ((9, 1.1, 20), (-14, 0.8, -3), (0, 1, 0))]
    for signs in seen.SIGNS.values():
        for _, measure, _ in (choice for choices in signs for choice in choices):
            assert abs(seen.change(measure, film, [face] * 3)) < 1e-9


def test_a_change_is_in_distances_between_the_eyes(face):
    moved = face.copy()
    moved[list(MOUTH_CORNERS)] += [[-2, -4], [2, -4]]
    moved[list(BROWS_INNER), 1] += 8
    film, neutral = [swayed(moved, 20, 1.3, 9), None, moved], [face, face, None]
    assert seen.change(seen.mouth_width, film, neutral) == pytest.approx(4 / 80)
    assert seen.change(seen.CORNERS, film, neutral) == pytest.approx(4 / 80)
    assert seen.change(seen.INNER, film, neutral) == pytest.approx(-8 / 80)
    assert np.isnan(seen.change(seen.INNER, [None], [face]))


def speaking(face: np.ndarray, gaps: np.ndarray) -> list[np.ndarray]:
    film = []
    for gap in gaps:
        film.append(face.copy())
        film[-1][14, 1] += gap
    return film


def test_lips_that_stay_open_do_not_meet(face):
    gaps = np.full(50, 20.0)
    gaps[20:23] = 1.0
    phones = [("m", 0.8, 0.9), ("p", 1.6, 1.7), ("aa", 0.0, 0.8)]
    assert seen.lips_meet(speaking(face, gaps), phones, 25.0) == [True, False]
    assert seen.lips_meet([None] * 50, phones, 25.0) == [False, False]


def test_lips_follow_the_jaw_that_the_take_opens(face):
    jaw = 0.5 + 0.5 * np.sin(np.arange(40) / 3.0)
    expression = np.zeros((40, len(EXPRESSION_NAMES)), np.float32)
    expression[:, EXPRESSION_NAMES.index("jawOpen")] = jaw
    still = np.zeros((40, 6), np.float32)
    take = Take(Fraction(25), expression, np.zeros((40, 8), np.float32), still[:, :2], still)
    film = speaking(face, 30 * jaw)
    film[7] = None
    assert seen.lips_follow(film, take) > 0.999
    assert seen.lips_follow(speaking(face, 30 * jaw[::-1].copy()), take) < 0.9
    assert not seen.lips_follow(speaking(face, np.zeros(40)), take)


def test_a_bound_below_nought_asks_for_less():
    table = Table()
    table.add("sad", "corners down", -0.010, -0.008)
    assert table.good
    table.add("sad", "corners down", 0.010, -0.008)
    assert [row["good"] for row in table.rows] == [True, False] and not table.good
    table = Table()
    table.add("happy", "mouth wider", float("nan"), 0.03)
    table.at_most("limits", "moved", float("inf"), 1.5)
    assert [row["good"] for row in table.rows] == [False, False]


def test_the_camera_goes_round_the_head():
    front, side = portrait(64).at(0).viewmat, portrait(64, 40.0).at(0).viewmat
    eye = -side[:3, :3].T @ side[:3, 3]
    assert eye[0] > 0.5 and eye[1] < -0.5 and np.linalg.norm(eye) == pytest.approx(np.linalg.norm(front[:3, 3]), 1e-4)


def test_points_lose_what_changes_colour(shared):
    head = fitted_puppet()
    take = take_of(Line("anger", shared / "data" / "speech" / "Claire_anger.wav"), {}, 0)
    assert frozen_psnr(head, take, 64, 1)["all"] > 80
    head = fitted_puppet()
    head.mover.basis.data[:, 10:13, 0] = 1.0
    lost = frozen_psnr(head, take, 64, 1)
    assert lost["all"] < 50 and abs(lost["all"] - lost["sh"]) < 0.5 and lost["opacities"] > 80


def small_head(reach: float) -> Head:
    """A shell of splats that jawOpen moves: its lower half by `reach` metres for each unit, as far as is asked."""
    rest = replace_size(open_head("puppet").gaussians)
    module = Deformation(DeformationSettings(rank=1, width=1), len(rest))
    jaw = EXPRESSION_NAMES.index("jawOpen")
    with torch.no_grad():
        for parameter in module.code_network.parameters():
            parameter.zero_()
        module.code_network.linear.weight[0, jaw] = 1.0
        module.basis[:, 2, 0] = torch.where(rest.means[:, 2] < -0.05, reach / module.units[2], 0.0)
    return Head("small", rest, module)


def replace_size(gaussians):
    keep = torch.arange(0, len(gaussians), 8)
    return replace(gaussians, **{name: value[keep] for name, value in vars(gaussians).items() if value is not None})


def test_a_head_that_nothing_holds_is_noticed_and_one_that_remembers_is_not():
    frames = limits.extreme_frames(0)
    loose = small_head(-0.01)
    usual = limits.reach(loose, limits.ordinary_frames(), 1).worst()
    assert usual["moved"] == pytest.approx(10, rel=0.05)
    assert limits.reach(loose, frames, 1).worst()["moved"] > 4 * usual["moved"]

    held = small_head(-0.01)
    drive = Drive(torch.eye(52), torch.zeros(52, 2), torch.arange(52))
    held.mover.inputs.see(drive)
    held.mover.code_network.linear.weight.data[0] *= held.mover.inputs.face.scale
    held.mover.remember(drive)
    usual = limits.reach(held, limits.ordinary_frames(), 1).worst()
    beyond = limits.reach(held, frames, 1).worst()
    assert 5 < usual["moved"] < 15 and beyond["moved"] <= 1.5 * usual["moved"]
    assert beyond["apart"] <= 1.5 * usual["apart"]


def test_places_that_are_no_numbers_are_infinitely_far():
    head = small_head(float("nan"))
    assert np.isinf(limits.reach(head, limits.ordinary_frames()[:1], 1).worst()["moved"])


def test_the_command_writes_what_it_prints(shared, tmp_path):
    command = [sys.executable, ROOT / "assets" / "head" / "check_film.py", "puppet", "--speech", shared / "data/speech",
               "--emodb", shared / "data/emodb", "--parts", "limits", "--threads", "1", "--json", tmp_path / "a.json"]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    told = json.loads((tmp_path / "a.json").read_text())
    assert done.returncode == (0 if told["good"] else 1), done.stderr[-2000:]
    assert len(told["rows"]) == 6 and all(row["what"] in done.stdout for row in told["rows"])


def test_a_long_take_is_as_sane_at_its_end(shared, monkeypatch):
    monkeypatch.setattr("assets.head.long_take.watch", lambda film: [picture.std() > 5 or None for picture in film])
    monkeypatch.setattr("assets.head.long_take.MANY", 40)
    line = Line("anger", shared / "data" / "speech" / "Claire_anger.wav")
    told = long_take(open_head("puppet"), line, 130.0, 64, 0, 1)
    assert told["frames"] == 130 * 25 and told["same_twice"] == 1.0
    assert told["faces_start"] == told["faces_end"] == 1.0
    assert abs(told["mouth_ratio"] - 1) < 0.1 and told["megabytes_drawn"] < 20

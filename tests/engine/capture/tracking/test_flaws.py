# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that are no good are named, and the others are not."""

import numpy as np
import pytest
from synthetic_face import SIZE, synthetic_face

from engine.capture.tracking.cameras import refine
from engine.capture.tracking.flaws import REASONS, find_cuts, find_flaws, sharpness, thumbnail
from engine.capture.tracking.landmarks import FaceTracks
from engine.capture.tracking.poses import exp_so3
from engine.capture.tracking.rigid_face import RIGID_LANDMARKS


def tracks_of(face, found=None) -> FaceTracks:
    frames = len(face.landmarks)
    landmarks = np.concatenate([face.landmarks, np.zeros((frames, 478, 1))], -1).astype(np.float32)
    others = np.setdiff1d(np.arange(478), RIGID_LANDMARKS)
    landmarks[:, others] = landmarks[:, RIGID_LANDMARKS].mean(1, keepdims=True)
    found = np.ones(frames, bool) if found is None else found
    identity = np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1))
    nobody = np.zeros((frames, 4), np.float32)
    scores = np.zeros((frames, 52), np.float32)
    return FaceTracks(landmarks, scores, identity, found, found.astype(np.int32), nobody, SIZE)


def judged(tracks, sharpnesses=None, hidden=None):
    return find_flaws(tracks, refine(tracks.landmarks[..., :2], SIZE, found=tracks.found), sharpnesses, hidden)


def test_a_good_clip_has_no_flaws():
    flaws = judged(tracks_of(synthetic_face(focal=900.0, frames=80)), np.ones(80))
    assert flaws.usable.all() and not any(flaws.counts().values()) and not flaws.first().any()


def test_each_flaw_is_found_where_it_is():
    found = np.ones(80, bool)
    found[:2] = False
    tracks = tracks_of(synthetic_face(focal=900.0, frames=80), found)
    tracks.faces[10:20] = 2
    tracks.others[10:13] = [SIZE[0] / 2, 0, SIZE[0], 200]
    tracks.others[13:20] = [-300, -300, -200, -200]  # far away: no portrait of the first shows it
    tracks.landmarks[30:33, 152, 1] = SIZE[1] + 5
    rng = np.random.default_rng(0)
    tracks.landmarks[50, RIGID_LANDMARKS, :2] += rng.normal(0, 9, (len(RIGID_LANDMARKS), 2)).astype(np.float32)
    sharpnesses = rng.uniform(0.9, 1.1, 80)
    sharpnesses[60:65] = 0.1
    hidden = np.isin(np.arange(80), [0, 70, 71])
    flaws = judged(tracks, sharpnesses, hidden)
    expected = {"missing": [0, 1], "others": [10, 11, 12], "cut_off": [30, 31, 32], "slipped": [50]}
    expected |= {"covered": [70, 71], "blurred": [60, 61, 62, 63, 64], "small": [], "profile": []}
    assert {name: np.flatnonzero(getattr(flaws, name)).tolist() for name in expected} == expected
    assert flaws.usable.sum() == 80 - 16
    assert flaws.first()[[0, 10, 13, 30]].tolist() == ["missing", "others", "", "cut_off"]
    assert set(REASONS) == set(expected)


def test_small_and_turned_faces():
    face = synthetic_face(focal=900.0, frames=60)
    tracks = tracks_of(face)
    middle = np.array(SIZE) / 2
    tracks.landmarks[..., :2] = middle + 0.2 * (tracks.landmarks[..., :2] - middle)
    assert judged(tracks).small.all()

    turns = np.radians(np.linspace(-70, 70, 60))[:, None] * [0, 1, 0]
    rotations = exp_so3(turns) @ np.diag([1.0, -1.0, -1.0])
    camera = face.shape @ rotations.transpose(0, 2, 1) + np.array([0, 0, 60.0])
    face.landmarks[:, RIGID_LANDMARKS] = 900 * camera[..., :2] / camera[..., 2:] + middle
    profile = judged(tracks_of(face)).profile
    assert profile[:6].all() and profile[-6:].all() and not profile[15:45].any()


def test_cuts():
    rng = np.random.default_rng(0)
    scenes = [rng.integers(0, 255, (60, 81, 3)) for _ in range(3)]
    frames = [np.clip(scenes[k // 20] + rng.normal(0, 6, (60, 81, 3)), 0, 255).astype(np.uint8) for k in range(60)]
    smooth = [np.kron(frame[::12, ::9], np.ones((12, 9, 1), np.uint8)) for frame in frames]
    thumbnails = np.stack([thumbnail(frame) for frame in smooth])
    assert find_cuts(thumbnails).tolist() == [20, 40]
    assert find_cuts(thumbnails[:20]).tolist() == [] and find_cuts(thumbnails[:1]).tolist() == []


def test_sharpness_sees_blur_and_not_light_or_size():
    rng = np.random.default_rng(0)
    picture = np.kron(rng.integers(40, 200, (64, 64, 1)), np.ones((4, 4, 3))).astype(np.float64)
    corners = np.array([[10.0, 10.0], [246.0, 246.0]])
    blurred = picture
    for axis in (0, 1):
        blurred = sum(np.roll(blurred, k, axis) for k in range(-6, 7)) / 13
    sharp = sharpness(picture.astype(np.uint8), corners)
    assert sharpness(blurred.astype(np.uint8), corners) < 0.2 * sharp
    assert sharpness((picture * 0.5).astype(np.uint8), corners) == pytest.approx(sharp, rel=0.05)
    large = np.kron(picture, np.ones((2, 2, 1))).astype(np.uint8)
    assert sharpness(large, corners * 2) == pytest.approx(sharp, rel=0.05)
    assert sharpness(picture.astype(np.uint8), np.zeros((478, 2))) == 0

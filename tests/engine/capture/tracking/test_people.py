# SPDX-License-Identifier: GPL-3.0-or-later
"""Stretches of one face, and whose it is."""

import numpy as np
from synthetic_face import SIZE, synthetic_face

from engine.capture.tracking.landmarks import FaceTracks
from engine.capture.tracking.people import main_person, stretches
from engine.capture.tracking.rigid_face import RIGID_LANDMARKS

NO_CUTS = np.zeros(0, np.int64)


def tracks_of(*faces, found=None) -> FaceTracks:
    points = np.concatenate([face.landmarks for face in faces])
    frames = len(points)
    landmarks = np.concatenate([points, np.zeros((frames, 478, 1))], -1).astype(np.float32)
    landmarks[:, np.setdiff1d(np.arange(478), RIGID_LANDMARKS)] = landmarks[:, RIGID_LANDMARKS].mean(1, keepdims=True)
    found = np.ones(frames, bool) if found is None else found
    return FaceTracks(
        landmarks, np.zeros((frames, 52), np.float32), np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1)), found,
        found.astype(np.int32), np.zeros((frames, 4), np.float32), SIZE,
    )  # fmt: skip


def test_cuts_jumps_and_absences_part_stretches():
    found = np.ones(120, bool)
    found[40:43] = False  # a blink of the tracker
    found[80:110] = False
    tracks = tracks_of(synthetic_face(frames=120), found=found)
    parts = stretches(tracks, np.array([20]), 25.0)
    assert [(part[0], part[-1], len(part)) for part in parts] == [(0, 19, 20), (20, 79, 57), (110, 119, 10)]
    tracks.landmarks[60:, :, 0] += 300
    assert [part[0] for part in stretches(tracks, NO_CUTS, 25.0)] == [0, 60, 110]
    assert stretches(tracks_of(synthetic_face(frames=3), found=np.zeros(3, bool)), NO_CUTS, 25.0) == []


def test_the_person_with_the_most_frames_is_kept_in_all_their_stretches():
    ada = synthetic_face(frames=150, seed=1, noise=0.3)
    bob = synthetic_face(frames=70, seed=2, noise=0.3)
    tracks = tracks_of(ada, bob, ada, bob)
    cuts = np.array([50, 150, 220, 300, 370])
    parts = stretches(tracks, cuts, 25.0)
    kept = np.zeros(len(tracks), bool)
    for part, ours in zip(parts, main_person(tracks, parts)):
        kept[part] = ours
    assert kept[:150].all() and not kept[150:220].any() and kept[220:370].all() and not kept[370:].any()

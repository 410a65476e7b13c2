# SPDX-License-Identifier: GPL-3.0-or-later
"""Lens, rigid face and poses of faces whose cameras are known."""

import numpy as np
import pytest
from synthetic_face import SIZE, synthetic_face

from engine.capture.tracking.cameras import EYE_CORNERS, INTERPUPILLARY_METRES, refine
from engine.capture.tracking.rigid_face import CANONICAL_ORIGIN, CANONICAL_TO_HEAD, RIGID_LANDMARKS
from engine.errors import Cancelled, InputError
from engine.report import Report


def projected(solve) -> np.ndarray:
    """(T, P, 2) pixels of the solved rigid points through the solved cameras."""
    camera = solve.rigid_points @ solve.viewmats[:, :3, :3].transpose(0, 2, 1) + solve.viewmats[:, None, :3, 3]
    pixels = camera @ solve.K.T
    return pixels[..., :2] / pixels[..., 2:]


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(T,) angles between rotations, one constant turn of the head's frame taken off."""
    relative = a.transpose(0, 2, 1) @ b
    u, _, vt = np.linalg.svd(relative.mean(0))
    off = relative @ (u @ vt).T
    return np.degrees(np.arccos(np.clip((np.trace(off, axis1=1, axis2=2) - 1) / 2, -1, 1)))


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).sum(-1).mean()))


@pytest.mark.parametrize("focal", [600.0, 1100.0, 2400.0])
def test_recovers_lens_poses_and_shape(focal):
    face = synthetic_face(focal=focal, turn=0.3)
    solve = refine(face.landmarks, SIZE, 25.0)
    assert abs(solve.K[0, 0] / focal - 1) < 0.1
    assert (solve.K[:2, 2] == np.array(SIZE) / 2).all()
    angles = degrees_between(face.rotations @ CANONICAL_TO_HEAD.T, solve.viewmats[:, :3, :3])
    assert angles.mean() < 0.4
    assert rms(projected(solve) - face.clean) < 0.3  # below the landmarks' noise of 0.5 px per axis
    true = (face.shape - face.shape.mean(0)) @ CANONICAL_TO_HEAD.T
    found = (solve.rigid_points - solve.rigid_points.mean(0)) * np.linalg.norm(true) / np.linalg.norm(
        solve.rigid_points - solve.rigid_points.mean(0)
    )
    u, _, vt = np.linalg.svd(found.T @ true)
    assert rms(found @ (u @ vt) - true) < 0.25  # centimetres


def test_head_frame():
    """Metres, face towards -y, z up, x to the head's left, scaled to the mean distance between eyes."""
    solve = refine(synthetic_face().landmarks, SIZE)
    at = {landmark: k for k, landmark in enumerate(RIGID_LANDMARKS)}
    right, left = (solve.rigid_points[[at[a], at[b]]].mean(0) for a, b in EYE_CORNERS)
    assert np.linalg.norm(left - right) == pytest.approx(INTERPUPILLARY_METRES, rel=1e-5)
    assert left[0] > 0.025 > -0.025 > right[0]
    assert -0.1 < left[1] < -0.05 and 0.0 < left[2] < 0.04
    nose, forehead = solve.rigid_points[at[4]], solve.rigid_points[at[151]]
    assert nose[1] < left[1] and forehead[2] > left[2] > nose[2]
    assert 0.3 < solve.viewmats[:, 2, 3].mean() < 0.9
    assert np.allclose(np.linalg.det(solve.viewmats[:, :3, :3]), 1, atol=1e-5)


def test_reports_the_residual_that_is_there():
    face = synthetic_face(noise=0.8)
    solve = refine(face.landmarks, SIZE)
    misses = projected(solve) - face.landmarks[:, RIGID_LANDMARKS]
    assert solve.residual_px == pytest.approx(rms(misses), rel=1e-3)
    width = np.linalg.norm(face.landmarks[:, 234] - face.landmarks[:, 454], axis=-1).mean()
    assert solve.reprojection_error_relative == pytest.approx(solve.residual_px / width, rel=0.1)
    assert solve.residuals.shape == (200,)


def test_smooths_without_lag():
    """Against the same solve with every frame for itself: steadier, nearer to the truth, and not behind the head."""
    face = synthetic_face(frames=300, noise=1.5)
    smooth, alone = refine(face.landmarks, SIZE), refine(face.landmarks, SIZE, cuts=np.arange(300))
    depth = face.translations[:, 2] + face.rotations[:, 2] @ CANONICAL_ORIGIN
    off, off_alone = (solve.viewmats[:, 2, 3] * (depth.mean() / solve.viewmats[:, 2, 3].mean()) - depth
                      for solve in (smooth, alone))
    assert off.std() < 0.8 * off_alone.std()
    assert np.diff(off, 2).std() < 0.3 * np.diff(off_alone, 2).std()
    track, true = projected(smooth).mean(1), face.clean.mean(1)
    early, late = (rms((track - np.roll(true, k, 0))[5:-5]) for k in (-1, 1))
    assert early == pytest.approx(late, rel=0.1)
    backwards = refine(face.landmarks[::-1], SIZE)
    assert rms(projected(backwards)[::-1] - projected(smooth)) < 0.05


def test_bad_landmarks_are_outvoted():
    face = synthetic_face()
    spoiled = face.landmarks.copy()
    spoiled[:, RIGID_LANDMARKS[:8]] += np.random.default_rng(2).normal(0, 12, (200, 8, 2))
    assert rms(projected(refine(spoiled, SIZE))[:, 8:] - face.clean[:, 8:]) < 0.5


def test_gap_is_bridged_and_cut_is_not():
    face = synthetic_face(frames=120)
    found = np.ones(120, bool)
    found[40:46] = found[:3] = found[-2:] = False
    landmarks = np.where(found[:, None, None], face.landmarks, 0.0)
    landmarks[80:] += [60.0, -30.0]
    solve = refine(landmarks, SIZE, found=found, cuts=np.array([80]))
    assert np.isfinite(solve.viewmats).all()
    assert (solve.residuals[~found] == 0).all()
    misses = projected(solve) - face.clean
    assert rms(misses[40:46]) < 8
    assert rms(misses[78:80]) < 1 and rms(misses[80:82] - [60, -30]) < 1


def test_few_frames():
    for frames in (1, 2, 3):
        solve = refine(synthetic_face(frames=frames).landmarks, SIZE)
        assert solve.viewmats.shape == (frames, 4, 4) and solve.residual_px < 2


def test_no_face_and_cancel():
    landmarks = synthetic_face(frames=20).landmarks
    with pytest.raises(InputError, match="None of 20 frames"):
        refine(landmarks, SIZE, found=np.zeros(20, bool))
    report = Report()
    report.cancel_event.set()
    with pytest.raises(Cancelled):
        refine(landmarks, SIZE, report=report)

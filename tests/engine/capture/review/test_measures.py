# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report measures of directions, shapes, light, masks and sound follows what was put there."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from engine.capture.capture import Capture, EmotionLabel
from engine.capture.review.coverage import measure_coverage
from engine.capture.review.looks import FACE, HAIR, MOUTH, changed_head, look_at, mask_jumps
from engine.capture.review.pictures import choose
from engine.capture.review.sound import MOST_SECONDS, measure_sound
from engine.protocol import EXPRESSION_NAMES
from engine.report import Report
from drawn_head import SIDE, landmarks, paint, regions

SPEECH = Path(__file__).parents[5] / "shared/data/speech/Claire_neutral.wav"
ROWS = 200
RATE = 16000
# Where the landmarks that matter lie on a head, metres; the others lie at its origin.
CORNERS, LIDS = {61: -0.025, 291: 0.025}, {159: -0.031, 386: 0.031}


def look_from(yaw: float, pitch: float) -> np.ndarray:
    """(4, 4) of a camera 0.8 m from the head, at degrees as the head sees it."""
    yaw, pitch = np.radians([yaw, pitch])
    out = np.array([np.sin(yaw) * np.cos(pitch), -np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.cross(-out, [0, 0, 1])
    right /= np.linalg.norm(right)
    viewmat = np.eye(4, dtype=np.float32)
    viewmat[:3, :3] = [right, np.cross(-out, right), -out]
    viewmat[:3, 3] = [0, 0, 0.8]
    return viewmat


def head_of(frown: np.ndarray, wide: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(ROWS, 478, 3) metres: corners that fall by `frown`, lids that rise by `wide`, and a little noise."""
    points = np.zeros((ROWS, 478, 3))
    points[:, [6, 197, 195]] = [0, -0.11, 0.0]
    for eye, x in (((33, 133), -0.031), ((263, 362), 0.031)):
        points[:, eye[0]], points[:, eye[1]] = [1.5 * x, -0.08, 0.03], [0.5 * x, -0.08, 0.03]
    for landmark, x in CORNERS.items():
        points[:, landmark] = [x, -0.085, -0.06]
        points[:, landmark, 2] -= frown
    for landmark, x in LIDS.items():
        points[:, landmark] = [x, -0.085, 0.035]
        points[:, landmark, 2] += wide
    return points + rng.normal(0, 2e-4, points.shape)


def capture_of(frown: float = 0.0, wide: float = 0.0, tracked: bool = True, **changes) -> Capture:
    """A head that nods and turns; in the last tenth it frowns and widens its eyes by so many metres."""
    rng = np.random.default_rng(0)
    late = np.arange(ROWS) >= 0.9 * ROWS
    time = np.arange(ROWS) / 10
    viewmats = np.stack([look_from(15 * np.sin(t), 10 * np.cos(1.7 * t)) for t in time])
    points = head_of(frown * late, wide * late, rng)
    camera = np.einsum("rij,rpj->rpi", viewmats[:, :3, :3], points) + viewmats[:, None, :3, 3]
    pixels = 1000 * camera[..., :2] / camera[..., 2:] + 256
    K = np.array([[1000, 0, 256], [0, 1000, 256], [0, 0, 1]], np.float32)
    values = {
        "identity": "Ada", "fps": Fraction(25), "width": 512, "height": 512,
        "frames": np.arange(ROWS, dtype=np.int32), "cameras": np.zeros(ROWS, np.int32), "viewmats": viewmats,
        "Ks": np.tile(K, (ROWS, 1, 1)), "expression": np.zeros((ROWS, 52), np.float32),
        "gaze": np.zeros((ROWS, 2), np.float32), "confidence": np.ones(ROWS, np.float32), "test": np.zeros(ROWS, bool),
        "landmarks": pixels.astype(np.float32) if tracked else None,
    }  # fmt: skip
    return Capture(**{**values, **changes})


def test_directions_are_the_cameras():
    front = np.stack([look_from(yaw, 5.0) for yaw in np.linspace(-20, 40, ROWS)])
    turned = measure_coverage(capture_of(viewmats=front)).turned()
    assert turned["left"] == pytest.approx(40, abs=2) and turned["right"] == pytest.approx(20, abs=2)
    assert turned["above"] == pytest.approx(5, abs=0.1) and turned["below"] == 0


def test_a_head_seen_from_its_right_is_shown_as_turned_left():
    viewmats = np.stack([look_from(yaw, 0.0) for yaw in np.linspace(-30, 0, ROWS)])
    album = choose(capture_of(viewmats=viewmats), np.zeros(0, int), np.zeros(0))
    assert {shot.caption: shot.row for shot in album.extremes} == {"Turned left · 30°": 0}


def test_a_flicker_of_a_few_pictures_is_not_seen():
    expression = np.zeros((ROWS, 52), np.float32)
    smile, jaw = EXPRESSION_NAMES.index("mouthSmileLeft"), EXPRESSION_NAMES.index("jawOpen")
    expression[:4, smile], expression[:5, jaw] = 1.0, 1.0
    coverage = measure_coverage(capture_of(expression=expression))
    assert coverage.reach_of("mouthSmileLeft") == 0 and coverage.reach_of("jawOpen") == 1


def test_of_a_few_pictures_each_counts():
    few = capture_of()
    rows = slice(0, 8)
    names = ("frames", "cameras", "viewmats", "Ks", "expression", "gaze", "confidence", "test", "landmarks")
    viewmats = np.stack([look_from(yaw, 0.0) for yaw in (0, 0, 0, 0, 0, 0, 0, 50)])
    values = {**{name: getattr(few, name)[rows] for name in names}, "viewmats": viewmats}
    assert measure_coverage(replace(few, **values)).turned()["left"] == pytest.approx(50, abs=0.1)


def test_rows_that_nothing_was_tracked_in_do_not_count():
    expression, confidence = np.zeros((ROWS, 52), np.float32), np.ones(ROWS, np.float32)
    expression[:50], confidence[:50] = 1.0, 0.0
    coverage = measure_coverage(capture_of(expression=expression, confidence=confidence))
    assert coverage.reach_of("jawOpen") == 0 and coverage.tracked == ROWS - 50


@pytest.mark.parametrize("frown, wide", [(0.0, 0.0), (0.0035, 0.0), (0.0, 0.003)])
def test_frowns_and_wide_eyes_are_judged_by_landmarks_whatever_the_pose(frown, wide):
    coverage = measure_coverage(capture_of(frown, wide))
    assert (coverage.reach_of("mouthFrownLeft", "mouthFrownRight") > 0.35) == (frown > 0)
    assert (coverage.reach_of("eyeWideLeft", "eyeWideRight") > 0.35) == (wide > 0)
    assert np.isnan(coverage.reach_of("cheekPuff", "noseSneerLeft", "tongueOut"))


def test_exact_weights_need_no_landmarks():
    expression = np.full((ROWS, 52), 0.7, np.float32)
    assert measure_coverage(capture_of(tracked=False, expression=expression)).reach == pytest.approx(0.7)


def test_labelled_seconds_end_with_the_pictures():
    labels = [EmotionLabel(0, 2, "happy"), EmotionLabel(3, 4, "happy"), EmotionLabel(7, 100, "sad")]
    assert measure_coverage(capture_of(labels=labels)).emotions == {"happy": 3.0, "sad": 1.0}


def test_a_blurred_face_is_less_sharp_and_a_darker_one_darker():
    mask, points = regions(96.0, 80.0), landmarks(96.0, 80.0)
    image = paint(mask, np.random.default_rng(0))
    soft = image.astype(float)
    for axis in (0, 1):
        soft = (soft + np.roll(soft, 1, axis) + np.roll(soft, -1, axis)) / 3
    usual = look_at(image, mask, points)
    assert look_at(soft.astype(np.uint8), mask, points).sharpness < 0.5 * usual.sharpness
    assert look_at(image // 2, mask, points).light == pytest.approx(usual.light / 2, abs=0.01)
    assert look_at(image, mask, None).face_px == pytest.approx(usual.face_px, rel=0.3)
    nothing = look_at(image, np.zeros((SIDE, SIDE), np.uint8), None)
    assert nothing.face_px == 0 and nothing.head_share == 0 and np.isnan(nothing.light).all()


def test_only_what_jumps_in_a_mask_counts_as_changed():
    before = regions(96.0, 80.0)
    assert not changed_head(before, regions(101.0, 77.0), np.array([5, -3])).any()  # the head moved
    talking = before.copy()
    talking[before == MOUTH] = FACE
    talking[110:130, 90:100] = MOUTH
    assert not changed_head(before, talking, np.zeros(2, int))[110:125, 92:98].any()
    bald = before.copy()
    bald[before == HAIR] = 0
    assert (changed_head(before, bald, np.zeros(2, int)) == (before == HAIR)).all()


def test_masks_seen_from_other_places_do_not_jump(tmp_path):
    """A rendered character's pictures each have a camera of their own; a few look the same way by chance."""
    turns = np.random.default_rng(0).uniform(-1.0, 1.0, 40)
    turns[7] = turns[6]
    viewmats = np.tile(np.eye(4, dtype=np.float32), (40, 1, 1))
    viewmats[:, 0, 0] = viewmats[:, 2, 2] = np.cos(turns)
    viewmats[:, 0, 2], viewmats[:, 2, 0] = np.sin(turns), -np.sin(turns)
    viewmats[:, 2, 3] = 1.0
    rows = np.arange(40, dtype=np.int32)
    capture = SimpleNamespace(
        frames=rows, cameras=np.zeros(40, np.int32), viewmats=viewmats, width=64, height=64,
        Ks=np.tile(np.diag([90.0, 90.0, 1.0]), (40, 1, 1)),
    )
    later, jumps = mask_jumps(tmp_path, capture, Report())
    assert len(later) == len(jumps) == 0


def levels_of(tmp_path, samples: np.ndarray):
    soundfile.write(tmp_path / "a.flac", samples, RATE)
    return measure_sound(tmp_path / "a.flac", Report())


def test_silence_and_steady_noise_are_no_speech(tmp_path):
    rng = np.random.default_rng(0)
    for samples in (np.zeros(5 * RATE), rng.normal(0, 0.02, 5 * RATE), rng.normal(0, 1e-4, 5 * RATE)):
        assert levels_of(tmp_path, samples).speech_share == 0


def test_noise_and_clipping_are_measured(tmp_path):
    rng = np.random.default_rng(0)
    words = np.repeat(np.arange(20) % 2, RATE // 4) * 0.1
    tone = words * np.sin(np.arange(5 * RATE) * 0.1)
    clean, noisy = (levels_of(tmp_path, tone + rng.normal(0, level, len(tone))) for level in (1e-3, 1e-2))
    assert noisy.noise - clean.noise == pytest.approx(20, abs=1) and clean.clipped == noisy.clipped == 0
    assert clean.speech_share == pytest.approx(0.5, abs=0.1)
    assert levels_of(tmp_path, np.clip(30 * tone, -1, 1)).clipped == pytest.approx(0.5, abs=0.1)


@pytest.mark.skipif(not SPEECH.is_file(), reason="needs the sample speech of ../shared")
def test_real_speech_is_heard(tmp_path):
    sound = measure_sound(SPEECH, Report())
    assert 0.6 < sound.speech_share < 0.95 and sound.speech_level - sound.noise > 20 and sound.clipped == 0


def test_long_sound_is_listened_to_in_samples(tmp_path):
    rate = 8000
    second = np.sin(np.arange(rate) * 0.3).astype(np.float32) * 0.2
    with soundfile.SoundFile(tmp_path / "a.flac", "w", rate, 1) as file:
        for k in range(2 * MOST_SECONDS):
            file.write(second * (k < MOST_SECONDS))
    sound = measure_sound(tmp_path / "a.flac", Report())
    assert sound.seconds == 2 * MOST_SECONDS and len(sound.levels) == 10 * MOST_SECONDS
    assert sound.speech_share == pytest.approx(0.5, abs=0.01)


def test_what_is_no_sound_is_none(tmp_path):
    (tmp_path / "a.flac").write_bytes(b"none")
    assert measure_sound(tmp_path / "a.flac", Report()) is None
    assert measure_sound(tmp_path / "b.flac", Report()) is None

# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of one moment share what the most frontal of them shows of the face."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from written_sets import rotation

from engine.capture.datasets.data_set import DataSet, SetPicture, World
from engine.capture.datasets.faces import Faces, expressions
from engine.capture.tracking.rigid_face import CANONICAL_ORIGIN, CANONICAL_TO_HEAD, RIGID_LANDMARKS, rigid_canonical

TIMES = 5
RIGID = 0.01 * (rigid_canonical() - CANONICAL_ORIGIN) @ CANONICAL_TO_HEAD.T
K = np.array([[800.0, 0, 256], [0, 800.0, 256], [0, 0, 1]])
FRONT, SIDE = 1, 0  # camera 1 looks at the face from before it, camera 0 from its left


def face_at(time: int) -> np.ndarray:
    """(478, 3) metres: a face whose other points rise a millimetre per frame."""
    rng = np.random.default_rng(0)
    points = rng.uniform([-0.05, -0.11, -0.06], [0.05, -0.08, 0.04], (478, 3)) + [0, 0, 0.001 * time]
    points[RIGID_LANDMARKS] = RIGID
    return points


def viewmat(yaw: float) -> np.ndarray:
    """Head to camera from `yaw` radians to the head's left, 0.7 m away."""
    view = np.eye(4)
    view[:3, :3] = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]) @ rotation(2, -yaw)
    view[2, 3] = 0.7
    return view


def make(found: np.ndarray, expression=None):
    views = {FRONT: viewmat(0.05), SIDE: viewmat(0.8)}
    rows = [(camera, time) for camera in (0, 1) for time in range(TIMES)]
    pictures = [SetPicture(Path("x.png"), camera, time, (512, 512), K, np.eye(4)) for camera, time in rows]
    data_set = DataSet("rig", Path("rig"), Fraction(25), World.UNKNOWN, pictures, expression=expression)
    faces = Faces(np.zeros((10, 478, 3), np.float32), np.zeros((10, 52), np.float32), found)
    for row in np.flatnonzero(found):
        camera, time = rows[row]
        seen = face_at(time) @ views[camera][:3, :3].T + views[camera][:3, 3]
        faces.landmarks[row, :, :2] = (seen @ K.T)[:, :2] / seen[:, 2:]
        faces.landmarks[row, :, 2] = 800 * (seen[:, 2] / seen[RIGID_LANDMARKS, 2].mean() - 1)
        faces.blendshapes[row] = 0.1 * time + (0.4 if camera == FRONT else 0.0)
    return expressions(data_set, faces, np.stack([views[camera] for camera, _ in rows]), np.tile(K, (10, 1, 1)), RIGID)


def test_the_front_tells_the_expression_of_all():
    shown = make(np.ones(10, bool))
    np.testing.assert_allclose(shown.expression[:TIMES], shown.expression[TIMES:])
    np.testing.assert_allclose(shown.expression[:TIMES, 0], 0.4 + 0.1 * np.arange(TIMES), atol=1e-6)
    np.testing.assert_allclose(shown.codes[:TIMES], shown.codes[TIMES:])
    # One component, in proportion to what moves.
    steps = np.diff(shown.codes[:TIMES, 0])
    np.testing.assert_allclose(steps, steps[0], rtol=0.05)
    assert abs(steps[0]) > 0.3 and np.abs(shown.codes[:, 1:]).max() < 0.1


def test_another_camera_helps_out_and_gaps_are_bridged():
    found = np.ones(10, bool)
    found[TIMES + 1] = False  # the front camera misses one face,
    found[[3, TIMES + 3]] = False  # and both miss another
    shown = make(found)
    np.testing.assert_allclose(shown.expression[:TIMES, 0], [0.4, 0.1, 0.6, 0.7, 0.8], atol=1e-6)


def test_the_sets_own_table_fills_what_no_camera_saw():
    found = np.ones(10, bool)
    found[[3, TIMES + 3]] = False
    shown = make(found, expression=np.full((10, 52), 0.9, np.float32))
    np.testing.assert_allclose(shown.expression[TIMES:, 0], [0.4, 0.5, 0.6, 0.9, 0.8], atol=1e-6)


def test_nothing_was_seen():
    shown = make(np.zeros(10, bool))
    assert not shown.expression.any() and shown.codes is None and shown.gaze.shape == (10, 2)

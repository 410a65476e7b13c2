# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from engine.errors import InputError
from engine.protocol import CameraTrack
from engine.render.camera_path import CameraPath

K = [[100.0, 0, 32], [0, 100.0, 32], [0, 0, 1]]


def rigid(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.sign(np.linalg.det(rotation))
    matrix[:3, 3] = rng.normal(size=3) + [0, 0, 4]
    return matrix


def test_a_scaled_head_is_seen_as_by_a_nearer_camera():
    view, head = rigid(0), rigid(1)
    head[:3, :3] *= 2.5
    camera = CameraPath(CameraTrack(64, 64, [view.tolist()], [K], [head.tolist()])).at(0)
    points = np.random.default_rng(2).normal(size=(20, 3))
    want = (view @ head @ np.c_[points, np.ones(20)].T).T[:, :3]
    got = points @ camera.viewmat[:3, :3].T + camera.viewmat[:3, 3]
    np.testing.assert_allclose(got * camera.depth_scale, want, atol=1e-5)
    np.testing.assert_allclose(camera.viewmat[:3, :3] @ camera.viewmat[:3, :3].T, np.eye(3), atol=1e-6)


def test_tracks_start_where_they_say_and_hold_their_ends():
    views = [rigid(i) for i in range(3)]
    path = CameraPath(CameraTrack(64, 64, [v.tolist() for v in views], [K], start=10))
    for frame, index in ((0, 0), (10, 0), (11, 1), (12, 2), (500, 2)):
        np.testing.assert_allclose(path.at(frame).viewmat, views[index], atol=1e-6)


@pytest.mark.parametrize(("change", "words"), [
    (dict(viewmats=[(np.eye(4) * 3).tolist()]), "rigid"),
    (dict(head_matrices=[np.zeros((4, 4)).tolist()]), "singular"),
    (dict(Ks=[[[-1, 0, 0], [0, 1, 0], [0, 0, 1]]]), "focal"),
])
def test_impossible_cameras_are_refused(change, words):
    with pytest.raises(InputError, match=words):
        CameraPath(CameraTrack(**{"width": 64, "height": 64, "viewmats": [np.eye(4).tolist()], "Ks": [K], **change}))

# SPDX-License-Identifier: GPL-3.0-or-later
import math

import numpy as np
import pytest

from engine.splats.cameras import intrinsics, look_at, portrait_camera


def project(viewmat, K, point):
    x, y, z = K @ (viewmat[:3, :3] @ np.asarray(point) + viewmat[:3, 3])
    return x / z, y / z, z


def test_look_at_has_opencv_axes():
    viewmat, K = look_at((1, -2, 0.5), (0, 0, 0.5)), intrinsics(200, 100, math.radians(40))
    assert np.allclose(viewmat[:3, :3] @ viewmat[:3, :3].T, np.eye(3), atol=1e-6)
    assert np.linalg.det(viewmat[:3, :3]) == pytest.approx(1, abs=1e-6)
    assert project(viewmat, K, (0, 0, 0.5)) == pytest.approx((100, 50, math.sqrt(5)), abs=1e-4)
    assert project(viewmat, K, (0, 0, 0.6))[1] < 50  # z is up, y on the picture down
    top = 0.5 + math.sqrt(5) * math.tan(math.radians(20))
    assert project(viewmat, K, (0, 0, top))[1] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("size", [(512, 512), (1920, 1080), (720, 1280)])
def test_portrait_frames_the_whole_head(size):
    viewmat, K = portrait_camera(*size)
    assert viewmat.dtype == K.dtype == np.float32
    crown, chin = project(viewmat, K, (0, 0, 0.12))[1], project(viewmat, K, (0, -0.08, -0.12))[1]
    assert 0.05 * size[1] < crown < chin < 0.95 * size[1]
    left, right = project(viewmat, K, (0.08, 0, 0))[0], project(viewmat, K, (-0.08, 0, 0))[0]
    assert 0 < right < left < size[0]  # the head's left is on the picture's right
    assert project(viewmat, K, (0, -0.1, 0))[2] == pytest.approx(1.3, abs=0.01)


def test_look_at_nothing():
    with pytest.raises(ValueError, match="cannot look"):
        look_at((0, 0, 0), (0, 0, 0))
    with pytest.raises(ValueError, match="cannot look"):
        look_at((0, 0, 0), (0, 0, 1))

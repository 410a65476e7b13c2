# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaussians in space to Gaussians on the picture, and the gradients back: `torch_backend.project` by hand.

Inside in float64. Instead of the inverse covariance itself the picture's Gaussians carry its factors (A, S, C),
sigma = (A dx^2 + C t^2) / 2 with t = dy + S dx: of a long thin Gaussian at an angle, the inverse covariance holds large
numbers whose small difference counts, and float32 would lose it, in the picture and more so in the gradients.
"""

import math

import numpy as np

from .compiled import compiled
from .vectors import add3, combine, dot3, rotation, rotation_backward, row3, row3_transposed, scale3

MIN_ALPHA = 1 / 255
MAX_EXTENT = 3.33
MAX_RADIUS = 1e9  # fits an int32
SPAN = 2048  # Gaussians per piece of work; fixed, so that sums over pieces do not depend on the number of threads


def camera_table(viewmats: np.ndarray, Ks: np.ndarray) -> np.ndarray:
    """(C, 16) float64: the rotation by rows (9), the translation (3), fx, fy, cx, cy."""
    parts = (viewmats[:, :3, :3].reshape(-1, 9), viewmats[:, :3, 3], Ks[:, [0, 1, 0, 1], [0, 1, 2, 2]])
    return np.concatenate(parts, 1).astype(np.float64)


@compiled
def _camera(camera):
    R = ((camera[0], camera[1], camera[2]), (camera[3], camera[4], camera[5]), (camera[6], camera[7], camera[8]))
    return R, (camera[9], camera[10], camera[11])


@compiled
def _vector(values, n):
    return np.float64(values[n, 0]), np.float64(values[n, 1]), np.float64(values[n, 2])


@compiled
def _unit_quaternion(quats, n):
    w, x, y, z = np.float64(quats[n, 0]), np.float64(quats[n, 1]), np.float64(quats[n, 2]), np.float64(quats[n, 3])
    inverse = 1 / max(math.sqrt(w * w + x * x + y * y + z * z), 1e-12)
    return w * inverse, x * inverse, y * inverse, z * inverse, inverse


@compiled
def _axes(rotation, scale):
    """The rotation matrix with its columns scaled."""
    return (
        (rotation[0][0] * scale[0], rotation[0][1] * scale[1], rotation[0][2] * scale[2]),
        (rotation[1][0] * scale[0], rotation[1][1] * scale[1], rotation[1][2] * scale[2]),
        (rotation[2][0] * scale[0], rotation[2][1] * scale[1], rotation[2][2] * scale[2]),
    )


@compiled
def _linearise(position, camera, width, height):
    """The slopes x / z and y / z, the same held at 1.3 times the picture's border, and the Jacobian of the projection
    there, [[jx, 0, kx], [0, jy, ky]], as (jx, kx, jy, ky)."""
    fx, fy, cx, cy = camera[12], camera[13], camera[14], camera[15]
    inverse_z = 1 / position[2]
    slope_x, slope_y = position[0] * inverse_z, position[1] * inverse_z
    margin_x, margin_y = 0.15 * width / fx, 0.15 * height / fy
    held_x = min(max(slope_x, -(cx / fx + margin_x)), (width - cx) / fx + margin_x)
    held_y = min(max(slope_y, -(cy / fy + margin_y)), (height - cy) / fy + margin_y)
    J = fx * inverse_z, -fx * held_x * inverse_z, fy * inverse_z, -fy * held_y * inverse_z
    return slope_x, slope_y, held_x, held_y, J


@compiled
def _half_covariance(J, R, M):
    """U = J R by rows, and W = U M, whose W W^T is the covariance on the picture."""
    U0, U1 = combine(J[0], R[0], J[1], R[2]), combine(J[2], R[1], J[3], R[2])
    return U0, U1, row3(U0, M), row3(U1, M)


@compiled
def project(
    means, quats, scales, opacities, cameras, width, height, near_plane, far_plane, eps2d, means2d, depths, factors,
    radii, number, start, stop,
):  # fmt: skip
    """Fill means2d (C, N, 2), depths (C, N), factors (C, N, 3), radii (C, N, 2) of Gaussians start to stop."""
    for c in range(len(cameras)):
        camera = cameras[c]
        R, t = _camera(camera)
        for n in range(start, stop):
            means2d[c, n, 0] = means2d[c, n, 1] = depths[c, n] = 0
            factors[c, n, 0] = factors[c, n, 1] = factors[c, n, 2] = 0
            radii[c, n, 0] = radii[c, n, 1] = 0
            position = add3(row3_transposed(_vector(means, n), R), t)
            if not (near_plane <= position[2] <= far_plane and opacities[n] >= MIN_ALPHA):
                continue
            w, x, y, z, _ = _unit_quaternion(quats, n)
            slope_x, slope_y, _, _, J = _linearise(position, camera, width, height)
            _, _, W0, W1 = _half_covariance(J, R, _axes(rotation(w, x, y, z), _vector(scales, n)))
            xx, xy, yy = dot3(W0, W0) + eps2d, dot3(W0, W1), dot3(W1, W1) + eps2d
            determinant = xx * yy - xy * xy
            if not determinant > 0:
                continue
            extent = min(MAX_EXTENT, math.sqrt(2 * math.log(opacities[n] / MIN_ALPHA)))
            radius_x, radius_y = math.ceil(extent * math.sqrt(xx)), math.ceil(extent * math.sqrt(yy))
            u, v = camera[12] * slope_x + camera[14], camera[13] * slope_y + camera[15]
            if not (u + radius_x > 0 and u - radius_x < width and v + radius_y > 0 and v - radius_y < height):
                continue
            if radius_x == 0 or radius_y == 0:
                continue
            means2d[c, n, 0], means2d[c, n, 1] = u, v
            depths[c, n] = position[2]
            factors[c, n, 0], factors[c, n, 1], factors[c, n, 2] = 1 / xx, -xy / xx, xx / determinant
            radii[c, n, 0], radii[c, n, 1] = min(radius_x, MAX_RADIUS), min(radius_y, MAX_RADIUS)


@compiled
def _factors_backward(xx, xy, yy, v_factors):
    """The gradient to a covariance (xx, xy, yy) from that to its factors (1 / xx, -xy / xx, xx / determinant)."""
    v_A, v_S, v_C = np.float64(v_factors[0]), np.float64(v_factors[1]), np.float64(v_factors[2])
    A, S, C = 1 / xx, -xy / xx, xx / (xx * yy - xy * xy)
    v_yy = -C * C * v_C
    return S * S * v_yy - A * (S * v_S + A * v_A), 2 * S * v_yy - A * v_S, v_yy


@compiled
def project_backward(
    means, quats, scales, cameras, width, height, eps2d, radii, v_means2d, v_depths, v_factors, v_means, v_quats,
    v_scales, v_cameras, number, start, stop,
):  # fmt: skip
    """Fill v_means (N, 3), v_quats (N, 4), v_scales (N, 3) of Gaussians start to stop, and v_cameras[number]
    (C, 4, 3): their share of the gradient to the three rows of the cameras' rotations and to the translations."""
    v_means[start:stop] = 0
    v_quats[start:stop] = 0
    v_scales[start:stop] = 0
    for c in range(len(cameras)):
        camera = cameras[c]
        R, t = _camera(camera)
        v_R0 = v_R1 = v_R2 = v_t = (0.0, 0.0, 0.0)
        for n in range(start, stop):
            if radii[c, n, 0] == 0:
                continue
            mean, scale = _vector(means, n), _vector(scales, n)
            position = add3(row3_transposed(mean, R), t)
            w, x, y, z, inverse_length = _unit_quaternion(quats, n)
            Q = rotation(w, x, y, z)
            M = _axes(Q, scale)
            slope_x, slope_y, held_x, held_y, J = _linearise(position, camera, width, height)
            U0, U1, W0, W1 = _half_covariance(J, R, M)
            xx, xy, yy = dot3(W0, W0) + eps2d, dot3(W0, W1), dot3(W1, W1) + eps2d
            v_xx, v_xy, v_yy = _factors_backward(xx, xy, yy, v_factors[c, n])
            v_W0, v_W1 = combine(2 * v_xx, W0, v_xy, W1), combine(2 * v_yy, W1, v_xy, W0)
            v_U0, v_U1 = row3_transposed(v_W0, M), row3_transposed(v_W1, M)

            # To the position: by way of the mean on the picture, its depth, and the Jacobian.
            fx, fy, inverse_z = camera[12], camera[13], 1 / position[2]
            v_jx, v_kx, v_jy, v_ky = dot3(v_U0, R[0]), dot3(v_U0, R[2]), dot3(v_U1, R[1]), dot3(v_U1, R[2])
            v_slope_x = fx * np.float64(v_means2d[c, n, 0]) - (J[0] * v_kx if held_x == slope_x else 0.0)
            v_slope_y = fy * np.float64(v_means2d[c, n, 1]) - (J[2] * v_ky if held_y == slope_y else 0.0)
            v_inverse_z = fx * (v_jx - held_x * v_kx) + fy * (v_jy - held_y * v_ky)
            v_inverse_z += v_slope_x * position[0] + v_slope_y * position[1]
            v_z = np.float64(v_depths[c, n]) - inverse_z * inverse_z * v_inverse_z
            v_position = (v_slope_x * inverse_z, v_slope_y * inverse_z, v_z)

            v_R0 = add3(v_R0, combine(J[0], v_U0, v_position[0], mean))
            v_R1 = add3(v_R1, combine(J[2], v_U1, v_position[1], mean))
            v_R2 = add3(v_R2, add3(combine(J[1], v_U0, J[3], v_U1), scale3(mean, v_z)))
            v_t = add3(v_t, v_position)
            v_mean = row3(v_position, R)
            v_M = (
                combine(U0[0], v_W0, U1[0], v_W1),
                combine(U0[1], v_W0, U1[1], v_W1),
                combine(U0[2], v_W0, U1[2], v_W1),
            )
            for i in range(3):
                v_means[n, i] += v_mean[i]
                v_scales[n, i] += Q[0][i] * v_M[0][i] + Q[1][i] * v_M[1][i] + Q[2][i] * v_M[2][i]
            vw, vx, vy, vz = rotation_backward(w, x, y, z, _axes(v_M, scale))
            along = vw * w + vx * x + vy * y + vz * z
            v_quats[n, 0] += (vw - along * w) * inverse_length
            v_quats[n, 1] += (vx - along * x) * inverse_length
            v_quats[n, 2] += (vy - along * y) * inverse_length
            v_quats[n, 3] += (vz - along * z) * inverse_length
        for i in range(3):
            v_cameras[number, c, 0, i], v_cameras[number, c, 1, i] = v_R0[i], v_R1[i]
            v_cameras[number, c, 2, i], v_cameras[number, c, 3, i] = v_R2[i], v_t[i]

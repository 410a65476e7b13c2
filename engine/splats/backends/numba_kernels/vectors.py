# SPDX-License-Identifier: GPL-3.0-or-later
"""Small vectors and matrices as tuples, which numba keeps in registers."""

from .compiled import compiled


@compiled
def add3(a, b):
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


@compiled
def scale3(a, s):
    return a[0] * s, a[1] * s, a[2] * s


@compiled
def dot3(a, b):
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@compiled
def combine(x, a, y, b):
    """x * a + y * b of two numbers and two vectors."""
    return x * a[0] + y * b[0], x * a[1] + y * b[1], x * a[2] + y * b[2]


@compiled
def row3(a, M):
    """a M of a row vector and a matrix (a tuple of rows)."""
    return (
        a[0] * M[0][0] + a[1] * M[1][0] + a[2] * M[2][0],
        a[0] * M[0][1] + a[1] * M[1][1] + a[2] * M[2][1],
        a[0] * M[0][2] + a[1] * M[1][2] + a[2] * M[2][2],
    )


@compiled
def row3_transposed(a, M):
    """a M^T."""
    return dot3(a, M[0]), dot3(a, M[1]), dot3(a, M[2])


@compiled
def rotation(w, x, y, z):
    """The rotation matrix of a unit quaternion."""
    return (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )


@compiled
def rotation_backward(w, x, y, z, v):
    """The gradient to a unit quaternion from that to its rotation matrix."""
    return (
        2 * (x * (v[2][1] - v[1][2]) + y * (v[0][2] - v[2][0]) + z * (v[1][0] - v[0][1])),
        2 * (
            y * (v[0][1] + v[1][0]) + z * (v[0][2] + v[2][0]) + w * (v[2][1] - v[1][2]) - 2 * x * (v[1][1] + v[2][2])
        ),
        2 * (
            x * (v[0][1] + v[1][0]) + z * (v[1][2] + v[2][1]) + w * (v[0][2] - v[2][0]) - 2 * y * (v[0][0] + v[2][2])
        ),
        2 * (
            x * (v[0][2] + v[2][0]) + y * (v[1][2] + v[2][1]) + w * (v[1][0] - v[0][1]) - 2 * z * (v[0][0] + v[1][1])
        ),
    )  # fmt: skip

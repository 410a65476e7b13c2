# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotations as unit quaternions, wxyz."""

import torch


def quats_from_rotation_vectors(vectors: torch.Tensor) -> torch.Tensor:
    """(..., 3) rotation vectors in radians to (..., 4) unit quats wxyz."""
    half = vectors.norm(dim=-1, keepdim=True) / 2
    return torch.cat([half.cos(), vectors / 2 * torch.sinc(half / torch.pi)], dim=-1)


def matrices_from_quats(quats: torch.Tensor) -> torch.Tensor:
    """(..., 4) unit quats wxyz to (..., 3, 3) rotation matrices."""
    w, x, y, z = quats.unbind(-1)
    rows = (
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    )
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def multiply_quats(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Hamilton product of (..., 4) quats wxyz: the rotation b, then a."""
    aw, ax, ay, az = a.unbind(-1)
    bw, bx, by, bz = b.unbind(-1)
    return torch.stack(
        (
            aw * bw - ax * bx - ay * by - az * bz,
            aw * bx + ax * bw + ay * bz - az * by,
            aw * by - ax * bz + ay * bw + az * bx,
            aw * bz + ax * by - ay * bx + az * bw,
        ),
        dim=-1,
    )

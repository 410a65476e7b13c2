# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a face's parts lie in a picture, from MediaPipe's 478 landmarks alone.

Indices: MediaPipe's face mesh, https://github.com/google-ai-edge/mediapipe, face_mesh_connections.py (FACEMESH_LIPS,
FACEMESH_FACE_OVAL), in order around each contour.
"""

import numpy as np

INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
RIGHT_EYE = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
LEFT_EYE = (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249)
RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)
FOREHEAD, CHIN, RIGHT_SIDE, LEFT_SIDE = 10, 152, 234, 454

# Lips that touch leave a sliver between their contours, which is no mouth interior. In face widths.
SEALED = 0.015


def fill(points: np.ndarray, height: int, width: int) -> np.ndarray:
    """The pixels whose centres lie inside a contour, by the even-odd rule.

    Args:
        points: (P, 2) x and y in pixels, pixel centres at +0.5.

    Returns:
        (height, width) bool.
    """
    rows = np.arange(height)[:, None] + 0.5
    (x0, y0), (x1, y1) = points.T.astype(np.float64), np.roll(points, -1, axis=0).T.astype(np.float64)
    row, edge = np.nonzero((y0 <= rows) != (y1 <= rows))
    crossing = x0[edge] + (row + 0.5 - y0[edge]) * (x1 - x0)[edge] / (y1 - y0)[edge]
    toggles = np.zeros((height, width + 1), np.int32)
    np.add.at(toggles, (row, np.clip(np.ceil(crossing - 0.5), 0, width).astype(int)), 1)
    return np.cumsum(toggles, axis=1)[:, :width] % 2 == 1


def face_width(landmarks: np.ndarray) -> float:
    """Pixels across the face's oval, or down it where it is turned away and its width is short."""
    across = np.linalg.norm(landmarks[LEFT_SIDE] - landmarks[RIGHT_SIDE])
    down = np.linalg.norm(landmarks[CHIN] - landmarks[FOREHEAD])
    return float(max(across, 0.75 * down))


def mouth_interior(landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """The pixels within the lips' inner contour; none where the lips touch.

    Args:
        landmarks: (478, 2) pixels.

    Returns:
        (height, width) bool.
    """
    contour = landmarks[list(INNER_LIPS)]
    half = len(INNER_LIPS) // 2
    gap = np.linalg.norm(contour[1:half] - contour[: -half : -1], axis=1).max()
    if gap < SEALED * face_width(landmarks):
        return np.zeros((height, width), bool)
    return fill(contour, height, width)


def head_coordinates(landmarks: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Every pixel's place relative to the face: origin in the oval's middle, unit one face width.

    Returns:
        u, v: (height, width) float32; u towards the picture's right, v towards the chin, turned with the head's roll.
    """
    origin = landmarks[list(FACE_OVAL)].mean(axis=0)
    down = landmarks[CHIN] - landmarks[FOREHEAD]
    down = down / np.linalg.norm(down)
    scale = face_width(landmarks)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32) + 0.5
    dx, dy = (xs - origin[0]) / scale, (ys - origin[1]) / scale
    return (dx * down[1] - dy * down[0]).astype(np.float32), (dx * down[0] + dy * down[1]).astype(np.float32)

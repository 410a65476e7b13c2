# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture's cameras as nerfstudio's transforms.json, for other programs; a capture's reader never looks at it.

Format: https://docs.nerf.studio/quickstart/data_conventions.html. Its cameras look along -z with y up (OpenGL), and its
matrices lead from camera to world; the world is the head's frame, z up. camera_index and timestep_index are named as
in GaussianAvatars' data sets.
"""

import json
from collections.abc import Iterator

import numpy as np

from ..disk_rows import blocks
from .capture import Capture

OPENCV_TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
# Says that the world is the head's frame, for those who read such files as data sets.
WORLD_KEY = "emosplat_world"


def transforms_json(capture: Capture) -> Iterator[str]:
    """Yield the text of transforms.json, one entry per row, in pieces."""
    head = {"camera_model": "OPENCV", WORLD_KEY: "head", "w": capture.width, "h": capture.height}
    yield json.dumps(head)[:-1]
    yield from _listed("frames", _entries(capture))
    yield from _listed("train_filenames", _names(capture, ~capture.test))
    yield from _listed("val_filenames", _names(capture, capture.test))
    yield from _listed("test_filenames", _names(capture, capture.test))
    yield "}"


def _listed(key: str, values: Iterator) -> Iterator[str]:
    between = f', "{key}": ['
    for value in values:
        yield between + json.dumps(value, allow_nan=False)
        between = ", "
    yield f"{between}]" if between != ", " else "]"


def _names(capture: Capture, which: np.ndarray) -> Iterator[str]:
    return (f"frames/{capture.stem(row)}.png" for row in np.flatnonzero(which))


def _entries(capture: Capture) -> Iterator[dict]:
    for part in blocks(len(capture)):
        poses = np.linalg.inv(capture.viewmats[part].astype(np.float64)) @ OPENCV_TO_OPENGL
        for row, pose in zip(range(part.start, part.stop), poses):
            K = capture.Ks[row].astype(np.float64)
            yield {
                "file_path": f"frames/{capture.stem(row)}.png",
                "camera_index": int(capture.cameras[row]), "timestep_index": int(capture.frames[row]),
                "fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2], "cy": K[1, 2],
                "transform_matrix": pose.tolist(),
            }

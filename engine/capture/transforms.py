# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture's cameras as nerfstudio's transforms.json, for other programs; a capture's reader never looks at it.

Format: https://docs.nerf.studio/quickstart/data_conventions.html. Its cameras look along -z with y up (OpenGL), and its
matrices lead from camera to world; the world is the head's frame, z up. camera_index and timestep_index are named as
in GaussianAvatars' data sets.
"""

import numpy as np

from .capture import Capture

OPENCV_TO_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
# Says that the world is the head's frame, for those who read such files as data sets.
WORLD_KEY = "emosplat_world"


def transforms_json(capture: Capture) -> dict:
    """The content of transforms.json, one entry per row."""
    poses = np.linalg.inv(capture.viewmats.astype(np.float64)) @ OPENCV_TO_OPENGL
    entries = []
    for row in range(len(capture)):
        K = capture.Ks[row].astype(np.float64)
        entries.append(
            {
                "file_path": f"frames/{capture.stem(row)}.png",
                "camera_index": int(capture.cameras[row]), "timestep_index": int(capture.frames[row]),
                "fl_x": K[0, 0], "fl_y": K[1, 1], "cx": K[0, 2], "cy": K[1, 2],
                "transform_matrix": poses[row].tolist(),
            }
        )
    names = [entry["file_path"] for entry in entries]
    return {
        "camera_model": "OPENCV", WORLD_KEY: "head", "w": capture.width, "h": capture.height, "frames": entries,
        "train_filenames": [name for name, test in zip(names, capture.test) if not test],
        "val_filenames": [name for name, test in zip(names, capture.test) if test],
        "test_filenames": [name for name, test in zip(names, capture.test) if test],
    }

# SPDX-License-Identifier: GPL-3.0-or-later
"""MediaPipe's landmarks of rendered poses, and how far the parts of a face moved from where the neutral one has them.

Measures take (478, 2) landmarks in units of the distance between the neutral eyes' middles, x to the picture's right
and y down.
"""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

# Pairs and points of the mesh.
MOUTH_CORNERS, LIPS = (61, 291), (13, 14)  # of the inner lips the middles, upper and lower
LIDS = ((159, 145), (386, 374))
EYE_CORNERS = ((33, 133), (362, 263))
BROWS_INNER, BROWS_OUTER = (107, 336), (70, 300)
IRISES = (468, 473)
NOSE_BRIDGE = 168


def mouth_width(p: np.ndarray) -> float:
    return float(np.ptp(p[list(MOUTH_CORNERS), 0]))


def corner_height(p: np.ndarray) -> float:
    """How far the mouth's corners lie above the inner lips' middle."""
    return p[list(LIPS), 1].mean() - p[list(MOUTH_CORNERS), 1].mean()


def lip_gap(p: np.ndarray) -> float:
    return p[LIPS[1], 1] - p[LIPS[0], 1]


def lid_gap(p: np.ndarray) -> float:
    return float(np.mean([p[low, 1] - p[high, 1] for high, low in LIDS]))


def brow_height(p: np.ndarray, brows: tuple[int, int]) -> float:
    return p[NOSE_BRIDGE, 1] - p[list(brows), 1].mean()


def gaze(p: np.ndarray) -> np.ndarray:
    """(2,) of the irises from the middle of their eyes' corners, to the picture's right and down."""
    return np.mean([p[iris] - p[list(corners)].mean(0) for iris, corners in zip(IRISES, EYE_CORNERS)], axis=0)


def track(frames: Path, model: Path) -> dict[str, np.ndarray | None]:
    """Landmarks (478, 2) in pixels for each pose of a folder's `poses.json`, None where no face was found."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.FaceLandmarkerOptions(base_options=BaseOptions(model_asset_path=str(model)))
    found: dict[str, np.ndarray | None] = {}
    with vision.FaceLandmarker.create_from_options(options) as tracker:
        for number, pose in enumerate(json.loads((frames / "poses.json").read_text(encoding="utf-8"))):
            picture = mediapipe.Image.create_from_file(str(frames / f"{number:02d}.png"))
            faces = tracker.detect(picture).face_landmarks
            scale = [picture.width, picture.height]
            found[pose] = np.array([(p.x, p.y) for p in faces[0]]) * scale if faces else None
    return found


def moved_enough(
    found: dict[str, np.ndarray | None], movements: Iterable[tuple[str, str, Callable[[np.ndarray], float], float]]
) -> bool:
    """Print a table; True where every face was found and everything moved as it should.

    Args:
        found: what `track` gives, with a pose "neutral".
        movements: words, pose, measure, and its least change from neutral, towards its sign.
    """
    lost = [pose for pose, points in found.items() if points is None]
    print(f"face found in {len(found) - len(lost)} of {len(found)} frames" + "".join(f"\n  lost: {p}" for p in lost))
    if found["neutral"] is None:
        return False
    middles = [found["neutral"][list(corners)].mean(0) for corners in EYE_CORNERS]
    eyes = float(np.linalg.norm(middles[0] - middles[1]))
    good = not lost
    print(f"{'movement':36}{'change':>8}{'needs':>8}")
    for words, pose, value, least in movements:
        if found[pose] is None:
            continue
        change = float(value(found[pose] / eyes) - value(found["neutral"] / eyes))
        enough = change * np.sign(least) >= abs(least)
        good &= bool(enough)
        print(f"{words:36}{change:+8.3f}{least:+8.3f}{'' if enough else '  short'}")
    return good

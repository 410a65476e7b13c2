# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a face tracker see the actor, and do its landmarks move as the shapes say?

    python assets/actor/check_actor.py render build/actor/actor.blend --frames build/actor/check
    python assets/actor/check_actor.py measure build/actor/check --model .../face_landmarker.task

`render` needs bpy, `measure` MediaPipe; they may be two Pythons. Movements are in units of the distance between the
eyes' middles at weight 1, against the least that the actor must show. Exits with 1 where anything falls short.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

VIEWS = ((-45, 0), (-30, 0), (-15, 0), (15, 0), (30, 0), (45, 0), (0, 25), (0, -25), (30, 25), (-30, -25), (45, -25),
         (-45, 25))  # yaw and pitch in degrees
VIEWED = ("neutral", "happy", "angry", "sad", "surprised", "jawOpen=0.6", "eyeBlink")

# MediaPipe's mesh: the pairs and points that the movements are measured on.
MOUTH_CORNERS, INNER_LIPS = (61, 291), (13, 14)
LIDS = ((159, 145), (386, 374))
EYE_CORNERS = ((33, 133), (362, 263))
BROWS_INNER, BROWS_OUTER = (107, 336), (70, 300)
IRISES = (468, 473)
NOSE_BRIDGE = 168


def corner_height(p: np.ndarray) -> float:
    """How far the mouth's corners lie above the inner lips' middle."""
    return p[list(INNER_LIPS), 1].mean() - p[list(MOUTH_CORNERS), 1].mean()


def brow_height(p: np.ndarray, brows: tuple[int, int]) -> float:
    return p[NOSE_BRIDGE, 1] - p[list(brows), 1].mean()


def gaze(p: np.ndarray) -> np.ndarray:
    """(2,) of the irises from the middle of their eyes' corners, to the picture's right and down."""
    return np.mean([p[iris] - p[list(corners)].mean(0) for iris, corners in zip(IRISES, EYE_CORNERS)], axis=0)


# Name: pose, measure of landmarks (478, 2) in eye distances, least change towards the sign.
MOVEMENTS = {
    "smile widens the mouth": ("mouthSmile", lambda p: np.ptp(p[list(MOUTH_CORNERS), 0]), 0.15),
    "smile lifts the corners": ("mouthSmile", corner_height, 0.02),
    "frown lowers the corners": ("mouthFrown", corner_height, -0.03),
    "browDown lowers the brows": ("browDown", lambda p: brow_height(p, BROWS_INNER), -0.035),
    "browInnerUp lifts the inner brows": ("browInnerUp", lambda p: brow_height(p, BROWS_INNER), 0.03),
    "browOuterUp lifts the outer brows": ("browOuterUp", lambda p: brow_height(p, BROWS_OUTER), 0.03),
    "blink closes the lids": ("eyeBlink", lambda p: np.mean([p[b, 1] - p[a, 1] for a, b in LIDS]), -0.07),
    "jawOpen opens the lips": ("jawOpen", lambda p: p[INNER_LIPS[1], 1] - p[INNER_LIPS[0], 1], 0.35),
    "pucker narrows the mouth": ("mouthPucker", lambda p: np.ptp(p[list(MOUTH_CORNERS), 0]), -0.10),
    "gaze to its left": ("eyeLookOutLeft eyeLookInRight", lambda p: gaze(p)[0], 0.04),
    "gaze to its right": ("eyeLookInLeft eyeLookOutRight", lambda p: gaze(p)[0], -0.04),
    "gaze up": ("eyeLookUp", lambda p: gaze(p)[1], -0.015),
}


def render(blend: Path, frames: Path, size: int, samples: int) -> None:
    """Write the views and the movements' poses as PNGs with `poses.json`, which names them."""
    from assets.actor import look
    from engine.files import make_folder, write_text

    poses = ["neutral", *dict.fromkeys(pose for pose, _, _ in MOVEMENTS.values())]
    poses += [f"{VIEWED[k % len(VIEWED)]} @{yaw},{pitch}" for k, (yaw, pitch) in enumerate(VIEWS * 2)]
    make_folder(frames)
    look.open_scene(blend, size, samples)
    for number, pose in enumerate(poses):
        look.render(*look.parse(pose), frames.resolve() / f"{number:02d}.png")
    write_text(frames / "poses.json", json.dumps(poses))


def track(frames: Path, model: Path) -> dict[str, np.ndarray | None]:
    """Landmarks (478, 2) in pixels for each pose, None where no face was found."""
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


def measure(frames: Path, model: Path) -> bool:
    """Print the table; True where everything is as it should be."""
    found = track(frames, model)
    lost = [pose for pose, points in found.items() if points is None]
    print(f"face found in {len(found) - len(lost)} of {len(found)} frames" + "".join(f"\n  lost: {p}" for p in lost))
    if found["neutral"] is None:
        return False
    middles = [found["neutral"][list(corners)].mean(0) for corners in EYE_CORNERS]
    eyes = float(np.linalg.norm(middles[0] - middles[1]))
    good = not lost
    print(f"{'movement':36}{'change':>8}{'needs':>8}")
    for name, (pose, value, least) in MOVEMENTS.items():
        if found[pose] is None:
            continue
        change = float(value(found[pose] / eyes) - value(found["neutral"] / eyes))
        enough = change * np.sign(least) >= abs(least)
        good &= bool(enough)
        print(f"{name:36}{change:+8.3f}{least:+8.3f}{'' if enough else '  short'}")
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    drawing = verbs.add_parser("render")
    drawing.add_argument("blend", type=Path)
    drawing.add_argument("--frames", type=Path, required=True)
    drawing.add_argument("--size", type=int, default=256)
    drawing.add_argument("--samples", type=int, default=8)
    reading = verbs.add_parser("measure")
    reading.add_argument("frames", type=Path)
    reading.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    if options.verb == "render":
        render(options.blend, options.frames, options.size, options.samples)
    elif not measure(options.frames, options.model):
        sys.exit(1)


if __name__ == "__main__":
    main()

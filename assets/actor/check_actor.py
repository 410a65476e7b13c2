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

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from assets.actor.landmarks import (  # noqa: E402
    BROWS_INNER, BROWS_OUTER, brow_height, corner_height, gaze, lid_gap, lip_gap, mouth_width, moved_enough, track,
)

VIEWS = ((-45, 0), (-30, 0), (-15, 0), (15, 0), (30, 0), (45, 0), (0, 25), (0, -25), (30, 25), (-30, -25), (45, -25),
         (-45, 25))  # yaw and pitch in degrees
VIEWED = ("neutral", "happy", "angry", "sad", "surprised", "jawOpen=0.6", "eyeBlink")

# Name: pose, measure, least change towards the sign.
MOVEMENTS = {
    "smile widens the mouth": ("mouthSmile", mouth_width, 0.15),
    "smile lifts the corners": ("mouthSmile", corner_height, 0.02),
    "frown lowers the corners": ("mouthFrown", corner_height, -0.03),
    "browDown lowers the brows": ("browDown", lambda p: brow_height(p, BROWS_INNER), -0.035),
    "browInnerUp lifts the inner brows": ("browInnerUp", lambda p: brow_height(p, BROWS_INNER), 0.03),
    "browOuterUp lifts the outer brows": ("browOuterUp", lambda p: brow_height(p, BROWS_OUTER), 0.03),
    "blink closes the lids": ("eyeBlink", lid_gap, -0.07),
    "jawOpen opens the lips": ("jawOpen", lip_gap, 0.35),
    "pucker narrows the mouth": ("mouthPucker", mouth_width, -0.10),
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
    elif not moved_enough(track(options.frames, options.model), ((n, *how) for n, how in MOVEMENTS.items())):
        sys.exit(1)


if __name__ == "__main__":
    main()

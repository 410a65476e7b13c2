# SPDX-License-Identifier: GPL-3.0-or-later
"""Does each emotion at full strength show its signature on the actor, as a face tracker sees it?

    python assets/emotion/check_signatures.py render build/actor/actor.blend --frames build/signatures
    python assets/emotion/check_signatures.py measure build/signatures --model .../face_landmarker.task

`render` needs bpy, `measure` MediaPipe; they may be two Pythons. The faces are what the emotion model that ships makes
of the sliders. Movements are in units of the distance between the eyes' middles, against neutral, beside the least that
must be seen. MediaPipe's landmarks are measured and not its blend shape scores, of which frown, sneer and wide barely
move for anybody. Exits with 1 where anything falls short.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from assets.actor.check_actor import (  # noqa: E402
    BROWS_INNER, BROWS_OUTER, EYE_CORNERS, INNER_LIPS, LIDS, MOUTH_CORNERS, NOSE_BRIDGE, brow_height, corner_height,
    track,
)
from engine.protocol import EMOTION_NAMES  # noqa: E402

NOSE_WINGS = (129, 358)
INNER_CORNERS = (133, 362)


def lid_gap(p: np.ndarray) -> float:
    return float(np.mean([p[low, 1] - p[high, 1] for high, low in LIDS]))


def lip_gap(p: np.ndarray) -> float:
    return p[INNER_LIPS[1], 1] - p[INNER_LIPS[0], 1]


def inner_over_outer(p: np.ndarray) -> float:
    """How much higher the brows are at their inner ends than at their outer ones: a sad brow slants."""
    return brow_height(p, BROWS_INNER) - brow_height(p, BROWS_OUTER)


def brow_gap(p: np.ndarray) -> float:
    """From the brows' inner ends to the eyes' inner corners."""
    return p[list(INNER_CORNERS), 1].mean() - p[list(BROWS_INNER), 1].mean()


def wing_height(p: np.ndarray) -> float:
    """How far the nose's wings are below its bridge, negative: higher is more."""
    return p[NOSE_BRIDGE, 1] - p[list(NOSE_WINGS), 1].mean()


def one_side(p: np.ndarray) -> float:
    """How much further one corner of the mouth is from the middle of the lips, across and up, than the other."""
    middle = p[INNER_LIPS[0]]
    reach = [np.abs(p[corner, 0] - middle[0]) + middle[1] - p[corner, 1] for corner in MOUTH_CORNERS]
    return float(reach[1] - reach[0])


# Emotion: what is seen, measure of landmarks (478, 2) in eye distances, least change towards the sign.
SIGNATURES = {
    "happy": (("corners up", corner_height, 0.02), ("mouth wider", lambda p: np.ptp(p[list(MOUTH_CORNERS), 0]), 0.10)),
    "sad": (("inner brow up", inner_over_outer, 0.02), ("corners down", corner_height, -0.02)),
    "angry": (("brow down", brow_gap, -0.03),),
    "surprised": (
        ("inner brow up", brow_gap, 0.02), ("outer brow up", lambda p: brow_height(p, BROWS_OUTER), 0.02),
        ("lids up", lid_gap, 0.01), ("jaw down", lip_gap, 0.10),
    ),
    "disgusted": (("nose wings up", wing_height, 0.01), ("brow down", brow_gap, -0.01)),
    "fear": (("inner brow up", inner_over_outer, 0.01), ("lids up", lid_gap, 0.015)),
    "contempt": (("one side", one_side, 0.03),),
}


def render(blend: Path, frames: Path, size: int, samples: int) -> None:
    """Write one PNG for each emotion with `poses.json`, which names them."""
    from assets.actor import look
    from engine.emotion.model import shipped_model
    from engine.files import make_folder, write_text

    space = shipped_model()[0].space
    faces = space.expression(space.of_weights(np.eye(len(EMOTION_NAMES), dtype=np.float32)))
    make_folder(frames)
    look.open_scene(blend, size, samples)
    for number, face in enumerate(faces):
        look.render(face, 0.0, 0.0, frames.resolve() / f"{number:02d}.png")
    write_text(frames / "poses.json", json.dumps(EMOTION_NAMES))


def measure(frames: Path, model: Path) -> bool:
    """Print the table; True where every emotion shows its signature."""
    found = track(frames, model)
    lost = [name for name, points in found.items() if points is None]
    if lost:
        print("no face found: " + ", ".join(lost))
        return False
    middles = [found["neutral"][list(corners)].mean(0) for corners in EYE_CORNERS]
    eyes = float(np.linalg.norm(middles[0] - middles[1]))
    good = True
    print(f"{'emotion':12}{'signature':18}{'change':>8}{'needs':>8}")
    for name, signature in SIGNATURES.items():
        for what, value, least in signature:
            change = float(value(found[name] / eyes) - value(found["neutral"] / eyes))
            enough = change * np.sign(least) >= abs(least)
            good &= bool(enough)
            print(f"{name:12}{what:18}{change:+8.3f}{least:+8.3f}{'' if enough else '  short'}")
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = parser.add_subparsers(dest="step", required=True)
    rendering = steps.add_parser("render")
    rendering.add_argument("blend", type=Path)
    rendering.add_argument("--frames", type=Path, required=True)
    rendering.add_argument("--size", type=int, default=384)
    rendering.add_argument("--samples", type=int, default=8)
    measuring = steps.add_parser("measure")
    measuring.add_argument("frames", type=Path)
    measuring.add_argument("--model", type=Path, default=ROOT / "engine" / "data" / "face_landmarker.task")
    options = parser.parse_args()
    if options.step == "render":
        render(options.blend, options.frames, options.size, options.samples)
    elif not measure(options.frames, options.model):
        sys.exit(1)


if __name__ == "__main__":
    main()

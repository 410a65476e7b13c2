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

from assets.actor.landmarks import (  # noqa: E402
    BROWS_INNER, BROWS_OUTER, LIPS, MOUTH_CORNERS, NOSE_BRIDGE, brow_height, corner_height, lid_gap, lip_gap,
    mouth_width, moved_enough, track,
)
from engine.protocol import EMOTION_NAMES  # noqa: E402

NOSE_WINGS = (129, 358)
INNER_CORNERS = (133, 362)


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
    middle = p[LIPS[0]]
    reach = [np.abs(p[corner, 0] - middle[0]) + middle[1] - p[corner, 1] for corner in MOUTH_CORNERS]
    return float(reach[1] - reach[0])


# Emotion: what is seen, measure, least change towards the sign.
SIGNATURES = {
    "happy": (("corners up", corner_height, 0.02), ("mouth wider", mouth_width, 0.10)),
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
    signatures = [(f"{emotion}: {seen}", emotion, *how) for emotion, all_of in SIGNATURES.items()
                  for seen, *how in all_of]  # fmt: skip
    if options.step == "render":
        render(options.blend, options.frames, options.size, options.samples)
    elif not moved_enough(track(options.frames, options.model), signatures):
        sys.exit(1)


if __name__ == "__main__":
    main()

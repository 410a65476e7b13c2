# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the actor in a pose, or many poses as one sheet, to look at.

    python assets/actor/look.py build/actor/actor.blend --out sheet.png --size 256 \
        --poses "neutral" "happy" "jawOpen=0.7 @40" "eyeBlinkLeft=1 eyeBlinkRight=1 @-40,10"

A pose is emotions and ARKit shapes with weights (1 where none is given), then @yaw or @yaw,pitch in degrees.
"""

import argparse
import math
import sys
import tempfile
from pathlib import Path

import bpy
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from assets.actor import stage  # noqa: E402
from engine.emotion.facs import prototype_table  # noqa: E402
from engine.errors import InputError  # noqa: E402
from engine.protocol import EMOTION_NAMES, EXPRESSION_NAMES  # noqa: E402

BACKDROP = (96, 99, 104, 255)  # sRGB


def parse(pose: str) -> tuple[np.ndarray, float, float]:
    """Weights (52,) in EXPRESSION_NAMES' order, yaw and pitch in degrees. Raises InputError for a name nobody has."""
    weights, yaw, pitch = np.zeros(len(EXPRESSION_NAMES)), 0.0, 0.0
    for word in pose.split():
        if word.startswith("@"):
            yaw, pitch = (*map(float, word[1:].split(",")), 0.0)[:2]
            continue
        name, _, amount = word.partition("=")
        value = float(amount or 1.0)
        names = [name] if name in EXPRESSION_NAMES else [name + "Left", name + "Right"]
        if name in EMOTION_NAMES:
            weights += value * prototype_table()[EMOTION_NAMES.index(name)]
        elif names[0] in EXPRESSION_NAMES:
            for known in names:
                weights[EXPRESSION_NAMES.index(known)] += value
        else:
            raise InputError(f"{name!r} is neither an emotion nor one of ARKit's shapes.", "Spell it as ARKit does.")
    return weights.clip(0.0, 1.0), yaw, pitch


def render(weights: np.ndarray, yaw: float, pitch: float, path: Path) -> None:
    """One frame of the open scene to a PNG, before a grey backdrop."""
    keys = bpy.data.objects["Actor"].data.shape_keys.key_blocks
    for name, weight in zip(EXPRESSION_NAMES, weights):
        keys[name].value = float(weight)
    scene = bpy.context.scene
    stage.aim(scene.camera, yaw, pitch)
    scene.render.filepath = str(path)
    bpy.ops.render.render(write_still=True)
    with Image.open(path) as frame:
        cut = frame.convert("RGBA")
    flat = Image.new("RGBA", cut.size, BACKDROP)
    flat.alpha_composite(cut)
    flat.convert("RGB").save(path)


def open_scene(blend: Path, size: int, samples: int, crop: float = 1.0) -> None:
    """Open the actor; pictures are `size` pixels square, of the middle `crop` of the camera's view."""
    bpy.ops.wm.open_mainfile(filepath=str(blend))
    scene = bpy.context.scene
    scene.cycles.samples = samples
    settings = scene.render
    settings.resolution_x = settings.resolution_y = round(size / crop)
    settings.use_border = settings.use_crop_to_border = crop < 1.0
    settings.border_min_x = settings.border_min_y = 0.5 - 0.5 * crop
    settings.border_max_x = settings.border_max_y = 0.5 + 0.5 * crop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("blend", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--poses", nargs="+", default=["neutral", "neutral @40", "neutral @90", *EMOTION_NAMES[1:]])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--crop", type=float, default=1.0, help="keep this middle part of each picture")
    options = parser.parse_args()
    poses = [parse(pose) for pose in options.poses]
    open_scene(options.blend, options.size, options.samples, options.crop)
    rows = math.ceil(len(poses) / options.columns)
    size = options.size
    sheet = Image.new("RGB", (size * min(options.columns, len(poses)), size * rows))
    with tempfile.TemporaryDirectory() as folder:
        for number, pose in enumerate(poses):
            path = Path(folder) / "frame.png"
            render(*pose, path)
            with Image.open(path) as frame:
                place = (number % options.columns * size, number // options.columns * size)
                sheet.paste(frame.convert("RGB").resize((size, size)), place)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(options.out)


if __name__ == "__main__":
    main()

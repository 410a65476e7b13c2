# SPDX-License-Identifier: GPL-3.0-or-later
"""Splats rendered by Cycles against the engine's own picture from the same camera.

They differ by noise, by Cycles' blending in linear light (for which the colours make up where they can), and where
splats cut through each other: a ray meets them in the order of their depth at that ray, the engine sorts whole splats
by their centres.
"""

from fractions import Fraction

import bpy
import numpy as np
import pytest
import torch
from PIL import Image

from engine.cli import main
from engine.deform.drive import DriveFrame
from engine.head.puppet import build_puppet
from engine.perform import perform
from engine.protocol import Controls
from engine.report import Report
from engine.splats.rasterize import rasterize
from tests.addon.extension import ROOT, module

SAMPLE = str(ROOT / "engine/data/sample_speech.flac")
SIZE, FRAME, BACKGROUND = 128, 40, 0.3


@pytest.fixture
def puppet_points(blender, tmp_path):
    clip = tmp_path / "a.emoclip"
    bake = ["bake", SAMPLE, "--head", "puppet", "--emotion", "happy=0.7", "--frames", "35-45", "--out", str(clip)]
    assert main(bake) == 0
    bpy.ops.emosplat.add_head()
    bpy.ops.emosplat.import_points(filepath=str(clip))
    bpy.ops.emosplat.add_camera()
    bpy.ops.emosplat.fix_colours()
    scene = bpy.context.scene
    scene.render.resolution_x = scene.render.resolution_y = SIZE
    scene.frame_set(FRAME)
    return scene


def engine_picture(scene) -> np.ndarray:
    """(H, W, 3) sRGB of the head itself, not of the clip."""
    entry = module("sampling").sample(bpy.context, bpy.data.objects["Head"], FRAME, FRAME).entries[0]
    take = perform(SAMPLE, fps=Fraction(25), controls=Controls(emotion={"happy": [0.7]}), seed=0, report=Report())
    posed = build_puppet().pose(DriveFrame.of_take(take, FRAME - 1), take.head_pose[FRAME - 1])
    viewmat, K = (torch.tensor(matrix)[None] for matrix in (entry.camera.viewmat, entry.camera.K))
    with torch.no_grad():
        picture, _, _ = rasterize(
            posed.means, posed.quats, posed.scales, posed.opacities, posed.sh, viewmat, K, SIZE, SIZE,
            sh_degree=posed.sh_degree, backgrounds=torch.full((1, 3), BACKGROUND),
        )
    return picture[0].numpy()


def test_cycles_shows_what_the_engine_draws(puppet_points, tmp_path):
    scene = puppet_points
    scene.render.engine, scene.render.film_transparent = "CYCLES", True
    scene.cycles.samples, scene.cycles.use_denoising = 48, False
    assert bpy.ops.emosplat.allow_bounces() == {"FINISHED"}
    scene.render.filepath = str(tmp_path / "cycles.png")
    bpy.ops.render.render(write_still=True)
    rgba = np.asarray(Image.open(scene.render.filepath).convert("RGBA")) / 255
    shown = rgba[..., :3] * rgba[..., 3:] + BACKGROUND * (1 - rgba[..., 3:])
    psnr = -10 * np.log10(((shown - engine_picture(scene)) ** 2).mean())
    assert psnr > 24, f"{psnr:.2f} dB"
    print(f"{psnr:.2f} dB")


def test_tiles_show_the_colours_in_workbench(puppet_points, tmp_path):
    """Solid view with colours by attribute: the same head in the same place, shaded."""
    scene = puppet_points
    scene.render.engine, scene.render.film_transparent = "BLENDER_WORKBENCH", True
    scene.display.shading.light, scene.display.shading.color_type = "FLAT", "VERTEX"
    module("compat").set_modifier_input(bpy.data.objects["Head Points"].modifiers["Splats"], "Render", 0)
    bpy.data.objects["Head Points"].update_tag()
    scene.render.filepath = str(tmp_path / "solid.png")
    bpy.ops.render.render(write_still=True)
    rgba = np.asarray(Image.open(scene.render.filepath).convert("RGBA")) / 255
    shown = rgba[..., :3] * rgba[..., 3:] + BACKGROUND * (1 - rgba[..., 3:])
    psnr = -10 * np.log10(((shown - engine_picture(scene)) ** 2).mean())
    assert psnr > 18, f"{psnr:.2f} dB"
    print(f"{psnr:.2f} dB")

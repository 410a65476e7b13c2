# SPDX-License-Identifier: GPL-3.0-or-later
"""A saved .blend with splat points, opened where the add-on is not: it plays and renders. A script for a process of its
own; run as a test below.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_it_plays_and_renders_without_the_add_on(head, tmp_path):
    import bpy
    from mathutils import Matrix

    bpy.ops.emosplat.bake_points()
    bpy.ops.emosplat.fix_colours()
    scene = bpy.context.scene
    scene.camera.matrix_world = Matrix(((1, 0, 0, 0.035), (0, 0, -1, -0.3), (0, 1, 0, 0.025), (0, 0, 0, 1)))
    blend = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(blend))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BLENDER_")}
    environment |= {"BLENDER_USER_RESOURCES": str(tmp_path / "fresh"), "PYTHONPATH": ""}
    done = subprocess.run([sys.executable, __file__, str(blend)], env=environment, capture_output=True, text=True,
                          timeout=200, cwd=tmp_path)
    assert done.returncode == 0 and "all is well" in done.stdout, done.stdout + done.stderr


def check(blend: str) -> None:
    import bpy
    import numpy as np

    bpy.ops.wm.open_mainfile(filepath=blend)
    assert not hasattr(bpy.types.Object, "emosplat")
    scene, thing = bpy.context.scene, bpy.data.objects["Head Points"]

    def height() -> float:
        mesh = thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
        places = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", places)
        return float(places.reshape(-1, 3)[1:, 2].mean())

    scene.frame_set(1)
    low = height()
    scene.frame_set(30)
    assert abs(height() - low - 0.01) < 1e-5
    scene.frame_set(15, subframe=0.5)
    assert abs(height() - low - 0.005) < 1e-5
    scene.render.resolution_x = scene.render.resolution_y = 64
    scene.render.film_transparent, scene.render.engine, scene.cycles.samples = True, "CYCLES", 16
    for frame in (1, 30):
        scene.frame_set(frame)
        scene.render.filepath = f"//frame_{frame}.png"
        bpy.ops.render.render(write_still=True)
        image = bpy.data.images.load(bpy.path.abspath(scene.render.filepath))
        pixels = np.array(image.pixels[:]).reshape(64, 64, 4)
        rows = np.flatnonzero(pixels[..., 3].max(axis=1) > 0.5)
        opaque = pixels[pixels[..., 3] > 0.7].mean(axis=0)
        assert abs(opaque[0] - 0.8) < 0.05 and abs(opaque[1] - 0.4) < 0.05, opaque
        if frame == 30:
            assert rows.mean() > before + 4
        before = rows.mean()
    print("all is well")


if __name__ == "__main__":
    check(sys.argv[1])

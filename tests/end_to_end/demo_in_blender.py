# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole street in a fresh Blender: install the zip, add a head, set audio, key emotions, generate, render a film.

Writes OUT/film.mp4, OUT/points.mp4, OUT/scene.blend and OUT/frames/. The last line of stdout is one JSON object. Uses
operators and properties as an animator's clicks do.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

EXTENSION = "bl_ext.user_default.emosplat"
BACKGROUND = (0.16, 0.19, 0.25)
RAMP_SECONDS = 0.6

seconds: dict[str, float] = {}


@contextmanager
def stage(name: str):
    start = time.monotonic()
    yield
    seconds[name] = round(time.monotonic() - start, 2)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--zip", type=Path, required=True, help="the extension")
    parser.add_argument("--interpreter", default="", help="the engine's Python; without it Blender's own")
    parser.add_argument("--audio", type=Path, required=True)
    parser.add_argument("--head", default="demo", help="a head's name or .emohead file")
    parser.add_argument("--emotion", default="", help="sliders to key, one after the other; none: as the voice sounds")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=int, default=512, help="side of the film in pixels")
    parser.add_argument("--json", action="store_true", help="taken for uniformity: the last line always is JSON")
    return parser.parse_args()


def emotions(text: str) -> dict[str, float]:
    """ "happy=0.8,sad=0.2" as a dict; raises ValueError."""
    weights = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        name, _, value = pair.partition("=")
        try:
            weights[name.strip()] = float(value)
        except ValueError:
            raise ValueError(f"--emotion {pair!r} is not NAME=WEIGHT. Write, for example, happy=0.8,sad=0.2.") from None
    return weights


def install(bpy, options: argparse.Namespace) -> None:
    bpy.ops.extensions.package_install_files(repo="user_default", filepath=str(options.zip), enable_on_install=True)
    if options.interpreter:
        preferences = bpy.context.preferences.addons[EXTENSION].preferences
        preferences.engine_python, preferences.interpreter = "OWN", options.interpreter


def set_scene(bpy, options: argparse.Namespace):
    """An empty scene with a head that has audio, and a camera. Returns the head."""
    scene = bpy.context.scene
    for thing in list(scene.objects):
        bpy.data.objects.remove(thing)
    scene.render.resolution_x = scene.render.resolution_y = options.size
    scene.render.fps, scene.render.fps_base = 25, 1.0
    bpy.context.preferences.filepaths.save_version = 0
    bpy.ops.wm.save_as_mainfile(filepath=str(options.out / "scene.blend"))
    bpy.ops.emosplat.add_head()
    head = bpy.context.object
    head.emosplat.head = options.head
    bpy.ops.emosplat.choose_audio(filepath=str(options.audio))
    bpy.ops.emosplat.add_camera()
    bpy.ops.emosplat.fix_colours()
    return head


def key_emotions(head, weights: dict[str, float], frames: int, fps: float) -> None:
    """Raise one slider after the other: each rests at 0 until its share of the clip begins. Without any the voice says
    what the face shows. Raises ValueError."""
    head.emosplat.auto_emotion = 0.0 if weights else 1.0
    sliders = {key.removeprefix("emotion_"): key for key in head.emosplat.bl_rna.properties.keys()
               if key.startswith("emotion_")}
    for number, (name, weight) in enumerate(weights.items()):
        if name not in sliders:
            raise ValueError(f"There is no emotion {name!r}; there are {', '.join(sliders)}.")
        if not 0.0 <= weight <= 1.0:
            raise ValueError(f"The weight of {name}, {weight:g}, is outside 0 to 1.")
        slider = sliders[name]
        start = head.emosplat.start_frame + round(frames * number / len(weights))
        for frame, value in ((start, 0.0), (start + round(RAMP_SECONDS * fps), weight)):
            setattr(head.emosplat, slider, value)
            head.emosplat.keyframe_insert(slider, frame=frame)


def audio_frames(scene, path: Path) -> int:
    strip = scene.sequence_editor_create().strips.new_sound("length", str(path), 1, 1)
    frames = strip.frame_duration
    scene.sequence_editor.strips.remove(strip)
    return frames


def lay_frames_out(bpy, head, out: Path) -> Path:
    """Move the run to OUT/frames and bring it in again from there."""
    run, frames = Path(bpy.path.abspath(head.emosplat.last_run)), out / "frames"
    if (frames / "run.json").exists():
        shutil.rmtree(frames)
    shutil.move(run, frames)
    head.emosplat.last_run = "//frames"
    bpy.ops.emosplat.import_again()
    shutil.rmtree(out / "emosplat")
    bpy.ops.emosplat.fit_scene_range()
    return frames


def render_film(bpy, out: Path, last: int) -> Path:
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, last
    strips = scene.sequence_editor.strips
    back = strips.new_effect("Background", "COLOR", 10, 1, frame_end=last + 1)
    back.color = BACKGROUND
    picture = next(strip for strip in strips if strip.get("emosplat_kind") == "picture")
    picture.channel, back.channel = 11, 10
    render = scene.render
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec, render.ffmpeg.audio_codec = "MPEG4", "H264", "AAC"
    render.ffmpeg.constant_rate_factor, render.ffmpeg.audio_bitrate = "HIGH", 160
    render.filepath, render.use_file_extension = str(out / "film.mp4"), False
    bpy.ops.render.render(animation=True)
    render.filepath = "//film.mp4"
    bpy.ops.wm.save_mainfile()
    return out / "film.mp4"


def bake_points(bpy, out: Path) -> None:
    """The head as splat points in the scene, saved. The clip stays in OUT/points.emoclip."""
    head = next(thing for thing in bpy.context.scene.objects if thing.emosplat.enabled)
    bpy.context.view_layer.objects.active = head
    bpy.ops.emosplat.bake_points()
    shutil.move(bpy.path.abspath(head.emosplat_points.clip), out / "points.emoclip")
    head.emosplat_points.clip = "//points.emoclip"
    shutil.rmtree(out / "emosplat")
    bpy.ops.wm.save_mainfile()


def render_points(bpy, out: Path) -> Path:
    """A film of the points as Blender's own renderer sees them through the scene's camera, with the sound. Tiles, since
    they need few samples; the saved file keeps its own settings.
    """
    scene, render = bpy.context.scene, bpy.context.scene.render
    modifier = next(thing for thing in scene.objects if thing.get("emosplat_points_of")).modifiers["Splats"]
    menu = next(item for item in modifier.node_group.interface.items_tree if item.name == "Render")
    modifier[menu.identifier] = 0
    scene.world = scene.world or bpy.data.worlds.new("World")
    scene.world.use_nodes = False
    scene.world.color = [((value + 0.055) / 1.055) ** 2.4 for value in BACKGROUND]
    render.engine, render.use_sequencer, render.use_persistent_data = "CYCLES", False, True
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.max_bounces = 4, False, 0
    render.filepath = str(out / "points.mp4")
    bpy.ops.render.render(animation=True)
    return out / "points.mp4"


def main() -> int:
    options = arguments()
    options.out, options.audio, options.zip = (p.resolve() for p in (options.out, options.audio, options.zip))
    options.out.mkdir(parents=True, exist_ok=True)
    user = tempfile.mkdtemp(prefix="emosplat-demo-")
    for name in [name for name in os.environ if name.startswith("BLENDER_")]:
        del os.environ[name]
    os.environ["BLENDER_USER_RESOURCES"] = user
    try:
        weights = emotions(options.emotion)
        with stage("start Blender"):
            import bpy
        with stage("install"):
            install(bpy, options)
        scene = bpy.context.scene
        with stage("scene"):
            head = set_scene(bpy, options)
            key_emotions(head, weights, audio_frames(scene, options.audio), 25.0)
        with stage("generate"):
            bpy.ops.emosplat.generate()
        with stage("import"):
            frames = lay_frames_out(bpy, head, options.out)
        count = len(list(frames.glob("frame_*.png")))
        with stage("film"):
            film = render_film(bpy, options.out, count)
        with stage("points"):
            bake_points(bpy, options.out)
        with stage("points film"):
            points_film = render_points(bpy, options.out)
    except (RuntimeError, ValueError) as error:  # what operators report, and numbers that are none
        print(f"error: {str(error).strip()}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(user, ignore_errors=True)
    print(json.dumps({
        "film": str(film), "scene": str(options.out / "scene.blend"), "frames_folder": str(frames), "frames": count,
        "fps": 25.0, "width": options.size, "height": options.size, "blender": bpy.app.version_string,
        "take": str(frames / "take.json"), "points_film": str(points_film), "seconds": seconds,
    }), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole run into the scene: sound strip, and picture strip or camera plane."""

from pathlib import Path

import bpy

from ..engine.protocol import CameraTrack
from . import paths
from .clip import FILE, Clip, load_clip
from .plane import images_of, import_plane, own_planes, remove_planes
from .problem import Problem
from .strips import import_picture, import_sound, own_strips, remove_strips, used_folders

CAMERA_FILE = "camera.json"


def import_clip(scene: bpy.types.Scene, head: bpy.types.Object, clip: Clip) -> list[str]:
    """Bring a clip in as the head's `output` says, in place of what the head brought in before.

    Returns:
        Warnings.

    Raises:
        Problem: a camera plane was asked for and there is no camera, or the head is behind it.
    """
    warnings = []
    folder = paths.stored(clip.folder)
    if head.emosplat.output == "PLANE":
        camera, cameras = _camera(scene, clip), _camera_track(clip)
        if any(marker.camera not in (None, camera) and clip.scene_first <= marker.frame <= clip.scene_last
               for marker in scene.timeline_markers):
            warnings.append(f"The scene's camera changes during the clip; the plane hangs before {camera.name!r} only.")
        import_plane(scene, head, clip, folder, camera, cameras)
        remove_strips(scene, head, "picture")
        warnings.append(import_sound(scene, head, clip))
    else:
        warnings.append(import_sound(scene, head, clip))
        import_picture(scene, head, clip, folder)
        remove_planes(head)
    head.emosplat.last_run = folder
    return [warning for warning in warnings if warning]


def import_again(scene: bpy.types.Scene, head: bpy.types.Object) -> list[str]:
    """Bring the head's last run in once more. Returns warnings. Raises Problem when it is gone."""
    return import_clip(scene, head, load_clip(last_folder(scene, head)))


def last_folder(scene: bpy.types.Scene, head: bpy.types.Object) -> str:
    """The absolute folder of the head's last run. Blender re-bases the paths of strips and images when a file is saved
    elsewhere, but no path in an object's settings: those of what the head shows are asked where the latter fails.
    """
    folder = paths.absolute(head.emosplat.last_run)
    if not (Path(folder) / FILE).is_file():
        shown = [strip.directory for strip in own_strips(scene, head, "picture")] + [
            image.filepath.rpartition("/")[0] for plane in own_planes(head) for image in images_of(plane)]
        folder = next((paths.absolute(there) for there in shown), folder)
    return folder


def fit_scene_range(scene: bpy.types.Scene, clip: Clip) -> None:
    """Extend the scene's frame range so that the whole clip plays."""
    scene.frame_start = max(0, min(scene.frame_start, clip.scene_first))
    scene.frame_end = max(scene.frame_end, clip.scene_last)


def unused_runs(head: bpy.types.Object, override: str) -> list[Path]:
    """The head's runs that no strip and no image of this file shows. Other files may still use them."""
    used = {Path(folder).resolve() for folder in used_folders()}
    return [run for run in paths.run_folders(paths.frames_folder(head, override)) if run.resolve() not in used]


def _camera(scene: bpy.types.Scene, clip: Clip) -> bpy.types.Object:
    """The camera that the clip was drawn through, or the scene's where that one has gone."""
    camera = scene.objects.get(clip.camera)
    if camera is None or camera.type != "CAMERA":
        camera = scene.camera
    if camera is None:
        raise Problem("The scene has no camera for the plane.", "Make a camera active, or choose the video strip.",
                      "camera")
    return camera


def _camera_track(clip: Clip) -> CameraTrack:
    path = Path(clip.folder) / CAMERA_FILE
    try:
        return CameraTrack.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError) as error:
        raise Problem(f"{path} cannot be used ({error}).", "Generate again.") from None

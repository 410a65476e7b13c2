# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a character's head stands in its scene: the head's own frame, from an object, a bone, or the face itself."""

from dataclasses import dataclass

import bpy
import numpy as np

from ..problem import Problem
from .job import CharacterJob

# On the mean head of ICT FaceKit, metres: between the eyelids' middles; from their middle to between the ears.
EYE_DISTANCE = 0.0645
EARS_FROM_EYES = np.array([0.0, 0.106, -0.020])
MIDDLE_FROM_EYES = np.array([0.0, 0.075, -0.022])  # what cameras aim at
LIKELY_EYE_DISTANCES = (0.045, 0.085)
UPRIGHT = np.cos(np.radians(40.0))

_EYES = ("eyeBlink", "eyeSquint", "eyeWide", "eyeLookUp", "eyeLookDown")
_MOUTH = ("mouthPucker", "mouthFunnel", "mouthClose", "mouthPressLeft", "mouthSmileLeft", "mouthSmileRight", "jawOpen")


@dataclass(frozen=True)
class HeadFrame:
    """A head's own frame in its scene.

    Args:
        origin: (3,) in the scene's units.
        axes: (3, 3) rotation, whose columns are the head's left, back and up.
        metres: metres per unit of the scene.
        middle: (3,) what cameras aim at, in the head's frame, metres.
        warnings: what to tell the person about it.
    """

    origin: np.ndarray
    axes: np.ndarray
    metres: float
    middle: np.ndarray
    warnings: list[str]

    def to_head(self, points: np.ndarray) -> np.ndarray:
        """(P, 3) points of the scene in the head's frame, metres."""
        return (points - self.origin) @ self.axes * self.metres

    def camera_matrix(self, viewmat: np.ndarray) -> np.ndarray:
        """(4, 4) matrix of a Blender camera (looks along -z, y up) that sees as `viewmat` (head's frame, metres)."""
        rotation = viewmat[:3, :3].T
        place = -rotation @ viewmat[:3, 3]
        matrix = np.eye(4)
        matrix[:3, :3] = self.axes @ rotation @ np.diag([1.0, -1.0, -1.0])
        matrix[:3, 3] = self.origin + self.axes @ place / self.metres
        return matrix


def find_head_frame(job: CharacterJob, scene: bpy.types.Scene) -> HeadFrame:
    """The head's frame in the pose that the scene is in.

    Raises:
        Problem: the object or bone is not there, or the face says nothing and none was named.
    """
    unit = scene.unit_settings.scale_length if scene.unit_settings.system != "NONE" else 1.0
    eyes, mouth = _eyes_and_mouth(job)
    named = job.head_object and not job.head_bone
    if eyes is None and not named:
        raise Problem("The face's shapes do not tell where its eyes are.",
                      "Match eyeBlinkLeft and eyeBlinkRight, or choose an object that stands where the head does: its "
                      "origin between the ears, its -y where the face looks, its z up.", "character")
    warnings: list[str] = []
    metres = unit if eyes is None else _metres(np.linalg.norm(eyes[0] - eyes[1]), unit, warnings)
    origin, axes = _object_frame(job.head_object) if named else _face_axes(eyes, mouth, job, warnings)
    if job.head_bone:
        origin = _bone_place(job)
    elif not named:
        origin = eyes.mean(axis=0) + axes @ (EARS_FROM_EYES / metres)
    between = axes.T @ (eyes.mean(axis=0) - origin) * metres if eyes is not None else -EARS_FROM_EYES
    return HeadFrame(origin, axes, metres, between + MIDDLE_FROM_EYES, warnings)


def world_points(thing: bpy.types.Object) -> np.ndarray:
    """(V, 3) float64 of an object's evaluated vertices in the scene's units, modifiers and pose included."""
    seen = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = seen.to_mesh()
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    seen.to_mesh_clear()
    matrix = np.array(seen.matrix_world, np.float64)
    return points.reshape(-1, 3).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def _eyes_and_mouth(job: CharacterJob) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The eyes' middles (2, 3), left first, and the mouth's (3,): what their shapes move most."""
    rest = {shape.object: world_points(bpy.data.objects[shape.object]) for shape in job.shapes}
    eyes = [_moved([f"{name}{side}" for name in _EYES], job, rest) for side in ("Left", "Right")]
    mouth = _moved(list(_MOUTH), job, rest)
    if any(eye is None for eye in eyes) or np.allclose(*eyes):
        return None, mouth
    return np.stack(eyes), mouth


def _moved(names: list[str], job: CharacterJob, rest: dict[str, np.ndarray]) -> np.ndarray | None:
    """(3,) the middle of what the first of `names` that moves anything moves."""
    for name in names:
        total, weight = np.zeros(3), 0.0
        for shape in job.shapes:
            if shape.names != [name]:
                continue
            thing = bpy.data.objects[shape.object]
            key = thing.data.shape_keys.key_blocks[shape.key]
            key.value = 1.0
            thing.data.update()
            bpy.context.view_layer.update()
            moved = world_points(thing)
            key.value = 0.0
            if moved.shape != rest[shape.object].shape:
                continue
            far = np.linalg.norm(moved - rest[shape.object], axis=1)
            far[far < 0.2 * far.max()] = 0.0
            total += far @ rest[shape.object]
            weight += far.sum()
        if weight > 0.0:
            return total / weight
    return None


def _metres(apart: float, unit: float, warnings: list[str]) -> float:
    if LIKELY_EYE_DISTANCES[0] <= apart * unit <= LIKELY_EYE_DISTANCES[1]:
        return unit
    warnings.append(f"The character's eyes are {apart * unit:.3g} m apart; it was taken to be of a person's size, with "
                    f"{EYE_DISTANCE:.3f} m.")
    return EYE_DISTANCE / apart


def _object_frame(name: str) -> tuple[np.ndarray, np.ndarray]:
    thing = bpy.data.objects.get(name)
    if thing is None:
        raise Problem(f"There is no object {name!r}.", "Choose the head's object again.", "character")
    matrix = np.array(thing.evaluated_get(bpy.context.evaluated_depsgraph_get()).matrix_world, np.float64)
    u, sizes, v = np.linalg.svd(matrix[:3, :3])
    if sizes.min() < 1e-9 or np.linalg.det(u @ v) < 0.0:
        raise Problem(f"The object {name!r} is mirrored or has no size.", "Apply its scale.", "character")
    return matrix[:3, 3], u @ v


def _bone_place(job: CharacterJob) -> np.ndarray:
    rig = bpy.data.objects.get(job.head_object)
    bone = rig.pose.bones.get(job.head_bone) if rig is not None and rig.pose is not None else None
    if bone is None:
        raise Problem(f"There is no bone {job.head_bone!r} in {job.head_object!r}.", "Choose the head's bone again.",
                      "character")
    rig = rig.evaluated_get(bpy.context.evaluated_depsgraph_get())
    return np.array(rig.matrix_world @ rig.pose.bones[job.head_bone].head, np.float64)


def _face_axes(
    eyes: np.ndarray, mouth: np.ndarray | None, job: CharacterJob, warnings: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Left from one eye to the other; up is the scene's for a head that stands, else from mouth to eyes."""
    middle = eyes.mean(axis=0)
    left = eyes[0] - eyes[1]
    left /= np.linalg.norm(left)
    up = np.array([0.0, 0.0, 1.0])
    if mouth is not None:
        rise = middle - mouth
        rise -= left * (rise @ left)
        rise /= np.linalg.norm(rise)
        if rise @ up < UPRIGHT:
            up = rise
    up = up - left * (up @ left)
    up /= np.linalg.norm(up)
    back = np.cross(up, left)
    cloud = np.concatenate([world_points(bpy.data.objects[name]) for name in {s.object for s in job.shapes}])
    if (cloud.mean(axis=0) - middle) @ back < 0.0:
        warnings.append("The character's shapes seem to call its right side left; the capture follows their names.")
        left, back = -left, -back
    return middle, np.stack([left, back, up], axis=1)

# SPDX-License-Identifier: GPL-3.0-or-later
"""A jaw's bone, turned with jawOpen."""

from math import cos, sin

import bpy
import numpy as np

from ..problem import Problem
from .actions import Curve
from .reduce import reduce_curve
from .settings import AXES, RigSettings


def require_bone(settings: RigSettings) -> bpy.types.PoseBone:
    """The bone that the settings name. Raises Problem where it cannot be turned."""
    rig = settings.jaw_rig
    bone = rig.pose.bones.get(settings.jaw_bone) if rig is not None and rig.pose is not None else None
    if bone is None:
        raise Problem(f"There is no jaw bone {settings.jaw_bone!r}.", "Choose the rig and one of its bones.",
                      "character")
    if not rig.is_editable:
        raise Problem(f"The rig {rig.name!r} is linked from another file.", "Make it local, or a library override.",
                      "character")
    drivers = rig.animation_data.drivers if rig.animation_data else ()
    if any(driver.data_path.startswith(f"{bone.path_from_id()}.rotation") for driver in drivers):
        raise Problem(f"Drivers turn the bone {bone.name!r}.", "Choose another bone, or switch Jaw Bone off.",
                      "character")
    return bone


def jaw_curves(bone: bpy.types.PoseBone, settings: RigSettings, frames: np.ndarray, weights: np.ndarray) -> list[Curve]:
    """Curves of the bone's rotation, away from its rest pose about one of its own axes.

    Args:
        frames: (T,) scene frames, evenly apart.
        weights: (T,) jawOpen in [0, 1].
    """
    kept = reduce_curve(weights, settings.error)
    times, angles = frames[kept], weights[kept].astype(np.float64) * settings.jaw_angle
    axis, path = AXES.index(settings.jaw_axis), bone.path_from_id()
    if bone.rotation_mode == "QUATERNION":
        values = [[cos(angle / 2), *(sin(angle / 2) * (k == axis) for k in range(3))] for angle in angles]
        path += ".rotation_quaternion"
    elif bone.rotation_mode == "AXIS_ANGLE":
        values = [[angle, *(float(k == axis) for k in range(3))] for angle in angles]
        path += ".rotation_axis_angle"
    else:
        return [Curve(f"{path}.rotation_euler", axis, np.stack([times, angles], axis=1))]
    return [Curve(path, index, np.stack([times, column], axis=1)) for index, column in enumerate(np.array(values).T)]

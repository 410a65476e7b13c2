# SPDX-License-Identifier: GPL-3.0-or-later
"""Talking portraits as AD-NeRF, RAD-NeRF, ER-NeRF, SyncTalk, GaussianTalker, TalkingGaussian and others lay them out.

    ori_imgs/N.jpg        pictures at 25 frames per second from frame 0; ori_imgs/N.lms: 68 landmarks, x and y in pixels
    gt_imgs/N.jpg         the same before the clean background bc.jpg; used where there is no ori_imgs
    parsing/N.png         regions as colours: see `given_regions.py`
    teeth_mask/N.npy      bool (H, W), TalkingGaussian's
    transforms_train.json, transforms_val.json
                          focal_len, cx, cy in pixels; frames of img_id (N), aud_id (sound's frame), transform_matrix
    track_params.pt       focal (1,), euler (T, 3), trans (T, 3): read where the transforms are missing
    au.csv, aud.wav       OpenFace's action units, row N of frame N; the sound

torso_imgs/ and bc.jpg are made of these and tell nothing more.

A transform_matrix leads from a camera with x right, y up and z backwards to the face model's frame, in which the head
stands still: the Basel Face Model with x to the head's left, y up, z to the front and its origin in the mean of its
vertices, in metres (the tracker fits it in tenths of a metre, BFM's micrometres over 1e5, and saves a tenth of that).
Source: data_utils/process.py and data_utils/face_tracking of https://github.com/Fictionarry/ER-NeRF (Li et al. 2023,
Efficient region-aware neural radiance fields), the same in https://github.com/YudongGuo/AD-NeRF.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np

from ...errors import FormatError
from ..storage import MAX_FRAME
from ..tracking.poses import exp_so3
from ..transforms import OPENCV_TO_OPENGL
from .action_units import expression_of_units, read_units
from .data_set import DataSet, SetPicture, World
from .strangers import AGAIN, entries, number, picture_size, read_json, read_tensors, rigid_matrix, whole_number

FPS = Fraction(25)
PICTURE_FOLDERS = ("ori_imgs", "gt_imgs")
TRAIN, VAL, PARAMETERS = "transforms_train.json", "transforms_val.json", "track_params.pt"
MAX_FOCAL = 1e5
TRACKER_UNIT = 0.1  # metres


def is_er_nerf(folder: Path) -> bool:
    """Whether a folder has this layout."""
    return _pictures_folder(folder) is not None and any((folder / name).is_file() for name in (TRAIN, VAL, PARAMETERS))


def read_er_nerf(folder: Path, fps: Fraction | None = None) -> DataSet:
    """What such a folder says of itself.

    Args:
        fps: frames per second where the set was not made at 25.

    Raises:
        FormatError: whatever is wrong, in one sentence.
    """
    names = [name for name in (TRAIN, VAL) if (folder / name).is_file()]
    if names:
        found = [entry for name in names for entry in _transforms(folder / name, test=name == VAL)]
        # Frames of both files are held out: what was tested on must not be fitted.
        tested = {entry["image"] for entry in found if entry["test"]}
        found = [entry for entry in found if entry["test"] or entry["image"] not in tested]
    else:
        found = _tracked(folder)
    if not names or VAL not in names:
        found = [{**entry, "test": None} for entry in found]
    pictures = [_picture(folder, **entry) for entry in found]
    warnings = []
    if not pictures[0].parsing:
        warnings.append(f"{folder.name} has no parsing/: regions are found from the pictures alone.")
    expression = None
    if (folder / "au.csv").is_file():
        expression = _expression(folder / "au.csv", [entry["image"] for entry in found])
    audio = folder / "aud.wav"
    return DataSet(
        name=folder.resolve().name, folder=folder, fps=fps or FPS, world=World.FACE_MODEL, pictures=pictures,
        expression=expression, audio=audio if audio.is_file() else None, warnings=warnings,
    )


def _pictures_folder(folder: Path) -> Path | None:
    return next((folder / name for name in PICTURE_FOLDERS if (folder / name).is_dir()), None)


def _transforms(path: Path, test: bool) -> list[dict]:
    """`_picture`'s arguments of every frame of a transforms file."""
    data = read_json(path)
    focal = number(data.get("focal_len"), "focal_len", path, 1, MAX_FOCAL)
    middle = [number(data.get(name), name, path, 0, MAX_FOCAL) for name in ("cx", "cy")]
    found = []
    for entry in entries(data, path):
        image = whole_number(entry.get("img_id"), "img_id", path, MAX_FRAME)
        time = whole_number(entry.get("aud_id", image), "aud_id", path, MAX_FRAME)
        pose = rigid_matrix(entry.get("transform_matrix"), f"the transform_matrix of img_id {image}", path)
        found.append({"image": image, "time": time, "focal": focal, "middle": middle, "pose": pose, "test": test})
    return found


def _tracked(folder: Path) -> list[dict]:
    """`_picture`'s arguments from the tracker's own parameters."""
    path = folder / PARAMETERS
    tensors = read_tensors(path)
    shapes = {name: tensors[name].shape if name in tensors else None for name in ("focal", "euler", "trans")}
    euler, trans = tensors.get("euler"), tensors.get("trans")
    if shapes["focal"] != (1,) or not shapes["euler"] or shapes["euler"] != (len(euler), 3):
        raise FormatError(f"{path} lacks a focal length or angles: {shapes}.", AGAIN)
    if shapes["trans"] != shapes["euler"] or not all(np.isfinite(tensors[name]).all() for name in shapes):
        raise FormatError(f"{path} lacks positions, or holds numbers that are not finite: {shapes}.", AGAIN)
    focal = number(float(tensors["focal"][0]), "focal", path, 1, MAX_FOCAL)
    width, height = picture_size(_picture_file(folder, 0))
    # Turns about x and y are counted clockwise, about z counterclockwise; z is applied first.
    axes = np.eye(3)
    turn_x, turn_y, turn_z = (exp_so3(np.outer(euler[:, k] * sign, axes[k])) for k, sign in enumerate((-1, -1, 1)))
    head_to_camera = np.tile(np.eye(4), (len(euler), 1, 1))
    head_to_camera[:, :3, :3] = turn_x @ turn_y @ turn_z
    head_to_camera[:, :3, 3] = trans * TRACKER_UNIT
    poses = np.linalg.inv(head_to_camera)
    return [
        {"image": k, "time": k, "focal": focal, "middle": [width / 2, height / 2], "test": None,
         "pose": rigid_matrix(pose.tolist(), f"the pose of frame {k}", path)}
        for k, pose in enumerate(poses)
    ]  # fmt: skip


def _picture_file(folder: Path, image: int) -> Path:
    where = _pictures_folder(folder)
    for suffix in (".jpg", ".png"):
        if (where / f"{image}{suffix}").is_file():
            return where / f"{image}{suffix}"
    raise FormatError(f"{where} lacks the picture {image}.jpg, which the cameras name.", AGAIN)


def _picture(folder: Path, image: int, time: int, focal: float, middle: list, pose: np.ndarray, test) -> SetPicture:
    def existing(name: str) -> Path | None:
        return folder / name if (folder / name).is_file() else None

    path = _picture_file(folder, image)
    return SetPicture(
        path=path, camera=0, frame=time, size=picture_size(path), test=test, pose=pose @ OPENCV_TO_OPENGL,
        K=np.array([[focal, 0, middle[0]], [0, focal, middle[1]], [0, 0, 1]]),
        parsing=existing(f"parsing/{image}.png"), teeth=existing(f"teeth_mask/{image}.npy"),
        points=existing(f"ori_imgs/{image}.lms"),
    )


def _expression(path: Path, images: list[int]) -> np.ndarray:
    expression = expression_of_units(read_units(path))
    if max(images) >= len(expression):
        raise FormatError(f"{path} has {len(expression)} rows and the cameras go to frame {max(images)}.", AGAIN)
    return expression[images]

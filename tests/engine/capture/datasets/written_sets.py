# SPDX-License-Identifier: GPL-3.0-or-later
"""Small data sets in exactly the layouts that are read: dots at known places in space, drawn where cameras see them."""

import csv
import json
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

SIDE = 128
FOCAL = 300.0
DOT = 1.8  # radius in pixels
# Of one bright dot per picture: places in the world of a set, metres.
DOTS = np.array([[0.03, 0.02, 0.05], [-0.04, 0.01, 0.06], [0.0, -0.05, 0.04], [0.05, -0.03, -0.02]])


def rotation(axis: int, angle: float) -> np.ndarray:
    """(3, 3) counterclockwise turn about a coordinate axis."""
    c, s = np.cos(angle), np.sin(angle)
    a, b = [(1, 2), (2, 0), (0, 1)][axis]
    matrix = np.eye(3)
    matrix[a, a], matrix[a, b], matrix[b, a], matrix[b, b] = c, -s, s, c
    return matrix


def draw_dot(x: float, y: float, width: int = SIDE, height: int = SIDE, colour=(255, 255, 255)) -> np.ndarray:
    """(H, W, 3) uint8, dark but for a soft dot whose centre is at x, y (pixel centres at +0.5)."""
    ys, xs = np.mgrid[0:height, 0:width] + 0.5
    bright = np.exp(-((xs - x) ** 2 + (ys - y) ** 2) / (2 * DOT**2))
    return (bright[..., None] * colour).round().astype(np.uint8)


def dot_in(image: np.ndarray) -> np.ndarray:
    """(2,) centre of the brightest dot of (H, W, 3) uint8."""
    grey = image[..., :3].astype(float).sum(axis=2)
    grey = np.where(grey > 0.2 * grey.max(), grey, 0)
    ys, xs = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]] + 0.5
    return np.array([(grey * xs).sum(), (grey * ys).sum()]) / grey.sum()


class ErNerfSet:
    """A head that turns before one camera, as ER-NeRF's scripts leave it.

    A point p of the face model (metres, x to its left, y up, z to the front) is before the tracker's camera at
    q = turn p + move with q's z negative, and lands on (cx - f qx / qz, cy + f qy / qz).
    """

    COUNT = 12

    def __init__(self, folder: Path, landmarks: bool = False) -> None:
        self.folder = folder
        rng = np.random.default_rng(3)
        self.euler = rng.uniform(-0.25, 0.25, (self.COUNT, 3))
        self.moves = np.array([0.0, 0.0, -0.8]) + rng.uniform(-0.02, 0.02, (self.COUNT, 3))
        self.turns = [rotation(0, -x) @ rotation(1, -y) @ rotation(2, z) for x, y, z in self.euler]
        self.write(landmarks)

    def pixel(self, frame: int, point: np.ndarray) -> np.ndarray:
        x, y, z = self.turns[frame] @ point + self.moves[frame]
        return np.array([SIDE / 2 - FOCAL * x / z, SIDE / 2 + FOCAL * y / z])

    def write(self, landmarks: bool) -> None:
        for name in ("ori_imgs", "parsing", "teeth_mask", "torso_imgs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for frame in range(self.COUNT):
            x, y = self.pixel(frame, DOTS[frame % len(DOTS)])
            Image.fromarray(draw_dot(x, y)).save(self.folder / f"ori_imgs/{frame}.jpg", quality=100, subsampling=0)
            Image.fromarray(parsing()).save(self.folder / f"parsing/{frame}.png")
            teeth = np.zeros((SIDE, SIDE), bool)
            teeth[70:72, 60:68] = True
            np.save(self.folder / f"teeth_mask/{frame}.npy", teeth)
            if landmarks:
                np.savetxt(self.folder / f"ori_imgs/{frame}.lms", self.landmarks(frame), "%f")
        Image.fromarray(draw_dot(0, 0)).save(self.folder / "bc.jpg")
        self.write_transforms("train", range(0, 9))
        self.write_transforms("val", range(9, self.COUNT))
        self.write_units()
        soundfile.write(self.folder / "aud.wav", np.linspace(-0.5, 0.5, 16000 * self.COUNT // 25), 16000)

    def write_transforms(self, name: str, frames) -> None:
        entries = []
        for frame in frames:
            pose = np.eye(4)
            pose[:3, :3] = self.turns[frame].T
            pose[:3, 3] = -self.turns[frame].T @ self.moves[frame]
            entries.append({"img_id": frame, "aud_id": frame, "transform_matrix": pose.tolist()})
        data = {"focal_len": FOCAL, "cx": SIDE / 2, "cy": SIDE / 2, "frames": entries}
        (self.folder / f"transforms_{name}.json").write_text(json.dumps(data))

    def write_units(self) -> None:
        names = ["frame", " face_id", " confidence", " AU01_r", " AU12_r", " AU25_r", " AU26_r", " AU45_r", " AU45_c"]
        with open(self.folder / "au.csv", "w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(names)
            for frame in range(self.COUNT):
                rows.writerow([frame + 1, 0, 0.98, 2.5, 5.0 * frame / 11, 0, 5.0, 1.0, 1])

    def landmarks(self, frame: int) -> np.ndarray:
        """(68, 2) pixels: the eight points of a face that stand in known places, and a closed mouth."""
        points = np.full((68, 2), SIDE / 2)
        for index, place in FACE_POINTS.items():
            points[index] = self.pixel(frame, place)
        return points


# Multi-PIE's landmarks of MediaPipe's canonical face, moved by OFFSET within the face model: metres, (left, up, front).
OFFSET = np.array([0.004, -0.01, -0.03])
FACE_POINTS = {
    36: [-4.45, 2.66, 3.17], 39: [-1.86, 2.59, 3.76], 42: [1.86, 2.59, 3.76], 45: [4.45, 2.66, 3.17],
    27: [0.0, 3.27, 5.24], 28: [0.0, 1.73, 6.32], 29: [0.0, 1.06, 6.77], 30: [0.0, -0.46, 7.59],
}  # fmt: skip
FACE_POINTS = {index: np.array(place) * 0.01 + OFFSET for index, place in FACE_POINTS.items()}


def parsing() -> np.ndarray:
    """(SIDE, SIDE, 3) face parsing's colours as the files have them: hair, head, mouth, neck, torso on white."""
    colours = np.full((SIDE, SIDE, 3), 255, np.uint8)
    colours[20:40, 40:88] = (0, 0, 0)
    colours[40:90, 40:88] = (0, 0, 255)
    colours[68:76, 56:72] = (100, 100, 100)
    colours[90:100, 54:74] = (0, 255, 0)
    colours[100:128, 20:108] = (255, 0, 0)
    return colours


class NerfstudioSet:
    """Cameras around a dot in a world of its own unit and axes, as nerfstudio has them; (w, h) is not square."""

    WIDTH, HEIGHT = 160, 120

    def __init__(self, folder: Path, cameras: int = 3, times: int = 2, alpha: bool = True, **top) -> None:
        self.folder, self.cameras, self.times = folder, cameras, times
        (folder / "images").mkdir(parents=True)
        self.entries = []
        for camera in range(cameras):
            turn = rotation(2, 0.4 * (camera - 1)) @ rotation(0, np.pi / 2 - 0.1 * camera)
            pose = np.eye(4)
            pose[:3, :3] = turn
            pose[:3, 3] = turn @ [0.05, -0.02, 0.9]  # before the origin, which it looks at along its -z
            for time in range(times):
                entry = {
                    "file_path": f"images/cam{camera}_{time:04d}.png", "transform_matrix": pose.tolist(),
                    "fl_x": 210.0 + camera, "fl_y": 205.0, "cx": 82.0, "cy": 57.0, "w": self.WIDTH, "h": self.HEIGHT,
                    "camera_index": camera, "timestep_index": 3 * time,
                }
                self.entries.append(entry)
                image = draw_dot(*self.pixel(entry, DOTS[camera]), self.WIDTH, self.HEIGHT)
                if alpha:
                    image = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
                    image[:10, :, 3] = 0
                Image.fromarray(image).save(folder / entry["file_path"])
        self.write(**top)

    def pixel(self, entry: dict, point: np.ndarray) -> np.ndarray:
        """Where a camera that looks along -z with y up sees a point of the world."""
        x, y, z, _ = np.linalg.inv(np.array(entry["transform_matrix"])) @ [*point, 1]
        return np.array([entry["cx"] + entry["fl_x"] * x / -z, entry["cy"] - entry["fl_y"] * y / -z])

    def write(self, **top) -> None:
        data = {"camera_model": "OPENCV", "frames": self.entries, **top}
        (self.folder / "transforms.json").write_text(json.dumps(data))

# SPDX-License-Identifier: GPL-3.0-or-later
"""ICT FaceKit as arrays in Blender's axes: one identity, ARKit's 52 shapes, the parts that are drawn.

Source: Li et al. 2020, Learning Formation of Physically-Based Face Attributes (ICT Face Model Light, MIT licence). The
archive is in metres, y up and facing +z; everything here is in metres, z up, facing -y, the origin between the ears.
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import FormatError
from engine.protocol import EXPRESSION_NAMES

FACES = Path(__file__).resolve().parents[3] / "shared" / "data" / "ict_facekit" / "ict_facekit.npz"
IDENTITY_SIGMA = 0.5
EAR_HALF_WIDTH = 0.083
# The kit's browDown lowers the middle of the brows and leaves their inner ends, which reads as sorrow, not anger.
BROW_DOWN_GAIN, BROW_DOWN_INNER = 1.25, -0.55
BROW_UP_GAIN = {"browInnerUp": 1.35, "browOuterUp": 1.2}  # raised brows that still read from across a room
UPPER_TEETH_DROP, LOWER_TEETH_RISE = 0.0025, 0.0015  # metres; the kit hides them behind the lips even in speech
EYE_TURN = {"Up": 25.0, "Down": 30.0, "In": 32.0, "Out": 32.0}  # degrees at weight 1

# First and last vertex (exclusive) of each part.
FACE = (0, 9409)
NECK = (9409, 11248)
MOUTH_SOCKET = (11248, 13294)
GUMS = (14062, 17039)
TEETH = (17039, 21451)
UPPER_MOUTH = (14062, 21451)  # gums, tongue and teeth, of which those are upper that the jaw leaves
TONGUE = (16611, 17039)  # within the gums' range
EYEBALLS = {"Left": (21451, 23021), "Right": (23021, 24591)}
IRIS_OFFSET = 770  # an eyeball's outer shell comes first, then the ball with the iris
LASH_CARDS = {"Left": 25351, "Right": 26035}  # first vertex; three cards of 114 above, then three below

# Shells that stand for shadow and moisture in real-time renderers; here they would hide the irises.
UNDRAWN = ("M_EyeBlend", "M_EyeOcclusion", "M_EyeLashes")


@dataclass
class FaceKit:
    """One identity. V vertices, F faces in CSR form, E = 52 shapes in EXPRESSION_NAMES' order.

    rest (V, 3) this identity; template (V, 3) the mean face, where regions are defined once for all identities;
    deltas (52, V, 3) float32; normals (V, 3) unit, of rest; offsets (F + 1,) into corners, which name vertices;
    materials (F,) into material_names; uv_corners into uv (U, 2); eye_centres by side, of the eyeballs.
    """

    rest: np.ndarray
    template: np.ndarray
    deltas: np.ndarray
    normals: np.ndarray
    offsets: np.ndarray
    corners: np.ndarray
    materials: np.ndarray
    material_names: list[str]
    uv: np.ndarray
    uv_corners: np.ndarray
    eye_centres: dict[str, np.ndarray]

    def faces(self, chosen: np.ndarray) -> list[np.ndarray]:
        """Vertex loops of the chosen faces (a boolean mask (F,) or indices)."""
        indices = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return [self.corners[self.offsets[k]:self.offsets[k + 1]] for k in indices]


def load(path: Path, seed: int) -> FaceKit:
    """The identity that `seed` chooses: principal component weights drawn from N(0, 0.6).

    Raises:
        FormatError: the file is missing or is not the face archive.
    """
    try:
        with np.load(path, allow_pickle=False) as archive:
            data = {name: archive[name] for name in archive.files}
        names = [str(name) for name in data["expression_names"]]
        mean = to_blender(data["vertices"].astype(np.float64))
        identity = np.random.default_rng(seed).normal(0.0, IDENTITY_SIGMA, len(data["identity_deltas"]))
        rest = mean + to_blender(np.tensordot(identity, data["identity_deltas"].astype(np.float64), 1))
        shapes = {name: to_blender(delta.astype(np.float32)) for name, delta in zip(names, data["expression_deltas"])}
        topology = [data[key] for key in ("face_offsets", "face_vertices", "face_materials", "uv", "face_uvs")]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise FormatError(f"{path} is not ICT FaceKit's archive: {error}.", "Name it with --faces.") from error
    offsets, corners, materials, uv, uv_corners = topology
    still = np.linalg.norm(shapes["jawOpen"][slice(*UPPER_MOUTH)], axis=1) < 1e-4
    moves = (0.0, -0.0005, -UPPER_TEETH_DROP), (0.0, 0.0, LOWER_TEETH_RISE)
    rest[slice(*UPPER_MOUTH)] += np.where(still[:, None], *moves)
    ears = np.flatnonzero(np.abs(mean[:FACE[1], 0]) > EAR_HALF_WIDTH)
    middle, mean_middle = rest[ears].mean(0), mean[ears].mean(0)
    rest, template = rest - [0.0, *middle[1:]], mean - [0.0, *mean_middle[1:]]
    centres = {side: sphere_centre(rest[slice(*span)][IRIS_OFFSET:]) for side, span in EYEBALLS.items()}
    return FaceKit(
        rest=rest, template=template, deltas=arkit_deltas(shapes, rest, template, centres),
        normals=vertex_normals(rest, offsets, corners), offsets=offsets, corners=corners, materials=materials,
        material_names=[str(name) for name in data["material_names"]], uv=uv, uv_corners=uv_corners,
        eye_centres=centres,
    )


def to_blender(vectors: np.ndarray) -> np.ndarray:
    """(..., 3) from y up, facing +z to z up, facing -y."""
    return np.stack([vectors[..., 0], -vectors[..., 2], vectors[..., 1]], axis=-1)


def sphere_centre(points: np.ndarray) -> np.ndarray:
    """(3,) least-squares centre of points (N, 3) on a sphere."""
    system = np.c_[2.0 * points, np.ones(len(points))]
    return np.linalg.lstsq(system, (points ** 2).sum(1), rcond=None)[0][:3]


def vertex_normals(vertices: np.ndarray, offsets: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(V, 3) unit normals, weighted by face area."""
    normals = np.zeros_like(vertices)
    for size in (3, 4):
        first = offsets[:-1][np.diff(offsets) == size]
        loops = corners[first[:, None] + np.arange(size)]
        p = vertices[loops]
        face = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]) if size == 3 else np.cross(
            p[:, 2] - p[:, 0], p[:, 3] - p[:, 1])
        for column in range(size):
            np.add.at(normals, loops[:, column], face)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def arkit_deltas(shapes: dict[str, np.ndarray], rest: np.ndarray, template: np.ndarray,
                 centres: dict[str, np.ndarray]) -> np.ndarray:
    """(52, V, 3) float32 in EXPRESSION_NAMES' order, out of the kit's 57.

    Split shapes are summed where ARKit has one, ARKit's cheekSquint is FACS' AU 6 and takes part of cheekRaiser. The
    kit's gaze shapes move only the lids: the eyeballs are turned here. It has no tongueOut: made here.
    """
    deltas = np.zeros((len(EXPRESSION_NAMES), *rest.shape), np.float32)
    for row, name in enumerate(EXPRESSION_NAMES):
        side = "Left" if name.endswith("Left") else "Right" if name.endswith("Right") else ""
        stem = name.removesuffix(side)
        if name == "tongueOut":
            deltas[row] = tongue_out(template)
        elif name in shapes:
            deltas[row] = shapes[name]
        elif side:
            deltas[row] = shapes[f"{stem}_{side[0]}"]
        else:
            deltas[row] = shapes[f"{stem}_L"] + shapes[f"{stem}_R"]
        if stem == "cheekSquint":
            deltas[row] += 0.5 * shapes[f"cheekRaiser_{side[0]}"]
        deltas[row] *= BROW_UP_GAIN.get(stem, 1.0)
        if stem == "browDown":
            deltas[row] = BROW_DOWN_GAIN * deltas[row] + BROW_DOWN_INNER * shapes[f"browInnerUp_{side[0]}"]
        if stem.startswith("eyeLook"):
            span = slice(*EYEBALLS[side])
            ball = rest[span] - centres[side]
            deltas[row, span] = ball @ gaze_rotation(stem.removeprefix("eyeLook"), side).T - ball
    return deltas


def gaze_rotation(direction: str, side: str) -> np.ndarray:
    """(3, 3) rotation of one eyeball; the left eye is at +x and looks in towards -x."""
    angle = np.radians(EYE_TURN[direction])
    c, s = np.cos(angle), np.sin(angle)
    if direction in ("Up", "Down"):
        s = -s if direction == "Up" else s
        return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    outwards = 1.0 if side == "Left" else -1.0
    s *= outwards if direction == "Out" else -outwards
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def tongue_out(template: np.ndarray) -> np.ndarray:
    """(V, 3) the tongue slides out over the lower lip and droops at its tip, more towards the tip."""
    tongue = np.arange(*TONGUE)
    place = template[tongue]
    front, back = place[:, 1].min(), place[:, 1].max()
    along = np.clip((back - place[:, 1]) / (back - front), 0.0, 1.0)
    eased = along ** 1.5
    delta = np.zeros_like(template, dtype=np.float32)
    delta[tongue, 0] = -0.15 * place[:, 0] * eased
    delta[tongue, 1] = -0.040 * eased
    delta[tongue, 2] = 0.006 * np.sin(np.pi * along) - 0.006 * along ** 4
    return delta

# SPDX-License-Identifier: GPL-3.0-or-later
"""The actor: its shapes move what they name, its hair rides on its skin, its .blend has what a capture needs."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assets.actor import clothing, facekit, regions, strands
from engine.errors import FormatError
from engine.protocol import EXPRESSION_NAMES

ROOT = Path(__file__).resolve().parents[3]
FACES = ROOT.parent / "shared" / "data" / "ict_facekit" / "ict_facekit.npz"
needs_faces = pytest.mark.skipif(not FACES.exists(), reason="ICT FaceKit is not there")


@pytest.fixture(scope="module")
def kit():
    return facekit.load(FACES, seed=3)


def delta(kit, name):
    return kit.deltas[EXPRESSION_NAMES.index(name)]


@needs_faces
def test_it_faces_the_way_of_the_projects_heads(kit):
    marks = regions.landmarks(kit.rest)
    ears = kit.rest[np.flatnonzero(np.abs(kit.template[:9409, 0]) > facekit.EAR_HALF_WIDTH)]
    assert marks[regions.NOSE_TIP, 1] < ears[:, 1].mean() - 0.05, "the nose points to -y"
    assert marks[27, 2] > marks[regions.CHIN, 2] + 0.05, "z is up"
    assert np.abs(ears.mean(0)).max() < 0.01, "the origin lies between the ears"


@needs_faces
def test_a_seed_is_a_person():
    one, again, other = (facekit.load(FACES, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.rest, again.rest)
    assert np.abs(one.rest - other.rest).max() > 0.002


@needs_faces
def test_shapes_move_what_they_name(kit):
    marks = list(regions.LANDMARKS)
    assert delta(kit, "browInnerUp")[marks[21:23], 2].min() > 0.003
    assert delta(kit, "browDownLeft")[marks[23], 2] < -0.002
    assert abs(delta(kit, "browDownLeft")[marks[20], 2]) < 0.001, "the other brow stays"
    assert delta(kit, "jawOpen")[marks[regions.CHIN], 2] < -0.02
    corners = delta(kit, "mouthSmileLeft") + delta(kit, "mouthSmileRight")
    assert corners[marks[54], 0] > 0.003 > -0.003 > corners[marks[48], 0]
    assert np.isfinite(kit.deltas).all()
    assert (np.abs(kit.deltas).max((1, 2)) > 0.002).all(), "no shape is empty"


@needs_faces
@pytest.mark.parametrize("side", ["Left", "Right"])
def test_gaze_turns_the_eyeball_about_its_centre(kit, side):
    first, last = facekit.EYEBALLS[side]
    ball, centre = slice(first + facekit.IRIS_OFFSET, last), kit.eye_centres[side]
    pupil = np.argmin(kit.rest[ball, 1])
    outwards = 1.0 if side == "Left" else -1.0
    for way, axis, sign in (("Out", 0, outwards), ("In", 0, -outwards), ("Up", 2, 1.0), ("Down", 2, -1.0)):
        moved = delta(kit, f"eyeLook{way}{side}")[ball]
        assert moved[pupil, axis] * sign > 0.004, way
        radii = [np.linalg.norm(p - centre, axis=1) for p in (kit.rest[ball], kit.rest[ball] + moved)]
        np.testing.assert_allclose(radii[0], radii[1], atol=1e-5)


@needs_faces
def test_only_the_tongue_comes_out(kit):
    moved = np.flatnonzero(np.abs(delta(kit, "tongueOut")).max(1) > 1e-6)
    assert moved.min() >= facekit.TONGUE[0] and moved.max() < facekit.TONGUE[1]
    assert delta(kit, "tongueOut")[:, 1].min() < -0.03


@needs_faces
def test_regions_lie_where_they_should(kit):
    marks = list(regions.LANDMARKS)
    hair, lips = regions.hair(kit.template), regions.lips(kit.template)
    assert hair[marks[17:]].max() == 0.0, "no hair on brows, eyes, nose and mouth"
    assert hair[kit.template[:, 2].argmax()] == 1.0, "hair on top of the head"
    assert lips[marks[51]] > -0.5 and lips[marks[62]] > 1.0 and lips[marks[regions.NOSE_TIP]] < -5.0
    assert regions.brows(kit.template)[marks[regions.CHIN]] == 0.0
    neck = regions.neck(kit.template)
    assert neck[marks].max() == 0.0 and neck[:11248][kit.template[:11248, 2] < -0.13].min() == 1.0


@needs_faces
def test_lashes_close_with_the_lids_and_brows_rise(kit):
    rng = np.random.default_rng(0)
    for grown, name, direction in ((strands.lash_strands(kit, rng, 20, 0), "eyeBlinkLeft", -1.0),
                                   (strands.brow_strands(kit, rng, 80), "browOuterUpLeft", 1.0)):
        np.testing.assert_allclose(grown.weights.sum(-1), 1.0, atol=1e-9)
        moved = (delta(kit, name)[grown.sources] * grown.weights[..., None]).sum(2)
        left = grown.points[:, 0, 0] > 0.0
        assert moved[left, 0, 2].mean() * direction > 0.002
        assert np.abs(moved[~left]).max() < 0.001


@needs_faces
def test_strands_become_closed_tubes_of_their_radius(kit):
    hair = strands.brow_strands(kit, np.random.default_rng(0), 10)
    vertices, quads, sources, _ = strands.tubes(hair)
    kept = len(hair.points)
    assert len(vertices) == len(sources) == kept * strands.POINTS * strands.TUBE_SIDES
    assert quads.max() < len(vertices)
    distance = np.linalg.norm(vertices.reshape(kept, strands.POINTS, -1, 3) - hair.points[:, :, None], axis=-1)
    np.testing.assert_allclose(distance, np.repeat(hair.radii[..., None], strands.TUBE_SIDES, 2), rtol=1e-6)


def test_the_jumper_is_a_surface_about_the_neck():
    vertices, quads = clothing.jumper()
    corners = vertices[quads]
    normals = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    shoulders = corners.mean(1)[:, 2] < -0.2
    assert (normals[shoulders, 0] * corners.mean(1)[shoulders, 0]).sum() > 0.0, "outside faces out"


def test_what_is_no_face_archive_is_said_so(tmp_path):
    for content in (None, b"not a zip"):
        path = tmp_path / "faces.npz"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(FormatError, match="--faces"):
            facekit.load(path, 0)


INSPECT = """
import bpy, json, sys
bpy.ops.wm.open_mainfile(filepath=sys.argv[-1])
actor = bpy.data.objects["Actor"]
print("FOUND", json.dumps({
    "keys": [key.name for key in actor.data.shape_keys.key_blocks],
    "groups": sorted(group.name for group in actor.vertex_groups),
    "memberships": sorted({len(vertex.groups) for vertex in actor.data.vertices}),
    "objects": sorted(o.name for o in bpy.data.objects if o.type in ("MESH", "CURVES")),
    "camera": bpy.context.scene.camera.name,
}))
"""


@needs_faces
def test_the_script_makes_a_blend_that_a_capture_can_use(tmp_path):
    pytest.importorskip("bpy")
    blend = tmp_path / "actor.blend"
    script = ROOT / "assets" / "actor" / "build_actor.py"
    made = subprocess.run([sys.executable, script, "--out", blend, "--seed", "5", "--faces", FACES],
                          capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["actor.blend"]
    seen = subprocess.run([sys.executable, "-c", INSPECT, blend], capture_output=True, text=True)
    assert seen.returncode == 0, seen.stderr
    found = json.loads(next(line for line in seen.stdout.splitlines() if line.startswith("FOUND"))[6:])
    assert found["keys"] == ["Basis", *EXPRESSION_NAMES]
    assert found["groups"] == ["face", "hair", "mouth_interior", "neck_and_torso"]
    assert found["memberships"] == [1], "every vertex is in one region"
    assert found["objects"] == ["Actor", "Hair", "Jumper"]
    assert found["camera"] == "Portrait"

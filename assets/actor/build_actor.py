# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the actor: a rigged character .blend from ICT FaceKit, with skin, eyes, hair, jumper, light and camera.

    python assets/actor/build_actor.py --out build/actor/actor.blend --seed 18 --faces ../shared/data/ict_facekit/...npz

Needs the bpy wheel (4.5). The object "Actor" has a shape key for each of ARKit's 52 names; the same seed gives the
same person. Vertex groups name the regions: face, hair, mouth_interior, neck_and_torso.
"""

import argparse
import sys
from pathlib import Path

import bpy
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from assets.actor import clothing, facekit, materials, regions, stage, strands  # noqa: E402
from engine.files import make_folder, whole_file  # noqa: E402
from engine.protocol import EXPRESSION_NAMES  # noqa: E402


def build(kit: facekit.FaceKit, seed: int) -> bpy.types.Object:
    """Fill an empty scene with the actor; returns the object that carries the shape keys."""
    rng = np.random.default_rng([seed, 1])
    look = materials.choose(seed)
    scene = bpy.context.scene
    brows, lashes = strands.brow_strands(kit, rng), strands.lash_strands(kit, rng)
    actor = head(kit, {"Brows": brows, "Lashes": lashes}, look, rng)
    scene.collection.objects.link(actor)
    for part in (scalp(strands.scalp_strands(kit, rng), look, rng), jumper(kit, look)):
        scene.collection.objects.link(part)
        part.parent = actor
    stage.set_up(scene)
    return actor


def head(kit: facekit.FaceKit, hairs: dict[str, strands.Strands], look: materials.Look,
         rng: np.random.Generator) -> bpy.types.Object:
    """The face with its brows and lashes as one mesh, so that one set of shape keys moves everything."""
    slots = {
        "Skin": materials.skin(look), "Sclera": materials.sclera(), "Iris": materials.iris(look),
        "Tear": materials.tear(), "Teeth": materials.teeth(),
        "Gums": materials.flesh("Gums", (0.45, 0.17, 0.15), 0.35, 0.0001, 0.05),
        "Tongue": materials.flesh("Tongue", (0.52, 0.20, 0.18), 0.42, 0.0003, 0.08),
        "Mouth": materials.flesh("Mouth", (0.44, 0.13, 0.11), 0.40, 0.0002, 0.10),
        "Lid Margin": materials.flesh("Lid Margin", (0.52, 0.24, 0.19), 0.30, 0.0),
        "Brows": materials.strand("Brows", tuple(1.25 * c for c in look.hair)),
        "Lashes": materials.strand("Lashes", tuple(0.5 * c for c in look.hair)),
    }
    order = list(slots)
    kinds = face_kinds(kit)
    hidden = clothing.covered(kit.template)
    kinds = ["" if hidden[kit.corners[first:last]].all() else kind
             for kind, first, last in zip(kinds, kit.offsets[:-1], kit.offsets[1:])]
    drawn = np.array([kind != "" for kind in kinds])
    faces = kit.faces(drawn)
    indices = [order.index(kind) for kind in kinds if kind]
    points, deltas = [kit.rest], [kit.deltas]
    shade = np.zeros(len(kit.rest))
    start = len(kit.rest)
    shades = [shade]
    for name, hair in hairs.items():
        vertices, quads, sources, weights = strands.tubes(hair)
        faces += list(quads + start)
        indices += [order.index(name)] * len(quads)
        points.append(vertices)
        deltas.append(sum(kit.deltas[:, sources[:, k]] * weights[:, k, None].astype(np.float32)
                          for k in range(sources.shape[1])))
        shades.append(np.repeat(rng.random(len(hair.points)), len(vertices) // len(hair.points)))
        start += len(vertices)
    rest, moves = np.concatenate(points), np.concatenate(deltas, axis=1)
    mesh = bpy.data.meshes.new("Actor")
    mesh.from_pydata(rest.tolist(), [], [face.tolist() for face in faces])
    for material in slots.values():
        mesh.materials.append(material)
    mesh.polygons.foreach_set("material_index", np.array(indices, np.int32))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    write_attributes(mesh, kit, np.concatenate(shades))
    actor = bpy.data.objects.new("Actor", mesh)
    actor.shape_key_add(name="Basis", from_mix=False)
    for name, move in zip(EXPRESSION_NAMES, moves):
        key = actor.shape_key_add(name=name, from_mix=False)
        key.data.foreach_set("co", (rest + move).astype(np.float32).ravel())
    write_groups(actor, kit, len(rest))
    return actor


def face_kinds(kit: facekit.FaceKit) -> list[str]:
    """The material of each of the kit's faces; "" for those that are not drawn."""
    kinds = []
    for first, last, material in zip(kit.offsets[:-1], kit.offsets[1:], kit.materials):
        name, vertex = kit.material_names[material], int(kit.corners[first:last].max())
        if name in facekit.UNDRAWN:
            kinds.append("")
        elif name in ("M_Face", "M_BackHead"):
            kinds.append("Skin" if vertex < facekit.MOUTH_SOCKET[0] else
                         "Mouth" if vertex < facekit.MOUTH_SOCKET[1] else "Lid Margin")
        elif name == "M_GumsTongue":
            kinds.append("Tongue" if vertex >= facekit.TONGUE[0] else "Gums")
        else:
            kinds.append({"M_Teeth": "Teeth", "M_LacrimalFluid": "Tear"}.get(
                name, "Iris" if name.startswith("M_Iris") else "Sclera"))
    return kinds


def write_attributes(mesh: bpy.types.Mesh, kit: facekit.FaceKit, shade: np.ndarray) -> None:
    """The vertex attributes that materials.py reads."""
    count, known = len(mesh.vertices), len(kit.rest)
    template = np.zeros((count, 3), np.float32)
    template[:known] = kit.template
    eye, eye_centre = np.zeros((count, 3), np.float32), np.zeros((count, 3), np.float32)
    for side, span in facekit.EYEBALLS.items():
        eye[slice(*span)] = kit.rest[slice(*span)] - kit.eye_centres[side]
        eye_centre[slice(*span)] = kit.eye_centres[side]
    for name, vectors in (("template", template), ("eye", eye), ("eye_centre", eye_centre)):
        mesh.attributes.new(name, "FLOAT_VECTOR", "POINT").data.foreach_set("vector", vectors.ravel())
    masks = {name: getattr(regions, name)(kit.template) for name in ("lips", "blush", "lids", "brows", "hair")}
    masks["hair"][facekit.NECK[1]:] = 0.0
    for name, mask in masks.items():
        values = np.zeros(count, np.float32)
        values[:known] = mask
        mesh.attributes.new(name, "FLOAT", "POINT").data.foreach_set("value", values)
    mesh.attributes.new("strand", "FLOAT", "POINT").data.foreach_set("value", shade.astype(np.float32))


def write_groups(actor: bpy.types.Object, kit: facekit.FaceKit, count: int) -> None:
    """Vertex groups of the regions that a capture tells apart; every vertex is in one."""
    vertices = np.arange(count)
    mouth = np.zeros(count, bool)
    for part in (facekit.MOUTH_SOCKET, facekit.GUMS, facekit.TEETH):
        mouth |= (vertices >= part[0]) & (vertices < part[1])
    scalp_, neck = np.zeros(count, bool), np.zeros(count, bool)
    scalp_[:facekit.NECK[1]] = regions.hair(kit.template)[:facekit.NECK[1]] > 0.5
    neck[:facekit.NECK[1]] = regions.neck(kit.template)[:facekit.NECK[1]] > 0.5
    for name, chosen in (("mouth_interior", mouth), ("hair", scalp_), ("neck_and_torso", neck),
                         ("face", ~(mouth | scalp_ | neck))):
        actor.vertex_groups.new(name=name).add(np.flatnonzero(chosen).tolist(), 1.0, "REPLACE")


def scalp(hair: strands.Strands, look: materials.Look, rng: np.random.Generator) -> bpy.types.Object:
    """The head's hair as Blender's hair curves."""
    curves = bpy.data.hair_curves.new("Hair")
    curves.add_curves([strands.POINTS] * len(hair.points))
    curves.attributes["position"].data.foreach_set("vector", hair.points.astype(np.float32).ravel())
    curves.attributes.new("radius", "FLOAT", "POINT").data.foreach_set("value", hair.radii.astype(np.float32).ravel())
    shade = rng.random(len(hair.points)).astype(np.float32)
    curves.attributes.new("strand", "FLOAT", "CURVE").data.foreach_set("value", shade)
    curves.materials.append(materials.strand("Hair", look.hair))
    return bpy.data.objects.new("Hair", curves)


def jumper(kit: facekit.FaceKit, look: materials.Look) -> bpy.types.Object:
    vertices, quads = clothing.jumper(clothing.neck_width(kit.rest, kit.template))
    mesh = bpy.data.meshes.new("Jumper")
    mesh.from_pydata(vertices.tolist(), [], quads.tolist())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(quads), bool))
    mesh.materials.append(materials.cloth(look))
    made = bpy.data.objects.new("Jumper", mesh)
    made.vertex_groups.new(name="neck_and_torso").add(list(range(len(vertices))), 1.0, "REPLACE")
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "actor" / "actor.blend")
    parser.add_argument("--seed", type=int, default=18, help="which person")
    parser.add_argument("--faces", type=Path, default=facekit.FACES, help="ICT FaceKit's archive")
    options = parser.parse_args()
    kit = facekit.load(options.faces, options.seed)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    build(kit, options.seed)
    make_folder(options.out.parent)
    with whole_file(options.out.resolve()) as part:
        bpy.ops.wm.save_as_mainfile(filepath=str(part), check_existing=False, compress=True)
    print(options.out)


if __name__ == "__main__":
    main()

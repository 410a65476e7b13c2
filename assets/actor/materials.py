# SPDX-License-Identifier: GPL-3.0-or-later
"""Skin, eyes, mouth, hair and cloth as procedural shaders; colours are linear.

They read vertex attributes that the builder writes: `template` (the place on the mean face, so that marks stay put
while the face moves), `lips`, `blush`, `lids`, `brows`, `hair` (regions.py), `eye` (the place in the eyeball's own
frame, looking along -y) and `eye_centre` (the eyeball's middle).
"""

from dataclasses import dataclass

import bpy
import numpy as np

from .nodes import Graph

Colour = tuple[float, float, float]

SKINS: tuple[tuple[Colour, Colour], ...] = (  # base, flush
    ((0.54, 0.290, 0.188), (0.46, 0.115, 0.078)),
    ((0.47, 0.265, 0.175), (0.36, 0.115, 0.080)),
    ((0.34, 0.180, 0.110), (0.26, 0.085, 0.055)),
    ((0.17, 0.082, 0.048), (0.13, 0.042, 0.027)),
)
LIPS: tuple[Colour, ...] = ((0.35, 0.098, 0.088), (0.30, 0.100, 0.082), (0.22, 0.075, 0.062), (0.115, 0.042, 0.036))
HAIRS: tuple[Colour, ...] = ((0.030, 0.017, 0.010), (0.010, 0.007, 0.005), (0.060, 0.028, 0.013), (0.008, 0.006, 0.005))
IRISES: tuple[Colour, ...] = ((0.115, 0.050, 0.020), (0.10, 0.16, 0.22), (0.12, 0.13, 0.055), (0.040, 0.018, 0.010))
SHIRTS: tuple[Colour, ...] = ((0.035, 0.050, 0.075), (0.060, 0.065, 0.060), (0.090, 0.030, 0.028), (0.10, 0.085, 0.065))

LIMBUS = 0.0060  # radii in metres on the eyeball
PUPIL = 0.0021


@dataclass(frozen=True)
class Look:
    """One person's colours."""

    skin: Colour
    flush: Colour
    lips: Colour
    hair: Colour
    iris: Colour
    shirt: Colour


def choose(seed: int) -> Look:
    """Seed 0 is a fair, brown-haired person; other seeds go through the palettes at random."""
    rng = np.random.default_rng([seed, 77])
    tone, strand, iris, shirt = (int(rng.integers(4)) for _ in range(4)) if seed else (0, 0, 1, 0)
    if tone == 3:
        strand, iris = 3, 3
    return Look(*SKINS[tone], LIPS[tone], HAIRS[strand], IRISES[iris], SHIRTS[shirt])


def skin(look: Look) -> bpy.types.Material:
    """Few and shallow noises: a bump reads its height three times, and the skin is most of a frame's cost."""
    g = Graph("Skin")
    place = g.attribute("template").outputs["Vector"]
    broad, mottled, fine = g.noise(place, 38.0, 0.0), g.noise(place, 210.0, 1.0), g.noise(place, 1100.0, 1.0)
    lip = g.ramp(g.math("ADD", g.value("lips"), g.math("MULTIPLY_ADD", mottled, 1.2, -0.6)), -1.5, 1.1)
    flush = g.math("MULTIPLY_ADD", g.value("blush"), 0.62, g.ramp(mottled, 0.45, 0.75, 0.0, 0.12))
    colour = g.mix(look.skin, look.flush, flush)
    colour = g.mix(colour, tuple(0.82 * c for c in look.skin), g.ramp(broad, 0.35, 0.70, 0.0, 0.65))
    colour = g.mix(colour, tuple(c * f for c, f in zip(look.skin, (0.60, 0.46, 0.46))),
                   g.math("MULTIPLY", g.value("lids"), 0.45))
    spots = g.math("MULTIPLY", g.ramp(fine, 0.60, 0.74), g.ramp(mottled, 0.46, 0.62, 0.0, 0.34))
    colour = g.mix(colour, tuple(c * f for c, f in zip(look.skin, (0.55, 0.40, 0.32))), spots)
    lip_colour = g.mix(look.lips, tuple(0.72 * c for c in look.lips), g.ramp(fine, 0.35, 0.7))
    colour = g.mix(colour, lip_colour, g.math("MULTIPLY", lip, 0.82))
    hair = g.value("hair")
    roots = g.math("MULTIPLY", g.ramp(hair, 0.15, 0.9, 0.0, 0.92), g.ramp(mottled, 0.2, 0.75, 0.75, 1.0))
    colour = g.mix(colour, tuple(0.7 * c for c in look.hair), roots)
    colour = g.mix(colour, look.hair, g.math("MULTIPLY", g.value("brows"), 0.26))
    rough = g.math("SUBTRACT", g.ramp(mottled, 0.3, 0.7, 0.48, 0.60), g.math("MULTIPLY", lip, 0.12))
    return g.principled(
        Base_Color=colour, Roughness=rough, Specular_IOR_Level=g.math("MULTIPLY_ADD", hair, -0.38, 0.40),
        Normal=g.bump(fine, 0.00028, 0.5), Subsurface_Weight=0.35, Subsurface_Radius=(1.0, 0.28, 0.14),
        Subsurface_Scale=0.0060, Coat_Weight=g.math("MULTIPLY", lip, 0.12), Coat_Roughness=0.30,
    )


def sclera() -> bpy.types.Material:
    """The eyeball's outer shell: wet white, clear over the iris."""
    g = Graph("Sclera")
    eye = g.node("SeparateXYZ", Vector=g.attribute("eye").outputs["Vector"])
    radius = radius_from_axis(g, eye)
    veins = g.ramp(g.noise(g.attribute("eye").outputs["Vector"], 520.0, 2.0), 0.54, 0.66, 0.0, 0.22)
    pink = g.math("MULTIPLY_ADD", g.ramp(radius, 0.0070, 0.0125), 0.30, veins)
    white = under_lid(g, g.mix((0.55, 0.515, 0.49), (0.50, 0.24, 0.20), pink))
    solid = g.node("BsdfPrincipled", Base_Color=white, Roughness=0.25, Coat_Weight=1.0, Coat_Roughness=0.05)
    clear = g.node("MixShader", Fac=g.math("MULTIPLY_ADD", g.node("Fresnel", IOR=1.38).outputs[0], 1.6, 0.035),
                   _1=g.node("BsdfTransparent").outputs[0], _2=g.node("BsdfGlossy", Roughness=0.05).outputs[0])
    front = g.math("LESS_THAN", eye.outputs[1], 0.0)
    window = g.math("MULTIPLY", g.ramp(radius, LIMBUS - 0.0006, LIMBUS + 0.0005, 1.0, 0.0), front)
    return g.surface(g.node("MixShader", Fac=window, _1=solid.outputs[0], _2=clear.outputs[0]).outputs[0])


def iris(look: Look) -> bpy.types.Material:
    """The ball within: pupil, fibres, dark limbus."""
    g = Graph("Iris")
    eye = g.node("SeparateXYZ", Vector=g.attribute("eye").outputs["Vector"])
    radius = radius_from_axis(g, eye)
    angle = g.math("ARCTAN2", eye.outputs[0], eye.outputs[2])
    ring = g.node("CombineXYZ", X=g.math("MULTIPLY", g.math("COSINE", angle), 3.2),
                  Y=g.math("MULTIPLY", g.math("SINE", angle), 3.2), Z=g.math("MULTIPLY", radius, 260.0))
    fibres = g.noise(ring.outputs[0], 3.0, 4.0)
    colour = g.mix(tuple(0.45 * c for c in look.iris), tuple(min(1.0, 1.4 * c) for c in look.iris),
                   g.ramp(fibres, 0.30, 0.70))
    amber = tuple(0.5 * c + 0.5 * a for c, a in zip(look.iris, (0.16, 0.085, 0.03)))
    colour = g.mix(colour, amber, g.ramp(radius, 0.0026, 0.0040, 0.75, 0.0))
    colour = g.mix(colour, (0.008, 0.008, 0.010), g.ramp(radius, LIMBUS - 0.0011, LIMBUS - 0.0001, 0.0, 0.9))
    colour = g.mix(colour, (0.002, 0.002, 0.002), g.ramp(radius, PUPIL - 0.0001, PUPIL + 0.0003, 1.0, 0.0))
    return g.principled(Base_Color=under_lid(g, colour), Roughness=0.45, Specular_IOR_Level=0.2)


def radius_from_axis(g: Graph, eye: bpy.types.Node) -> bpy.types.NodeSocket:
    squares = (g.math("MULTIPLY", eye.outputs[axis], eye.outputs[axis]) for axis in (0, 2))
    return g.math("SQRT", g.math("ADD", *squares))


def under_lid(g: Graph, colour: bpy.types.NodeSocket) -> bpy.types.NodeSocket:
    """The soft shadow of upper lid and lashes: it stays with the lid while the eye turns."""
    offset = g.node("VectorMath", {"operation": "SUBTRACT"}, _0=g.node("TexCoord").outputs["Object"],
                    _1=g.attribute("eye_centre").outputs["Vector"]).outputs[0]
    height = g.node("SeparateXYZ", Vector=offset).outputs[2]
    return g.mix(colour, (0.0, 0.0, 0.0), g.ramp(height, 0.0005, 0.0058, 0.0, 0.62))


def tear() -> bpy.types.Material:
    """The film along the lids: only its highlights show."""
    g = Graph("Tear")
    shine = g.node("MixShader", Fac=g.math("MULTIPLY", g.node("Fresnel", IOR=1.38).outputs[0], 1.2),
                   _1=g.node("BsdfTransparent").outputs[0], _2=g.node("BsdfGlossy", Roughness=0.06).outputs[0])
    return g.surface(shine.outputs[0])


def teeth() -> bpy.types.Material:
    g = Graph("Teeth")
    place = g.attribute("template").outputs["Vector"]
    colour = g.mix((0.47, 0.41, 0.33), (0.38, 0.31, 0.23), g.noise(place, 160.0, 0.0))
    depth = g.node("SeparateXYZ", Vector=place).outputs[1]
    colour = g.mix(colour, (0.20, 0.095, 0.070), g.ramp(depth, -0.090, -0.062, 0.0, 0.80))
    return g.principled(Base_Color=colour, Roughness=0.30, Coat_Weight=0.2, Coat_Roughness=0.2,
                        Emission_Color=(0.30, 0.17, 0.12), Emission_Strength=0.06)


def flesh(name: str, colour: Colour, rough: float, grain: float, glow: float = 0.0) -> bpy.types.Material:
    """Wet tissue: gums, tongue, the mouth's walls, the eyes' sockets. `glow` stands for light that a cavity of flesh
    passes on in more bounces than a frame has."""
    g = Graph(name)
    place = g.attribute("template").outputs["Vector"]
    mottled = g.noise(place, 300.0, 1.0)
    shade = g.mix(colour, tuple(0.68 * c for c in colour), mottled)
    return g.principled(Base_Color=shade, Roughness=rough, Normal=g.bump(g.noise(place, 1400.0, 0.0), grain),
                        Coat_Weight=0.3, Coat_Roughness=0.15, Emission_Color=shade, Emission_Strength=glow)


def strand(name: str, colour: Colour) -> bpy.types.Material:
    """Hair that every render engine draws: a rough dielectric with an oily sheen, each strand a little different."""
    g = Graph(name)
    shade = g.mix(tuple(0.7 * c for c in colour), tuple(1.45 * c for c in colour), g.value("strand"))
    return g.principled(Base_Color=shade, Roughness=0.60, Specular_IOR_Level=0.25)


def cloth(look: Look) -> bpy.types.Material:
    g = Graph("Cloth")
    place = g.node("TexCoord").outputs["Object"]
    knit = g.noise(place, 800.0, 0.0)
    colour = g.mix(look.shirt, tuple(1.25 * c for c in look.shirt), g.noise(place, 90.0, 1.0))
    colour = g.mix(tuple(0.8 * c for c in look.shirt), colour, g.ramp(knit, 0.3, 0.7))
    return g.principled(Base_Color=colour, Roughness=0.9, Specular_IOR_Level=0.15, Sheen_Weight=0.06,
                        Normal=g.bump(knit, 0.0008, 0.6))

# SPDX-License-Identifier: GPL-3.0-or-later
"""Which part of a character is hair, face, mouth interior or neck and torso, told from names. No Blender.

Vertex groups come first, then materials, then the object's own name; what says nothing is face where shape keys move
the object, hair where it is made of hair, and torso otherwise.
"""

import re

# The capture's masks count in this order.
REGIONS = ("background", "hair", "face", "mouth_interior", "neck_torso")
HAIR, FACE, MOUTH, TORSO = 1, 2, 3, 4

# Words that lie on the face though they could mean hair or the mouth's inside.
_FACE = ("face", "brow", "brows", "eyebrow", "eyebrows", "lash", "lashes", "eyelash", "eyelashes", "beard", "moustache",
         "mustache", "stubble", "eye", "eyes", "eyeball", "iris", "cornea", "sclera", "pupil", "lip", "lips", "ear",
         "nose", "cheek", "tear", "tearline", "lacrimal", "skin", "fuzz")
_HAIR = ("hair", "hairs", "scalp", "ponytail", "bangs", "fringe", "braid", "haircap")
_MOUTH = ("teeth", "tooth", "tongue", "gum", "gums", "palate", "oral", "innermouth", "mouthinterior", "mouthsocket",
          "mouthbag", "mouthcavity", "uvula", "dentures")
_TORSO = ("neck", "torso", "chest", "shoulder", "shoulders", "body", "spine", "clavicle", "shirt", "jumper", "jacket",
          "coat", "collar", "cloth", "clothes", "clothing", "dress", "suit", "scarf", "hoodie", "sweater", "tie")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def region_of(name: str) -> int:
    """The region that a name means, or 0 where it says nothing."""
    words = [word.lower() for word in _WORD.findall(name)]
    pairs = {a + b for a, b in zip(words, words[1:])}
    said = pairs | set(words)
    for known, region in ((_MOUTH, MOUTH), (_FACE, FACE), (_HAIR, HAIR), (_TORSO, TORSO)):
        if said & set(known):
            return region
    return 0


def region_of_material(name: str) -> int:
    """As `region_of`; a material that is called mouth and nothing else is the mouth's inside."""
    said = [word.lower() for word in _WORD.findall(name) if word.lower() not in ("m", "mat", "material")]
    return MOUTH if said == ["mouth"] else region_of(name)

# SPDX-License-Identifier: GPL-3.0-or-later
"""What a data set itself says of a picture's regions: face parsing's colours, masks of the person, teeth.

Colours of parsing/N.png: white background, blue head, green neck, red torso. TalkingGaussian's sets also have black
hair and grey (100) mouth interior, which are blue in the others. Source: data_utils/face_parsing/test.py of
https://github.com/Fictionarry/ER-NeRF and https://github.com/Fictionarry/TalkingGaussian (Li et al. 2024), whose names
are in the order of OpenCV's channels.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..masks import BACKGROUND, FACE, HAIR, MOUTH, TORSO
from .data_set import SetPicture
from .strangers import read_bool_array, read_mask

# (red, green, blue) and the region. Neck and torso are one region here.
COLOURS = (
    ((255, 255, 255), BACKGROUND), ((0, 0, 255), FACE), ((0, 255, 0), TORSO), ((255, 0, 0), TORSO),
    ((0, 0, 0), HAIR), ((100, 100, 100), MOUTH),
)  # fmt: skip


@dataclass
class GivenRegions:
    """What is known of one picture's regions.

    Args:
        mask: (H, W) uint8 indices into REGIONS; FACE where only the person is known.
        parts: whether head and torso are told apart.
        hair: whether hair is told from the face.
    """

    mask: np.ndarray
    parts: bool
    hair: bool


def given_regions(picture: SetPicture, image: np.ndarray, has_hair: bool) -> GivenRegions | None:
    """The regions that the set gives of a picture, or None where it gives none.

    Args:
        image: (H, W, 3 or 4) uint8, the picture as the file has it; the mask will be of its size.
        has_hair: whether the set's parsing knows hair.

    Raises:
        FormatError: a mask that is no picture.
    """
    size = image.shape[1], image.shape[0]
    if picture.parsing is not None:
        mask = _nearest(_regions_of(read_mask(picture.parsing, colours=True)), size)
        if picture.teeth is not None:
            teeth = _nearest(read_bool_array(picture.teeth).astype(np.uint8), size) > 0
            mask[teeth & ((mask == FACE) | (mask == MOUTH))] = MOUTH
        return GivenRegions(mask, parts=True, hair=has_hair)
    if picture.foreground is not None:
        person = _nearest(read_mask(picture.foreground), size) > 127
    elif image.shape[2] == 4:
        person = image[..., 3] > 127
    else:
        return None
    return GivenRegions(np.where(person, FACE, BACKGROUND).astype(np.uint8), parts=False, hair=False)


def knows_hair(picture: SetPicture) -> bool:
    """Whether hair has its own colour in a picture's parsing; of one set, in all or in none."""
    return picture.parsing is not None and bool((_regions_of(read_mask(picture.parsing, colours=True)) == HAIR).any())


def _regions_of(colours: np.ndarray) -> np.ndarray:
    """(H, W) uint8 regions of (H, W, 3) colours: the nearest of COLOURS, for files that were resized."""
    nearest = np.full(colours.shape[:2], 3 * 256, np.int32)
    regions = np.zeros(colours.shape[:2], np.uint8)
    for colour, region in COLOURS:
        distance = np.abs(colours.astype(np.int32) - colour).sum(axis=2)
        closer = distance < nearest
        nearest[closer], regions[closer] = distance[closer], region
    return regions


def _nearest(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(H, W) uint8 at another size, without values between."""
    return np.array(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))

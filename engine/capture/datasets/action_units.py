# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenFace's action units as ARKit's weights, for data sets whose faces cannot be tracked here.

OpenFace (Baltrusaitis et al. 2018, OpenFace 2.0) writes the intensity of 17 units of the Facial Action Coding System
from 0 (absent) to 5 (at most) as AU01_r to AU45_r, one row per frame:
https://github.com/TadasBaltrusaitis/OpenFace/wiki/Action-Units. Which ARKit shape shows which unit follows the units'
definitions (Ekman, Friesen & Hager 2002, Facial Action Coding System) and Melinda Ozel's ARKit to FACS cheat sheet,
https://melindaozel.com/arkit-to-facs-cheat-sheet. A unit has no side, so both sides move alike. The mouth's shape is
hardly in the units: 25 says that the lips part, 26 that the jaw drops, and neither how round the lips are.
"""

import csv
from pathlib import Path

import numpy as np

from ...errors import FormatError
from ...protocol import EXPRESSION_NAMES
from .strangers import AGAIN

MOST = 5.0
# OpenFace's blinks end near 2; who trains on these sets takes that as a closed eye (TalkingGaussian, Li et al. 2024).
MOST_BLINK = 2.0
MAX_BYTES = 2_000_000_000

# ARKit's shape, without its side where it has two -> units and what part of each.
SHAPES: dict[str, dict[int, float]] = {
    "browInnerUp": {1: 1.0}, "browOuterUp": {2: 1.0}, "browDown": {4: 1.0}, "eyeWide": {5: 1.0},
    "cheekSquint": {6: 1.0}, "eyeSquint": {7: 1.0}, "noseSneer": {9: 1.0}, "mouthUpperUp": {10: 1.0, 25: 0.2},
    "mouthSmile": {12: 1.0}, "mouthDimple": {14: 1.0}, "mouthFrown": {15: 1.0}, "mouthShrugLower": {17: 1.0},
    "mouthStretch": {20: 1.0}, "mouthPress": {23: 1.0}, "mouthLowerDown": {25: 0.4}, "jawOpen": {26: 0.7, 25: 0.2},
    "eyeBlink": {45: 1.0},
}  # fmt: skip
UNITS = sorted({unit for parts in SHAPES.values() for unit in parts})


def expression_of_units(units: np.ndarray) -> np.ndarray:
    """(T, 52) float32 ARKit weights in [0, 1].

    Args:
        units: (T, len(UNITS)) OpenFace's intensities, 0 to 5, in the order of UNITS.
    """
    most = np.array([MOST_BLINK if unit == 45 else MOST for unit in UNITS])
    shares = np.clip(units / most, 0, 1)
    expression = np.zeros((len(units), len(EXPRESSION_NAMES)), np.float32)
    for shape, parts in SHAPES.items():
        weight = sum(part * shares[:, UNITS.index(unit)] for unit, part in parts.items())
        names = [shape] if shape in EXPRESSION_NAMES else [f"{shape}Left", f"{shape}Right"]
        for name in names:
            expression[:, EXPRESSION_NAMES.index(name)] = np.minimum(weight, 1)
    return expression


def read_units(path: Path) -> np.ndarray:
    """OpenFace's table: (T, len(UNITS)) float64, row t of frame t; units that it lacks are 0.

    Raises:
        FormatError: no table with a column AU45_r, or a value that is no number.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FormatError(f"{path} is larger than {MAX_BYTES // 1_000_000} MB.", AGAIN)
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            columns = [name.strip() for name in next(rows, [])]
            if "AU45_r" not in columns:
                raise FormatError(f"{path} has no column AU45_r.", "Give the table that OpenFace writes.")
            at = {unit: columns.index(f"AU{unit:02d}_r") for unit in UNITS if f"AU{unit:02d}_r" in columns}
            units = [[float(row[at[unit]]) if unit in at else 0.0 for unit in UNITS] for row in rows if row]
    except OSError as error:
        raise FormatError(f"{path} could not be read ({error.strerror}).", AGAIN) from None
    except (ValueError, IndexError, csv.Error):
        raise FormatError(f"{path} is no table of numbers, or is cut off.", AGAIN) from None
    table = np.array(units).reshape(-1, len(UNITS))
    if not np.isfinite(table).all():
        raise FormatError(f"{path} holds numbers that are not finite.", AGAIN)
    return table

# SPDX-License-Identifier: GPL-3.0-or-later
"""The clean background of a film: what lies behind the head where the camera and its square stand still."""

import numpy as np

from ..report import Report
from .pictures import Pictures, grown

MOST_SAMPLES = 60  # pictures that a median is taken of
FRINGE = 3  # pixels around a person that are a mixture of both


def background_plates(
    pictures: Pictures, rows: np.ndarray, report: Report | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """One plate for every square that the rows were cut by, that is for every K.

    Args:
        pictures: of a film, without alpha.
        rows: those to learn from; the others get the plate of the nearest of them.

    Returns:
        (P, H, W, 3) float32 plates in [0, 1], and (F,) which plate lies behind each row.
    """
    report = report or Report()
    corners = np.round(pictures.Ks[:, [0, 1], [2, 2]] * 2).astype(np.int64)
    squares, of_row = np.unique(corners, axis=0, return_inverse=True)
    of_row = of_row.reshape(-1)
    learnt = np.unique(of_row[rows])
    plates = []
    for done, square in enumerate(learnt):
        report.progress("background", done, len(learnt))
        here = rows[of_row[rows] == square]
        plates.append(_plate(pictures, here[np.unique(np.linspace(0, len(here) - 1, MOST_SAMPLES).astype(int))]))
    report.progress("background", len(learnt), len(learnt))
    nearest = np.linalg.norm((squares[:, None] - squares[None, learnt]).astype(np.float64), axis=2).argmin(axis=1)
    return np.stack(plates), nearest[of_row]


def _plate(pictures: Pictures, rows: np.ndarray) -> np.ndarray:
    colors = np.stack([pictures.colors(row) for row in rows])
    seen = np.stack([~grown(pictures.regions(row) > 0, FRINGE) for row in rows])
    known = seen.any(axis=0)
    if not known.any():
        return np.full(colors.shape[1:], 0.5, np.float32)
    with np.errstate(invalid="ignore"):
        plate = np.ma.median(np.ma.masked_array(colors, np.repeat(~seen[..., None], 3, axis=3)), axis=0).filled(0.0)
    return fill_holes(plate.astype(np.float32), known)


def fill_holes(picture: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(H, W, 3) whose unknown pixels take what is around them, from coarse to fine (pull and push).

    Gortler, Grzeszczuk, Szeliski, Cohen: The lumigraph, 1996, section 3.3.
    """
    if known.all():
        return picture
    if max(known.shape) == 1:
        return picture
    height, width = known.shape
    padded = ((0, height % 2), (0, width % 2))
    weights = np.pad(known.astype(np.float32), padded)
    sums = np.pad(picture * known[..., None], (*padded, (0, 0)))

    def halved(values: np.ndarray) -> np.ndarray:
        return values[0::2, 0::2] + values[1::2, 0::2] + values[0::2, 1::2] + values[1::2, 1::2]

    weight, total = halved(weights), halved(sums)
    coarse = fill_holes(total / np.maximum(weight, 1e-6)[..., None], weight > 0)
    fine = np.repeat(np.repeat(coarse, 2, axis=0), 2, axis=1)[:height, :width]
    return np.where(known[..., None], picture, fine).astype(np.float32)


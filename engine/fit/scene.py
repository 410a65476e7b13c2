# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture as a fit looks at it: what drives each row, from where it is seen, and what its picture should be."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..capture.capture import Capture
from ..deform.drive import Drive
from ..report import Report
from .losses import Look
from .pictures import Pictures
from .places import Places, find_places
from .plate import background_plates
from .settings import LossWeights
from .viewpoints import Viewpoints, viewpoints

ON_COLOUR = 0.3  # share of a film's steps that are drawn on a colour instead of its background


@dataclass
class Scene:
    """Args:
        capture, pictures, drive: row by row.
        fitted: rows that are fitted; test: rows that are held out.
        views: cameras and head poses.
        places: of mouth and eyes; boxes: by name (F, 4) pixels.
        plates, plate_of: (P, H, W, 3) backgrounds and (F,) which; None where a picture has an alpha, or none is known.
    """

    capture: Capture
    pictures: Pictures
    drive: Drive
    fitted: np.ndarray
    test: np.ndarray
    views: Viewpoints
    places: Places
    boxes: dict[str, np.ndarray]
    plates: np.ndarray | None
    plate_of: np.ndarray | None

    @staticmethod
    def of(
        capture: Capture, pictures: Pictures, drive: Drive, held_out: np.ndarray, report: Report | None = None
    ) -> "Scene":
        """Args:
            held_out: (F,) bool; background and places are learned from the other rows, as far as there are any.
        """
        tracked = capture.confidence > 0
        fitted, test = np.flatnonzero(~held_out & tracked), np.flatnonzero(held_out & tracked)
        views = viewpoints(capture)
        known = fitted if len(fitted) else test
        places = find_places(capture, pictures, known)
        boxes = {name: places.boxes(capture, pictures.Ks, name) for name in ("mouth", "left_eye", "right_eye")}
        plates = plate_of = None
        if views.filmed and not pictures.has_alpha:
            plates, plate_of = background_plates(pictures, known, report)
        return Scene(capture, pictures, drive, fitted, test, views, places, boxes, plates, plate_of)

    def background(self, row: int) -> np.ndarray | None:
        """(H, W, 3) what lies behind the head in a row, or None where anything may."""
        return None if self.plates is None else self.plates[self.plate_of[row]]

    def look(self, row: int, weights: LossWeights, rng: np.random.Generator) -> tuple[Look, Tensor]:
        """What a row's picture should be, and (3,) or (3, H, W) on which background it is drawn."""
        regions = torch.from_numpy(self.pictures.regions(row) > 0)
        sure = torch.from_numpy(~self.pictures.fringe(row))
        colors = torch.from_numpy(self.pictures.colors(row).transpose(2, 0, 1).copy())
        attention = self._attention(row, weights)
        solid, clear = regions & sure, ~regions & sure
        plate, alpha = self.background(row), self.pictures.alpha(row)
        color = torch.from_numpy(rng.random(3).astype(np.float32))
        if alpha is not None:
            target = colors + (1 - torch.from_numpy(alpha)) * color[:, None, None]
            return Look(target, attention), color
        if plate is not None and rng.random() >= ON_COLOUR:
            return Look(colors, attention, solid, clear), torch.from_numpy(plate.transpose(2, 0, 1).copy())
        target = torch.where(regions, colors, color[:, None, None])
        return Look(target, attention * sure, solid, clear), color

    def _attention(self, row: int, weights: LossWeights) -> Tensor:
        out = torch.ones(self.pictures.height, self.pictures.width)
        for name, more in (("mouth", weights.mouth), ("left_eye", weights.eyes), ("right_eye", weights.eyes)):
            left, top, right, bottom = self.boxes[name][row].tolist()
            out[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] += more
        return out / out.mean()

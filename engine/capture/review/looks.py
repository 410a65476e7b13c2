# SPDX-License-Identifier: GPL-3.0-or-later
"""How a capture's pictures look, measured on samples: face size, sharpness, light, and masks that jump."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...report import Report
from ..capture import REGIONS, Capture
from ..face_geometry import face_width
from ..storage import read_mask
from ..tracking.flaws import sharpness

HAIR, FACE, MOUTH = (REGIONS.index(name) for name in ("hair", "face", "mouth_interior"))
MASK_PAIRS = 120
MASK_SIDE = 256  # pixels on which masks are compared
NEAR = np.radians(2.0)  # cameras that look the same way: masks of others may differ
LUMA = np.array([0.2126, 0.7152, 0.0722])  # ITU-R BT.709


@dataclass(frozen=True)
class Look:
    """One picture.

    Args:
        face_px: the face's width in pixels; 0 where the mask shows none.
        sharpness: fine detail in the face, see `tracking.flaws.sharpness`; comparable within a capture only.
        light: (3,) mean colour of the face's skin, 0 to 1; NaN where the mask shows no face.
        head_share: of the picture's area that hair and face cover.
    """

    face_px: float
    sharpness: float
    light: np.ndarray
    head_share: float


@dataclass(frozen=True)
class Looks:
    """S sampled pictures and P pairs of neighbouring masks.

    Args:
        rows: (S,) of the capture.
        times: (S,) seconds.
        face_px, sharpness, head_share: (S,); light (S, 3): see `Look`.
        pair_rows: (P,) the later row of each pair.
        jumps: (P,) share of the head that changes its region between the two, its movement taken off.
    """

    rows: np.ndarray
    times: np.ndarray
    face_px: np.ndarray
    sharpness: np.ndarray
    light: np.ndarray
    head_share: np.ndarray
    pair_rows: np.ndarray
    jumps: np.ndarray

    @property
    def brightness(self) -> np.ndarray:
        """(S,) of the face, 0 to 1, as the pixels say it."""
        return self.light @ LUMA


def look_at(picture: np.ndarray, mask: np.ndarray, landmarks: np.ndarray | None) -> Look:
    """Measure one picture.

    Args:
        picture: (H, W, 3 or 4) uint8.
        mask: (H, W) regions.
        landmarks: (478, 2) pixels, or None: then the mask says where the face is.
    """
    face = mask == FACE
    share = float(_is_head(mask).mean())
    if not face.any():
        return Look(0.0, 0.0, np.full(3, np.nan), share)
    light = picture[..., :3][face].mean(axis=0) / 255
    if landmarks is not None:
        return Look(face_width(landmarks), sharpness(picture[..., :3], landmarks), light, share)
    ys, xs = np.nonzero(face)
    box = np.array([[xs.min(), ys.min()], [xs.max() + 1, ys.max() + 1]], float)
    return Look(float(box[1, 0] - box[0, 0]), sharpness(picture[..., :3], box), light, share)


def gather(capture: Capture, looks: dict[int, Look], pairs: tuple[np.ndarray, np.ndarray]) -> Looks:
    """Join what `look_at` found per row and what `mask_jumps` found."""
    rows = np.array(sorted(looks))
    found = [looks[row] for row in rows]
    return Looks(
        rows, capture.times[rows], np.array([look.face_px for look in found]),
        np.array([look.sharpness for look in found]), np.stack([look.light for look in found]),
        np.array([look.head_share for look in found]), *pairs,
    )  # fmt: skip


def mask_jumps(folder: Path, capture: Capture, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """Compare masks of neighbouring pictures, of at most MASK_PAIRS pairs spread over the capture.

    Returns:
        (P,) later row of each pair, (P,) share of the head that changes; see `Looks`.
    """
    later = _neighbours(capture)
    if len(later) > MASK_PAIRS:
        later = later[np.unique(np.linspace(0, len(later) - 1, MASK_PAIRS).round().astype(int))]
    step = max(1, min(capture.width, capture.height) // MASK_SIDE)
    middles = _head_middles(capture) / step
    jumps, known = np.zeros(len(later)), (-1, None)
    for k, row in enumerate(later):
        report.progress("report: masks", k, len(later))
        before = known[1] if known[0] == row - 1 else _coarse(folder, capture, row - 1, step)
        now = _coarse(folder, capture, row, step)
        known = row, now
        moved = np.round(middles[row] - middles[row - 1]).astype(int)
        jumps[k] = changed_head(before, now, moved).sum() / max(1, _is_head(now).sum())
    return later, jumps


def changed_head(before: np.ndarray, now: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """(H, W) bool: where the head has another region than in the mask before, which is moved by (x, y) whole pixels
    first. A mouth that opens is no change, and bodies and arms move by themselves: only the head counts."""
    before = np.roll(before, (moved[1], moved[0]), axis=(0, 1))
    before, now = (np.where(mask == MOUTH, FACE, mask) for mask in (before, now))
    return (before != now) & _is_head(before, now)


def head_movement(capture: Capture, row: int) -> np.ndarray:
    """(2,) whole pixels by which the head moved in the picture since the row before."""
    middles = _head_middles(capture, np.array([row - 1, row]))
    return np.round(middles[1] - middles[0]).astype(int)


def _is_head(*masks: np.ndarray) -> np.ndarray:
    return np.any([np.isin(mask, (HAIR, FACE, MOUTH)) for mask in masks], axis=0)


def _coarse(folder: Path, capture: Capture, row: int, step: int) -> np.ndarray:
    return read_mask(folder, capture, row)[::step, ::step]


def _neighbours(capture: Capture) -> np.ndarray:
    """(P,) rows whose row before is the same camera's next picture, from nearly the same place.

    Where most are from elsewhere, each picture has a camera of its own: the few that happen to be near tell nothing.
    """
    same = (np.diff(capture.cameras) == 0) & (np.diff(capture.frames) <= 2)
    facing = capture.viewmats[:, 2, :3].astype(np.float64)
    turn = np.arccos(np.clip((facing[1:] * facing[:-1]).sum(axis=1), -1, 1))
    near = same & (turn < NEAR)
    return np.flatnonzero(near) + 1 if 2 * near.sum() >= same.sum() else np.zeros(0, int)


def _head_middles(capture: Capture, rows: np.ndarray | slice = slice(None)) -> np.ndarray:
    """(F, 2) pixels at which the head's origin appears."""
    origin = capture.viewmats[rows, :3, 3].astype(np.float64)
    focal, middle = capture.Ks[rows][:, [0, 1], [0, 1]], capture.Ks[rows][:, :2, 2]
    return middle + focal * origin[:, :2] / np.maximum(origin[:, 2:], 1e-6)

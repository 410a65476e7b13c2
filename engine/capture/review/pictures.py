# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pictures a report shows, and how: a contact sheet, extremes, masks tinted over pictures."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from ...files import whole_file
from ...protocol import EXPRESSION_NAMES
from ..capture import REGIONS, Capture, directions
from .coverage import seen_rows

CONTACTS, OVERLAYS, JUMPS, SAMPLES = 24, 6, 4, 48
SMALL, LARGE = 200, 340  # pixels on the longer side
APART = 0.5  # seconds between pictures of masks that jump
QUALITY = 82
# A movement that hardly differs from its opposite in a capture is no extreme.
LEAST_WEIGHT, LEAST_DEGREES = 0.1, 1.0
BEHIND_ALPHA = 128  # grey level that stands for what alpha leaves open
# Apart from each other for colour-blind eyes, too (after Okabe and Ito, Color universal design, 2008).
TINTS = {
    "hair": (230, 159, 0), "face": (0, 158, 115), "mouth_interior": (213, 60, 40), "neck_torso": (66, 120, 230),
}  # fmt: skip
CHANGED = (255, 0, 200)
TINT = 0.42


@dataclass(frozen=True)
class Shot:
    """One picture of the page.

    Args:
        row: of the capture.
        file: its name in the report's folder.
        caption: what it shows, for people.
    """

    row: int
    file: str
    caption: str


@dataclass(frozen=True)
class Album:
    """The report's pictures, and the rows that are measured."""

    contacts: list[Shot] = field(default_factory=list)
    extremes: list[Shot] = field(default_factory=list)
    overlays: list[Shot] = field(default_factory=list)
    jumps: list[Shot] = field(default_factory=list)
    samples: list[int] = field(default_factory=list)

    def rows(self) -> list[int]:
        """Every row whose picture is opened, in order."""
        shots = [*self.contacts, *self.extremes, *self.overlays, *self.jumps]
        return sorted({shot.row for shot in shots} | set(self.samples))


def choose(capture: Capture, pair_rows: np.ndarray, jumps: np.ndarray) -> Album:
    """Choose what to show.

    Args:
        pair_rows, jumps: from `looks.mask_jumps`.
    """
    return Album(
        contacts=[_shot(capture, row, "contact", when(capture, row)) for row in _spread(len(capture), CONTACTS)],
        extremes=_extremes(capture),
        overlays=[_shot(capture, row, "mask", when(capture, row)) for row in _spread(len(capture), OVERLAYS)],
        jumps=_jumping(capture, pair_rows, jumps),
        samples=_spread(len(capture), SAMPLES),
    )


def when(capture: Capture, row: int) -> str:
    """A row's time, and its camera where there are several."""
    seconds = float(capture.times[row])
    time = f"{int(seconds // 60)}:{seconds % 60:04.1f}"
    return time if capture.cameras.max() == 0 else f"camera {capture.cameras[row]} · {time}"


def draw_small(path: Path, picture: np.ndarray) -> None:
    """Write (H, W, 3 or 4) uint8 as a small JPEG. Raises StorageError."""
    _save(path, _flat(picture), SMALL)


def draw_mask(path: Path, picture: np.ndarray, mask: np.ndarray, changed: np.ndarray | None = None) -> None:
    """Write a picture with its regions tinted and the background dimmed; `changed` (H, W) bool is marked on top."""
    flat = _flat(picture).astype(np.float32)
    tinted = flat.copy()
    for index, name in enumerate(REGIONS):
        where = mask == index
        if name in TINTS:
            tinted[where] = (1 - TINT) * flat[where] + TINT * np.array(TINTS[name], np.float32)
        else:
            tinted[where] = 0.35 * flat[where]
    if changed is not None:
        tinted[changed] = CHANGED
    _save(path, tinted.astype(np.uint8), LARGE)


def _spread(rows: int, count: int) -> list[int]:
    """At most `count` of the rows, evenly spaced."""
    return np.unique(np.linspace(0, rows - 1, min(rows, count)).round().astype(int)).tolist()


def _extremes(capture: Capture) -> list[Shot]:
    rows = seen_rows(capture)
    weights = capture.expression[rows]
    jaw, lids, smile = (weights[:, _columns(start)].mean(axis=1) for start in ("jawOpen", "eyeBlink", "mouthSmile"))
    yaw, pitch = np.degrees(directions(capture.viewmats[rows]))
    moves = (("Widest mouth", jaw), ("Closed mouth", -jaw), ("Blink", lids), ("Strongest smile", smile))
    # A camera on the head's right sees it turned to its left.
    turns = (("left", -yaw), ("right", yaw), ("up", -pitch), ("down", pitch))
    found = []
    for caption, values in moves:
        if np.ptp(values) >= LEAST_WEIGHT:
            best = int(np.argmax(values))
            found.append((best, f"{caption} · {abs(values[best]):.0%}"))
    for side, angles in turns:
        best = int(np.argmax(angles))
        if angles[best] >= LEAST_DEGREES:
            found.append((best, f"Turned {side} · {angles[best]:.0f}°"))
    return [_shot(capture, int(rows[best]), f"extreme_{k}", caption) for k, (best, caption) in enumerate(found)]


def _columns(start: str) -> list[int]:
    return [column for column, name in enumerate(EXPRESSION_NAMES) if name.startswith(start)]


def _jumping(capture: Capture, pair_rows: np.ndarray, jumps: np.ndarray) -> list[Shot]:
    """The pictures whose masks differ most from those before them."""
    chosen: list[int] = []
    for pair in np.argsort(-jumps, kind="stable"):
        row = int(pair_rows[pair])
        near = [abs(capture.times[row] - capture.times[pair_rows[other]]) < APART for other in chosen]
        if jumps[pair] > 0 and not any(near) and len(chosen) < JUMPS:
            chosen.append(int(pair))
    return [
        _shot(capture, int(pair_rows[p]), "jump", f"{when(capture, int(pair_rows[p]))} · {jumps[p]:.1%} of the head")
        for p in chosen
    ]


def _shot(capture: Capture, row: int, kind: str, caption: str) -> Shot:
    return Shot(row, f"{kind}_{capture.stem(row)}.jpg", caption)


def _flat(picture: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8, over grey where the picture has alpha."""
    if picture.shape[2] == 3:
        return picture
    alpha = picture[..., 3:].astype(np.float32) / 255
    return (picture[..., :3] * alpha + BEHIND_ALPHA * (1 - alpha)).round().astype(np.uint8)


def _save(path: Path, picture: np.ndarray, side: int) -> None:
    image = Image.fromarray(picture)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    with whole_file(path) as part:
        image.save(part, format="JPEG", quality=QUALITY)

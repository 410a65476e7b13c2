# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose face it is: a film is cut into stretches that follow one face, and stretches into people.

A stretch's signature is how its rigid landmarks, on average, lie off MediaPipe's canonical face once the pose is taken
out: the shape of the face, as far as single pictures tell it.
"""

import numpy as np

from ...disk_rows import blocks
from .cameras import FOCAL_PRIOR
from .landmarks import FaceTracks
from .poses import initial_poses, reprojection
from .rigid_face import RIGID_LANDMARKS, rigid_canonical

JUMP = 0.6  # of the face's width from one frame to the next: nobody moves so fast
ABSENCE = 1.0  # seconds without a face after which another may have come
SAMPLES = 200  # frames of a stretch that are looked at
FRONTAL = np.radians(25)
# Root mean square centimetres between two signatures of one person, for ever longer stretches and for a single frame
# (of one film: 0.08 for 50 frames, 0.19 for 5; between two people 0.3).
SAME, SAME_BRIEFLY = 0.15, 0.2


def stretches(tracks: FaceTracks, cuts: np.ndarray, fps: float) -> list[np.ndarray]:
    """Frames that follow one face without a break, in order: arrays of frame numbers, only those with a face."""
    frames = np.flatnonzero(tracks.found)
    if not len(frames):
        return []
    centres, widths = np.empty((len(frames), 2), np.float32), np.empty(len(frames), np.float32)
    for part in blocks(len(frames)):
        points = tracks.landmarks[frames[part]]
        centres[part] = points[:, [RIGID_LANDMARKS[0], 9], :2].mean(1)
        widths[part] = np.ptp(points[..., 0], axis=1)
    gaps = np.diff(frames)
    jumped = np.linalg.norm(np.diff(centres, axis=0), axis=1) > JUMP * np.maximum(widths[1:], widths[:-1]) * gaps**0.5
    cut = np.diff(np.searchsorted(cuts, frames, side="right")) > 0
    breaks = np.flatnonzero(jumped | cut | (gaps > ABSENCE * fps)) + 1
    return np.split(frames, breaks)


def main_person(tracks: FaceTracks, parts: list[np.ndarray]) -> list[bool]:
    """Which stretches show the person with the most frames.

    Args:
        parts: from `stretches`.
    """
    people: list[tuple[np.ndarray, list[int]]] = []
    signatures = [_signature(tracks, part) for part in parts]
    for k in sorted(range(len(parts)), key=lambda k: -len(parts[k])):
        near = [_distance(signatures[k], founder) for founder, _ in people]
        if near and min(near) < SAME + SAME_BRIEFLY / len(parts[k]) ** 0.5:
            people[int(np.argmin(near))][1].append(k)
        else:
            people.append((signatures[k], [k]))
    most = max(people, key=lambda person: sum(len(parts[k]) for k in person[1]), default=(None, []))[1]
    return [k in most for k in range(len(parts))]


def _signature(tracks: FaceTracks, part: np.ndarray) -> np.ndarray:
    """(P, 2) centimetres to the face's left and up, about their mean."""
    chosen = part[np.unique(np.linspace(0, len(part) - 1, min(len(part), SAMPLES)).round().astype(int))]
    observed = tracks.landmarks[chosen][:, RIGID_LANDMARKS, :2].astype(np.float64) - np.array(tracks.size) / 2
    shape, focal = rigid_canonical(), FOCAL_PRIOR * max(tracks.size)
    poses = initial_poses(observed, shape, focal)
    ahead = np.arccos(np.clip(-poses.rotations[:, 2, 2], -1, 1))  # between the face's front and the camera
    keep = ahead <= max(FRONTAL, ahead.min())
    misses = observed - reprojection(poses, shape, focal).pixels
    flat = np.concatenate([misses, np.zeros_like(misses[..., :1])], -1) * (poses.translations[:, None, 2:] / focal)
    offsets = np.median((flat @ poses.rotations)[keep][..., :2], axis=0)
    return offsets - offsets.mean(0)


def _distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(((first - second) ** 2).sum(1).mean()))

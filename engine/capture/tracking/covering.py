# SPDX-License-Identifier: GPL-3.0-or-later
"""Things before the face that the tracker guesses through: a cup, a microphone, a sleeve.

MediaPipe lays its mesh over whatever hides a part of a face, so landmarks do not tell. Colours do: the same spots of
skin look alike all through a clip, but for light and shadow. What has the skin's own colour, such as the person's hand,
is not found so.
"""

import numpy as np

from ...disk_rows import blocks

# MediaPipe's landmarks on skin away from hair, lips, lids and the face's outline: forehead, below the eyes, cheeks,
# nose, about the mouth, chin.
SPOTS = (
    151, 9, 108, 337, 69, 299, 101, 330, 118, 347, 117, 346, 50, 280, 36, 266, 123, 352, 205, 425, 187, 411, 207, 427,
    147, 376, 4, 5, 195, 164, 165, 391, 216, 436, 92, 322, 43, 273, 18, 83, 313, 182, 406, 200, 199, 201, 421, 204,
    424,
)
RADIUS = 0.02  # of a spot, in widths of the face
DARKEST = 8.0  # grey levels added before brightnesses are divided
# A head that turns brings its spots into light and shadow: so many times darker or brighter is no other colour yet, and
# beyond the second factor it is no shadow.
SHADED, UNLIKE = 1.6, 2.0
# A spot is hidden when its colour is further from the usual one than this many grey levels and times its usual spread;
# a face is covered when this many spots are. In a film with nothing before the face, single spots came to 7 levels.
FAR, SPREADS, HIDDEN_SPOTS = 10.0, 6.0, 3
SAMPLES = 2000  # frames, spread over a shot, that say what is usual


def skin_colours(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Mean colours of the spots.

    Args:
        image: (H, W, 3) uint8.
        landmarks: (478, 2 or more) pixels of it.

    Returns:
        (S, 3) uint8.
    """
    points = landmarks[list(SPOTS), :2]
    radius = max(1, round(RADIUS * float(np.ptp(landmarks[:, 0]))))
    height, width = image.shape[:2]
    colours = np.empty((len(SPOTS), 3), np.uint8)
    for k, (x, y) in enumerate(points):
        left, top = (int(np.clip(at, 0, side - 1)) for at, side in ((x - radius, width), (y - radius, height)))
        colours[k] = image[top : top + 2 * radius + 1, left : left + 2 * radius + 1].mean((0, 1))
    return colours


def covered(colours: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Frames in which something else than skin is where skin usually is.

    Args:
        colours: (T, S, 3) from `skin_colours`, of one shot; any number where no face was found.
        found: (T,) bool.

    Returns:
        (T,) bool.
    """
    hidden = np.zeros(len(found), bool)
    if not found.any():
        return hidden
    frames = np.flatnonzero(found)
    samples = colours[frames[np.unique(np.linspace(0, len(frames) - 1, min(len(frames), SAMPLES)).round().astype(int))]]
    usual = np.median(samples.astype(np.float32), axis=0)
    away, stops = _unlike(samples, usual)
    farthest, most_stops = _limit(away, FAR), _limit(stops, np.log(UNLIKE))
    for part in blocks(len(frames)):
        away, stops = _unlike(colours[frames[part]], usual)
        hidden[frames[part]] = ((away > farthest) | (stops > most_stops)).sum(1) >= HIDDEN_SPOTS
    return hidden


def _unlike(colours: np.ndarray, usual: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far colours (T, S, 3) are from the usual ones (S, 3), each (T, S): in grey levels once the light is taken
    off, and how much darker or brighter than the face they are, as a logarithm."""
    seen = colours.astype(np.float32)
    brighter = np.median((seen + DARKEST) / (usual + DARKEST), axis=2, keepdims=True)
    whole = np.median(brighter, axis=1, keepdims=True)
    shade = brighter / whole
    light = whole * np.clip(shade, 1 / SHADED, SHADED)
    away = np.abs(seen - np.clip(light * (usual + DARKEST) - DARKEST, 0, 255)).mean(2)
    return away, np.abs(np.log(shade[..., 0]))


def _limit(values: np.ndarray, least: float) -> np.ndarray:
    """(S,) beyond which a spot's values (T, S) are unusual for it."""
    return np.maximum(least, SPREADS * np.median(values, axis=0))

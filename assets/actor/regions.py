# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the face is red, shaded, hairy: masks on the template, so that every identity gets them in the right place.

All masks are (V,) float32; `template` is (V, 3) in metres, facing -y, z up, origin between the ears.
"""

import numpy as np

# FaceKit's vertices for the 68 Multi-PIE landmarks.
LANDMARKS = (
    1225, 1888, 1052, 367, 1719, 1722, 2199, 1447, 966, 3661, 4390, 3927, 3924, 2608, 3272, 4088, 3443, 268, 493, 1914,
    2044, 1401, 3615, 4240, 4114, 2734, 2509, 978, 4527, 4942, 4857, 1140, 2075, 1147, 4269, 3360, 1507, 1542, 1537,
    1528, 1518, 1511, 3742, 3751, 3756, 3721, 3725, 3732, 5708, 5695, 2081, 0, 4275, 6200, 6213, 6346, 6461, 5518, 5957,
    5841, 5702, 5711, 5533, 6216, 6207, 6470, 5517, 5966,
)
EYES = {"Right": slice(36, 42), "Left": slice(42, 48)}
OUTER_LIPS = slice(48, 60)
NOSE_TIP, CHIN = 30, 8

# The hairline in profile: depth y, and the height z above which hair grows. Front, temple, sideburn, ear, nape.
HAIRLINE = np.array([
    (-0.130, 0.092), (-0.110, 0.089), (-0.090, 0.081), (-0.072, 0.074), (-0.058, 0.056), (-0.048, 0.030),
    (-0.040, 0.004), (-0.025, -0.006), (-0.019, 0.016), (0.011, 0.016), (0.022, -0.014), (0.037, -0.052),
    (0.060, -0.062), (0.200, -0.062),
])
HAIR_FADE = 0.014
EAR_CENTRE, EAR_RADII = (0.000, 0.002), (0.0185, 0.0265)

# The jaw in profile: depth y, and the height z below which the neck lies.
JAW_LINE = np.array([
    (-0.300, -0.112), (-0.120, -0.108), (-0.070, -0.100), (-0.050, -0.085), (-0.020, -0.055), (0.012, -0.030),
    (0.300, -0.030),
])


def landmarks(template: np.ndarray) -> np.ndarray:
    """(68, 3)."""
    return template[list(LANDMARKS)]


def segment_distance(points: np.ndarray, polyline: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance (N,) to a polyline (P, D) of points (N, D), and where along it (N,), 0 to 1."""
    start, step = polyline[:-1], np.diff(polyline, axis=0)
    t = ((points[:, None] - start) * step).sum(-1) / (step ** 2).sum(-1)
    t = np.clip(t, 0.0, 1.0)
    distance = np.linalg.norm(points[:, None] - start - t[..., None] * step, axis=-1)
    nearest = distance.argmin(1)
    rows = np.arange(len(points))
    return distance[rows, nearest], (nearest + t[rows, nearest]) / len(step)


def inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """(N,) bool: points (N, 2) within a closed polygon (P, 2), by crossing number."""
    a, b = polygon, np.roll(polygon, -1, axis=0)
    x, y = points[:, :1], points[:, 1:]
    straddles = (a[:, 1] > y) != (b[:, 1] > y)
    rise = np.where(b[:, 1] == a[:, 1], 1.0, b[:, 1] - a[:, 1])
    crossing = a[:, 0] + (y - a[:, 1]) / rise * (b[:, 0] - a[:, 0])
    return (straddles & (x < crossing)).sum(1) % 2 == 1


def lips(template: np.ndarray) -> np.ndarray:
    """Signed distance in millimetres to the lips' outer border, positive within, clipped at 8."""
    outline = smooth_loop(landmarks(template)[OUTER_LIPS][:, [0, 2]])
    flat = template[:, [0, 2]]
    distance, _ = segment_distance(flat, np.vstack([outline, outline[:1]]))
    signed = np.where(inside(flat, outline), distance, -distance) * 1000.0
    signed[template[:, 1] > -0.085] = -8.0
    return np.clip(signed, -8.0, 8.0).astype(np.float32)


def smooth_loop(points: np.ndarray, steps: int = 6) -> np.ndarray:
    """(P * steps, D) Catmull-Rom curve through a closed loop of points (P, D)."""
    t = np.linspace(0.0, 1.0, steps, endpoint=False)[:, None, None]
    p0, p1, p2, p3 = (np.roll(points, shift, axis=0) for shift in (1, 0, -1, -2))
    curve = 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t ** 2
                   + (3 * p1 - p0 - 3 * p2 + p3) * t ** 3)
    return curve.transpose(1, 0, 2).reshape(-1, points.shape[1])


def blush(template: np.ndarray) -> np.ndarray:
    """0 to 1: cheeks, nose, ears, chin and a little of the knuckle between the brows."""
    marks = landmarks(template)
    spots = [(marks[NOSE_TIP], 0.012, 0.85), (marks[CHIN] + [0.0, 0.0, 0.012], 0.012, 0.30),
             (marks[27], 0.010, 0.25)]
    for side in (-1.0, 1.0):
        spots += [(np.array([side * 0.045, -0.098, -0.022]), 0.022, 0.55), (np.array([side * 0.017, -0.120, -0.024]),
                                                                           0.009, 0.55)]
    total = np.zeros(len(template))
    for centre, sigma, amount in spots:
        total += amount * np.exp(-((template - centre) ** 2).sum(1) / (2.0 * sigma ** 2))
    total += 0.75 * np.clip((np.abs(template[:, 0]) - 0.076) / 0.008, 0.0, 1.0)
    return np.clip(total, 0.0, 1.0).astype(np.float32)


def lids(template: np.ndarray) -> np.ndarray:
    """0 to 1: the darker, thinner skin around the eyes."""
    shade = np.zeros(len(template))
    for span in EYES.values():
        loop = smooth_loop(landmarks(template)[span])
        distance, _ = segment_distance(template, np.vstack([loop, loop[:1]]))
        shade = np.maximum(shade, np.exp(-(distance / 0.0065) ** 2))
    return shade.astype(np.float32)


def brows(template: np.ndarray) -> np.ndarray:
    """0 to 1: the density of eyebrow hair, thick at the inner end and thin at the outer."""
    density = np.zeros(len(template))
    for side in ("Left", "Right"):
        across, along = brow_place(template, side)
        half = 0.0038 * np.clip(1.25 - along ** 2, 0.35, 1.0)
        ends = np.clip(along / 0.14, 0.0, 1.0) ** 0.7 * np.clip((1.0 - along) / 0.15, 0.0, 1.0)
        density = np.maximum(density, np.clip(1.6 - 1.6 * np.abs(across) / half, 0.0, 1.0) * ends)
    density[template[:, 1] > -0.06] = 0.0
    return density.astype(np.float32)


def brow_place(points: np.ndarray, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Metres above a brow's middle line (N,), and the place along it (N,): 0 at the nose, 1 at the temple."""
    line = brow_line(side)
    flat = points[:, [0, 2]]
    distance, along = segment_distance(flat, line)
    nearest = np.c_[np.interp(along, np.linspace(0, 1, len(line)), line[:, 0]),
                    np.interp(along, np.linspace(0, 1, len(line)), line[:, 1])]
    return distance * np.sign(flat[:, 1] - nearest[:, 1]), along


def brow_line(side: str) -> np.ndarray:
    """(5, 2) a brow's middle line in x and z on the mean face, from the nose to the temple."""
    line = np.array([(0.0110, 0.0340), (0.0215, 0.0374), (0.0345, 0.0405), (0.0465, 0.0392), (0.0560, 0.0332)])
    return line * ([1.0, 1.0] if side == "Left" else [-1.0, 1.0])


def hair(template: np.ndarray) -> np.ndarray:
    """0 to 1: the density of scalp hair, fading over HAIR_FADE at the hairline; the ears are bare."""
    x, y, z = template.T
    distance, _ = segment_distance(template[:, 1:], HAIRLINE)
    above = distance * np.sign(z - np.interp(y, HAIRLINE[:, 0], HAIRLINE[:, 1]))
    # The temples recede a little: the hairline is highest between the middle and the side.
    above -= 0.006 * np.exp(-((np.abs(x) - 0.045) / 0.012) ** 2) * (y < -0.06)
    density = np.clip(above / HAIR_FADE, 0.0, 1.0)
    ear = np.hypot((y - EAR_CENTRE[0]) / EAR_RADII[0], (z - EAR_CENTRE[1]) / EAR_RADII[1])
    density *= np.where(np.abs(x) > 0.06, np.clip((ear - 1.0) / 0.15, 0.0, 1.0), 1.0)
    return density.astype(np.float32)


def neck(template: np.ndarray) -> np.ndarray:
    """1 below the jaw and the nape's hairline, else 0."""
    below = template[:, 2] < np.interp(template[:, 1], JAW_LINE[:, 0], JAW_LINE[:, 1])
    return (below & (hair(template) < 0.5)).astype(np.float32)

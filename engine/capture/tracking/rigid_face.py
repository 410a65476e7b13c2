# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a face that expressions leave nearly alone: nose, temples, eye corners, forehead, upper cheeks.

Which landmarks, and where they lie on MediaPipe's canonical face (centimetres, x to the face's left, y up, z to the
front). Chosen by how well a rigid shape explains them in a film of a person who talks; the hairline and the inner ends
of the brows are not among them. Positions: MediaPipe's canonical_face_model, Apache-2.0, The MediaPipe Authors.
"""

import numpy as np

CANONICAL = {
    1: (0.00, -1.13, 7.48), 3: (-0.46, 0.96, 6.63), 4: (0.00, -0.46, 7.59), 5: (0.00, 0.37, 7.24),
    6: (0.00, 2.47, 5.79), 8: (0.00, 4.02, 5.28), 9: (0.00, 4.89, 5.39), 21: (-7.09, 5.43, 0.10),
    33: (-4.45, 2.66, 3.17), 34: (-7.21, 2.26, 0.07), 35: (-5.80, 2.35, 2.20), 45: (-0.50, -0.48, 7.44),
    50: (-4.77, -0.70, 3.53), 51: (-0.48, 0.30, 7.10), 54: (-6.28, 6.62, 1.43), 68: (-5.60, 5.72, 2.72),
    69: (-3.06, 6.57, 4.53), 71: (-6.37, 4.79, 1.59), 104: (-4.54, 6.32, 3.68), 108: (-1.62, 6.60, 4.92),
    111: (-5.73, 1.41, 2.43), 116: (-6.47, 0.94, 1.69), 117: (-5.26, 0.95, 2.97), 123: (-6.34, -0.53, 1.88),
    127: (-7.74, 2.36, -2.01), 131: (-1.33, -0.28, 6.10), 133: (-1.86, 2.59, 3.76), 134: (-0.92, 0.07, 6.67),
    137: (-7.16, -0.81, -0.07), 139: (-6.85, 3.66, 0.72), 143: (-6.41, 2.24, 1.56), 151: (0.00, 6.55, 5.03),
    162: (-7.56, 4.11, -0.99), 168: (0.00, 3.27, 5.24), 174: (-0.90, 1.24, 5.75), 188: (-0.95, 1.91, 5.20),
    195: (0.00, 1.06, 6.77), 196: (-0.52, 1.58, 6.15), 197: (0.00, 1.73, 6.32), 198: (-1.25, 0.23, 5.68),
    220: (-0.92, -0.53, 7.00), 227: (-7.30, 0.76, -0.05), 234: (-7.66, 0.67, -2.44), 236: (-0.88, 0.66, 6.23),
    248: (0.46, 0.96, 6.63), 251: (7.09, 5.43, 0.10), 263: (4.45, 2.66, 3.17), 264: (7.21, 2.26, 0.07),
    265: (5.80, 2.35, 2.20), 275: (0.50, -0.48, 7.44), 280: (4.77, -0.70, 3.53), 281: (0.48, 0.30, 7.10),
    284: (6.28, 6.62, 1.43), 298: (5.60, 5.72, 2.72), 299: (3.06, 6.57, 4.53), 301: (6.37, 4.79, 1.59),
    333: (4.54, 6.32, 3.68), 337: (1.62, 6.60, 4.92), 340: (5.73, 1.41, 2.43), 345: (6.47, 0.94, 1.69),
    346: (5.26, 0.95, 2.97), 352: (6.34, -0.53, 1.88), 356: (7.74, 2.36, -2.01), 360: (1.33, -0.28, 6.10),
    362: (1.86, 2.59, 3.76), 363: (0.92, 0.07, 6.67), 366: (7.16, -0.81, -0.07), 368: (6.85, 3.66, 0.72),
    372: (6.41, 2.24, 1.56), 389: (7.56, 4.11, -0.99), 399: (0.90, 1.24, 5.75), 412: (0.95, 1.91, 5.20),
    419: (0.52, 1.58, 6.15), 420: (1.25, 0.23, 5.68), 440: (0.92, -0.53, 7.00), 447: (7.30, 0.76, -0.05),
    454: (7.66, 0.67, -2.44), 456: (0.88, 0.66, 6.23),
}
RIGID_LANDMARKS = np.array(sorted(CANONICAL))

# Where the head's origin, between the ears, lies in the canonical face: 7.5 cm behind the eyes' corners and 1.6 below,
# where adults' ears are on average. The canonical face itself ends in front of the ears.
CANONICAL_ORIGIN = np.array([0.0, 1.0, -4.3])
# Axes: canonical (left, up, front) to the head's frame (left, back, up).
CANONICAL_TO_HEAD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def rigid_canonical() -> np.ndarray:
    """(P, 3) float64 centimetres, in the order of RIGID_LANDMARKS."""
    return np.array([CANONICAL[landmark] for landmark in RIGID_LANDMARKS])

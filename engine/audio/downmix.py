# SPDX-License-Identifier: GPL-3.0-or-later
"""Many channels to the one that is spoken in: the centre whole, left and right half, the surrounds a quarter, no LFE.

Films keep dialogue in the centre (ITU-R BS.775-3), and half of left plus half of right keeps a voice that was recorded
on both. The weights are scaled to sum to 1, so that full scale stays full scale.
"""

import numpy as np

# FFmpeg's names of channels, in the order that WAVE and FLAC give them where a file names none.
WAVE_ORDER = {
    1: ("FC",),
    2: ("FL", "FR"),
    3: ("FL", "FR", "FC"),
    4: ("FL", "FR", "BL", "BR"),
    5: ("FL", "FR", "FC", "BL", "BR"),
    6: ("FL", "FR", "FC", "LFE", "BL", "BR"),
    7: ("FL", "FR", "FC", "LFE", "BC", "SL", "SR"),
    8: ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR"),
}
WEIGHTS = {"FC": 1.0, "FL": 0.5, "FR": 0.5, "DL": 0.5, "DR": 0.5, "FLC": 0.5, "FRC": 0.5, "LFE": 0.0, "LFE2": 0.0}
SURROUND = 0.25


def downmix_weights(names: tuple[str, ...]) -> np.ndarray:
    """(channels,) float32 for channels called `names`; unknown names in an order of WAVE_ORDER, if it has one."""
    if not any(name in WEIGHTS for name in names):
        names = WAVE_ORDER.get(len(names), names)
    weights = np.array([WEIGHTS.get(name, SURROUND) for name in names], np.float32)
    if not weights.any():
        weights[:] = 1.0
    return weights / weights.sum()

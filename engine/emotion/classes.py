# SPDX-License-Identifier: GPL-3.0-or-later
"""What Emotion Distillation tells apart, and where the psychologists put it."""

from ..protocol import EMOTION_NAMES

FEATURE = 128
# What a corpus may have besides the eight: taught, and counted as neutral when the eight are asked for.
AUXILIARY = ("boredom",)
CLASSES = (*EMOTION_NAMES, *AUXILIARY)

# Valence and arousal in [-1, 1]: means of Russell & Mehrabian 1977, Evidence for a three-factor theory of emotions;
# contempt, which they do not have, is ours.
VALENCE_AROUSAL = {
    "neutral": (0.0, 0.0), "angry": (-0.51, 0.59), "contempt": (-0.40, 0.10), "disgusted": (-0.60, 0.35),
    "fear": (-0.64, 0.60), "happy": (0.81, 0.51), "sad": (-0.63, -0.27), "surprised": (0.40, 0.67),
    "boredom": (-0.65, -0.62),
}

# SPDX-License-Identifier: GPL-3.0-or-later
"""Emotion over time as a picture."""

from pathlib import Path

from ..errors import InputError
from ..files import make_folder, whole_file
from ..protocol import EMOTION_NAMES
from .extract import Felt

KINDS = (".png", ".svg", ".pdf")
COLOURS = {
    "neutral": "#c9c9c9", "angry": "#d1493f", "contempt": "#8a6d3b", "disgusted": "#6a8f3a", "fear": "#7a5aa8",
    "happy": "#efb52e", "sad": "#4a7fb5", "surprised": "#e98437",
}


def check_plot_path(path: str | Path) -> None:
    """Raise InputError unless `path` names a kind of picture that can be drawn."""
    if Path(path).suffix.lower() not in KINDS:
        todo = f"Choose a name that ends in {', '.join(KINDS)}."
        raise InputError(f"A plot cannot be written as {str(path)!r}.", todo)


def plot(felt: Felt, title: str, path: str | Path) -> None:
    """Probabilities as layers of one band, valence and arousal as lines beneath. Raises InputError, StorageError."""
    check_plot_path(path)
    from matplotlib.figure import Figure  # without pyplot: no window, no state

    path = Path(path)
    make_folder(path.parent)
    figure = Figure(figsize=(10.0, 5.0), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    upper.stackplot(felt.times, felt.probabilities.T, labels=EMOTION_NAMES, colors=[COLOURS[n] for n in EMOTION_NAMES])
    upper.set(ylim=(0.0, 1.0), ylabel="probability", title=title)
    upper.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, reverse=True)
    lower.fill_between(felt.times, -1.0, 2.0 * felt.speech - 1.0, color="#eeeeee", label="speech")
    lower.plot(felt.times, felt.valence, color="#2e7d5b", label="valence")
    lower.plot(felt.times, felt.arousal, color="#c0392b", label="arousal")
    lower.axhline(0.0, color="#999999", linewidth=0.6)
    lower.set(ylim=(-1.0, 1.0), xlabel="seconds", xlim=(0.0, max(0.2, float(felt.times[-1]))))
    lower.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    with whole_file(path) as part:
        figure.savefig(part, format=path.suffix[1:].lower(), metadata=None)

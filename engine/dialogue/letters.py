# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of any language found in a sound by their letters: torchaudio's MMS model, where it was downloaded.

Pratap et al. (2023, Scaling speech technology to 1,000+ languages): a wav2vec 2.0 network that says for every 20 ms
which letter of romanised text is spoken. The best way of the letters through the sound is found as in Graves et al.
(2006, Connectionist temporal classification): torchaudio's own `forced_align` is in libraries that its Linux wheel
cannot load beside a CPU build of torch.
"""

import numpy as np
import torch

from .english import FoundWord
from .phones import LETTERS, named

LABELS = "-aienoutsrmkldghybpwcvjzf'qx"  # what the network's outputs mean; the first is "no new letter"
SECONDS_PER_FRAME = 0.02
HALF_LETTER = 0.06  # seconds that a letter takes at most before and after the moment at which the network says it


class LetterAligner:
    """Finds romanised words of one text in pieces of sound at 16 kHz."""

    ENOUGH = -2.5  # mean log probability of its letters
    SHAPES = 0.5  # letters know less of the mouth's shape than phones do

    def __init__(self, words: list[str], model: torch.nn.Module) -> None:
        """`model`: a torchaudio.models.Wav2Vec2Model with an output per letter of LABELS."""
        self.words, self._model = words, model

    def find(self, sound: np.ndarray, first: int, last: int) -> list[FoundWord]:
        """Those of the text's words `first` to `last` (exclusive) that are in (n,) float32, from the first on."""
        samples = torch.from_numpy(sound.astype(np.float32))[None]
        samples = torch.nn.functional.layer_norm(samples, samples.shape)
        with torch.inference_mode():
            logits, _ = self._model(samples)
        said = logits[0].log_softmax(-1).numpy()
        letters = [(k, letter) for k in range(first, last) for letter in self.words[k] if letter in LETTERS]
        if not letters or not len(said):
            return []
        ends = [n for n, (k, _) in enumerate(letters) if n + 1 == len(letters) or letters[n + 1][0] != k]
        frames = best_path(said, [LABELS.index(letter) for _, letter in letters], ends)
        return [self._word(k, letters, frames, said) for k in dict.fromkeys(k for k, _ in letters[: len(frames)])]

    @staticmethod
    def _word(index: int, letters: list, frames: list[int], said: np.ndarray) -> FoundWord:
        places = [n for n in range(len(frames)) if letters[n][0] == index]
        at = [(frames[n] + 0.5) * SECONDS_PER_FRAME for n in places]
        middles = [(a + b) / 2 for a, b in zip(at, at[1:])]
        starts = [max(a - HALF_LETTER, edge) for a, edge in zip(at, [0.0, *middles])]
        ends = [min(a + HALF_LETTER, edge) for a, edge in zip(at, [*middles, len(said) * SECONDS_PER_FRAME])]
        phones = [(letters[n][1], start, end) for n, start, end in zip(places, starts, ends)]
        score = float(np.mean([said[frames[n], LABELS.index(letters[n][1])] for n in places]))
        return FoundWord(index, named(phones, LETTERS), score)


def best_path(said: np.ndarray, labels: list[int], ends: list[int]) -> list[int]:
    """The frame at which each label is most likely, on the best way through a sound.

    Args:
        said: (T, C) log probabilities; label 0 is "no new label".
        labels: what is said in this order; the way may stop after any of `ends`, indices into it.

    Returns:
        A frame for each label up to the one that the way stops at; none where the sound is too short.
    """
    states = 2 * len(labels) + 1
    score = np.full(states, -np.inf)
    emitted = np.zeros(states, np.int64)  # of state 2 n + 1 label n, between them nothing
    emitted[1::2] = labels
    skips = np.zeros(states, bool)  # from a label straight to the next one, unless they are the same
    skips[3::2] = emitted[3::2] != emitted[1:-2:2]
    score[:2] = said[0, emitted[:2]]
    came = np.zeros((len(said), states), np.int8)
    for t in range(1, len(said)):
        skipped = np.where(skips, np.r_[-np.inf, -np.inf, score[:-2]], -np.inf)
        before = np.stack([score, np.r_[-np.inf, score[:-1]], skipped])
        came[t] = before.argmax(0)
        score = before.max(0) + said[t, emitted]
    stops = np.array([state for n in ends for state in (2 * n + 1, 2 * n + 2)])
    state = int(stops[score[stops].argmax()])
    if not np.isfinite(score[state]):
        return []
    best: dict[int, int] = {}
    for t in range(len(said) - 1, -1, -1):
        if state % 2:
            label = state // 2
            if label not in best or said[t, emitted[state]] >= said[best[label], emitted[state]]:
                best[label] = t
        state -= int(came[t, state])
    return [best[n] for n in sorted(best)]

# SPDX-License-Identifier: GPL-3.0-or-later
"""Letters found in what a network says of a sound: the way through it, words with times, and the network's file."""

import numpy as np
import pytest
import torch

from engine.dialogue.letters import LABELS, LetterAligner, best_path


def said(text: str, frames_each: int = 5) -> np.ndarray:
    """(T, 28) log probabilities that say each letter once, in the middle of its frames, and nothing between."""
    logits = np.zeros((frames_each * len(text), len(LABELS)), np.float32)
    logits[:, 0] = 8.0
    for k, letter in enumerate(text):
        logits[k * frames_each + frames_each // 2, [0, LABELS.index(letter)]] = 0.0, 8.0
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


class Speaks(torch.nn.Module):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def forward(self, samples):
        return torch.from_numpy(said(self.text))[None], None


def test_the_way_through_a_sound():
    labels = [LABELS.index(letter) for letter in "mamma"]
    assert best_path(said("mamma"), labels, [4]) == [2, 7, 12, 17, 22]
    assert best_path(said("mamma"), [*labels, LABELS.index("x")], [4, 5]) == [2, 7, 12, 17, 22]  # may stop early
    assert best_path(said("ma")[:1], labels, [4]) == []  # no room for them


def test_words_have_their_letters_times():
    words = LetterAligner(["mama", "bafo", "xyz"], Speaks("mamabafo")).find(np.zeros(12800, np.float32), 0, 3)
    assert [word.index for word in words] == [0, 1]
    assert min(word.score for word in words) > LetterAligner.ENOUGH
    phones = [phone for word in words for phone in word.phones]
    assert [name for name, _, _ in phones] == ["m", "aa", "m", "aa", "p", "burst", "aa", "f", "o"]
    middles = {name: (start + end) / 2 for name, start, end in phones}
    assert abs(middles["f"] - (6 * 5 + 2.5) * 0.02) < 0.011
    assert all(start < end for _, start, end in phones)


def test_other_words_do_not_fit():
    words = LetterAligner(["kissed"], Speaks("mamabafo")).find(np.zeros(12800, np.float32), 0, 1)
    assert all(word.score < LetterAligner.ENOUGH for word in words)


def test_labels_are_the_published_models():
    torchaudio = pytest.importorskip("torchaudio")
    assert tuple(LABELS) == torchaudio.pipelines.MMS_FA.get_labels(star=None)

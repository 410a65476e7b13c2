# SPDX-License-Identifier: GPL-3.0-or-later
"""The measures of evaluate.py, each a function of arrays."""

import numpy as np

CLOSED_SHARE = 0.10  # of the utterance's usual wide opening
AROUND = 0.04  # seconds before and after a phone in which its contact may be seen
LABIODENTAL_ROLL, LABIODENTAL_GAP = 0.20, 3.0  # lower lip turned in, and mm between the lips


def contacts(
    phones: list[tuple[str, float, float]], kinds: tuple[str, ...], shown: np.ndarray, rate: float
) -> list[bool]:
    """For each phone of `kinds`, whether `shown` (T,) bool is true on any frame inside it or AROUND it."""
    found = []
    for name, start, end in phones:
        if name in kinds and round(start * rate) < len(shown):
            first, last = int(np.ceil((start - AROUND) * rate)), int(np.floor((end + AROUND) * rate))
            found.append(bool(shown[max(0, first) : last + 1].any()))
    return found


def closed(gap: np.ndarray) -> np.ndarray:
    """(T,) bool of (T,) mm: within CLOSED_SHARE of closed, beside the utterance's 95th percentile."""
    return gap <= CLOSED_SHARE * max(np.percentile(gap, 95.0), 1.0)


def false_contacts(
    phones: list[tuple[str, float, float]], kinds: tuple[str, ...], shown: np.ndarray, rate: float
) -> tuple[int, int]:
    """Frames of other sounds (0.08 s and more from any of `kinds`, no silence) that are `shown`, and all of them."""
    times = np.arange(len(shown)) / rate
    other = np.zeros(len(shown), bool)
    for name, start, end in phones:
        if name not in ("sil", *kinds):
            other |= (times >= start) & (times < end)
    for name, start, end in phones:
        if name in kinds:
            other &= (times < start - 0.08) | (times > end + 0.08)
    return int((shown & other).sum()), int(other.sum())


def linear_probe(train: np.ndarray, train_labels: np.ndarray, test: np.ndarray, test_labels: np.ndarray) -> float:
    """Accuracy of multinomial logistic regression (weak ridge, Newton's method by L-BFGS) on standardised features."""
    import torch

    mean, deviation = train.mean(0), train.std(0) + 1e-6
    x = torch.from_numpy(((train - mean) / deviation).astype(np.float32))
    y = torch.from_numpy(train_labels.astype(np.int64))
    classes = int(max(train_labels.max(), test_labels.max())) + 1
    weight = torch.zeros(x.shape[1], classes, requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.cross_entropy(x @ weight + bias, y) + 1e-3 * weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    z = torch.from_numpy(((test - mean) / deviation).astype(np.float32))
    said = (z @ weight + bias).argmax(1).numpy()
    return float((said == test_labels).mean())

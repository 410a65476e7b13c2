# SPDX-License-Identifier: GPL-3.0-or-later
"""The equation of UA-3DTalk's emotion encoding, written out in float64 and loops."""

import copy
import math

import torch

from engine.deform.emotion_encoder import ENCODING, ENTRIES, SCALES, WIDTH, EmotionEncoder


def transcription(encoder: EmotionEncoder, spatial: torch.Tensor, emotion: torch.Tensor) -> torch.Tensor:
    """f_r(p) * softmax(e C_r^T / sqrt(64)) C_r, for every resolution, point and channel."""
    e = [sum(w * x for w, x in zip(row, emotion)) + b for row, b in zip(encoder.project.weight, encoder.project.bias)]
    rows = []
    for level, codebook in enumerate(encoder.codebooks):
        logits = [sum(a * b for a, b in zip(e, entry)) / math.sqrt(WIDTH) for entry in codebook]
        powers = [torch.exp(logit - max(logits)) for logit in logits]
        total = sum(powers)
        for channel in range(WIDTH):
            attended = sum(power / total * entry[channel] for power, entry in zip(powers, codebook))
            rows.append(spatial[level * WIDTH + channel] * attended)
    return torch.stack(rows)


def test_against_the_equation_with_gradients():
    torch.manual_seed(0)
    single = EmotionEncoder()
    assert [len(codebook) for codebook in single.codebooks] == [64, 128, 256] and ENTRIES == 64
    double = copy.deepcopy(single).double()
    spatial, emotion, weight = torch.randn(ENCODING, 3), torch.randn(128), torch.randn(ENCODING, 3)
    results = []
    for encoder, function in ((single, single), (double, lambda s, e: transcription(double, s, e))):
        dtype = encoder.project.weight.dtype
        leaves = [value.detach().to(dtype).requires_grad_() for value in (spatial, emotion)]
        out = function(*leaves)
        (out * weight.to(dtype)).sum().backward()
        gradients = [leaf.grad for leaf in leaves] + [p.grad for p in encoder.parameters()]
        results.append([value.double() for value in (out.detach(), *gradients)])
    assert len(results[0]) == 3 + 2 + len(SCALES)
    for got, expected in zip(*results):
        assert (got - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_an_emotion_acts_where_the_spatial_feature_lets_it():
    torch.manual_seed(0)
    encoder, spatial = EmotionEncoder(), torch.ones(ENCODING, 2)
    spatial[:, 1] = 0.0
    happy, sad = encoder(spatial, torch.randn(128)), encoder(spatial, torch.randn(128))
    assert (happy[:, 0] - sad[:, 0]).abs().max() > 0.1 and not happy[:, 1].any()


def test_usage_counts_entries():
    torch.manual_seed(0)
    encoder = EmotionEncoder()
    usage = encoder.usage(torch.randn(8, 128))
    assert [row["entries"] for row in usage] == [64, 128, 256]
    for row in usage:
        assert 1 <= row["each"] <= row["perplexity"] <= row["entries"] * 1.0001
    with torch.no_grad():
        for codebook in encoder.codebooks:
            codebook.mul_(1e-6)  # nothing to choose between: all entries alike
    for row in encoder.usage(torch.randn(8, 128)):
        assert abs(row["perplexity"] - row["entries"]) < 0.01 * row["entries"]
    with torch.no_grad():
        for codebook in encoder.codebooks:
            codebook.zero_()[0] = 1e3 * encoder.project(torch.ones(128))  # one entry takes all
    assert all(row["perplexity"] < 1.01 for row in encoder.usage(torch.ones(8, 128)))

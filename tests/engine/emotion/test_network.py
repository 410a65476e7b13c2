# SPDX-License-Identifier: GPL-3.0-or-later
"""The student's shapes, gradients, and that its keys do choose what is listened to."""

import numpy as np
import pytest
import torch

from engine.emotion.acoustics import DESCRIPTORS, MELS
from engine.emotion.classes import CLASSES, FEATURE, VALENCE_AROUSAL
from engine.emotion.model import EmotionModel
from engine.emotion.network import MEL_STEPS, STEPS, Student, StudentSettings
from engine.emotion.space import EmotionSpace
from engine.emotion.waveform import require_encoder
from engine.errors import FormatError
from engine.prior.encoder import EncoderSettings, SpeechEncoder
from engine.prior.storage import digest


def windows(count: int, waveform: int = 384) -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    return (torch.randn(count, MELS, MEL_STEPS), torch.randn(count, STEPS, len(DESCRIPTORS)),
            torch.randn(count, waveform, STEPS))


@pytest.mark.parametrize("waveform", [384, 768])  # our encoder's, and HuBERT's and wav2vec 2.0's base models'
def test_shapes(waveform):
    feature, logits = Student(StudentSettings(waveform=waveform)).eval()(*windows(3, waveform))
    assert feature.shape == (3, FEATURE) and logits.shape == (3, len(CLASSES))


def test_every_weight_is_learnt_from_every_window():
    student = Student()
    feature, logits = student(*windows(8))
    (feature.square().sum() + logits.square().sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in student.parameters())


def test_attention_sums_to_one_and_depends_on_the_keys():
    attention = Student().eval().attention
    waveform, keys = windows(2)[2], torch.randn(2, attention.query.in_features)
    weights = attention.weights(keys, waveform)
    torch.testing.assert_close(weights.sum(2), torch.ones(2, attention.heads))
    assert (weights - attention.weights(-keys, waveform)).abs().max() > 1e-3


def test_what_is_not_listened_to_does_not_count():
    attention = Student().eval().attention
    waveform, keys = windows(1)[2], torch.randn(1, attention.query.in_features)
    with torch.no_grad():
        attention.moments.weight.zero_()  # every moment alike: statistics over time
        attention.moments.bias.zero_()
        mixed = attention(keys, waveform[:, :, torch.randperm(STEPS)])
        torch.testing.assert_close(mixed, attention(keys, waveform), atol=1e-4, rtol=1e-4)


def test_a_model_averages_its_students():
    model = EmotionModel(members=2).eval()
    given = windows(2)
    with torch.no_grad():
        (one, _), (other, _) = (student(*given) for student in model.students)
        feature, said = model(*given)
    torch.testing.assert_close(feature, (one + other) / 2)
    torch.testing.assert_close(said.sum(1), torch.ones(2))


def test_another_encoder_is_refused():
    torch.manual_seed(1)
    encoder, other = (SpeechEncoder(EncoderSettings(width=48, heads=2, layers=1)) for _ in range(2))
    require_encoder(encoder, digest(encoder))
    with pytest.raises(FormatError, match="do not belong together"):
        require_encoder(other, digest(encoder))


def test_the_space_is_linear_in_the_sliders_and_quiet_at_its_origin():
    space = EmotionSpace()
    weights = np.random.default_rng(2).uniform(size=(5, 8)).astype(np.float32)
    np.testing.assert_allclose(space.of_weights(0.5 * weights), 0.5 * space.of_weights(weights), atol=1e-5)
    assert not space.expression(np.zeros((1, FEATURE), np.float32)).any()


def test_every_class_has_its_valence_and_arousal():
    assert set(VALENCE_AROUSAL) == set(CLASSES)
    assert VALENCE_AROUSAL["happy"][0] > 0 > VALENCE_AROUSAL["sad"][1]


def test_a_zero_without_its_sign_is_the_same_encoder():
    encoder = SpeechEncoder(EncoderSettings(width=48, heads=2, layers=1))
    with torch.no_grad():
        encoder.first.bias[0] = -0.0
        wanted = digest(encoder)
        encoder.first.bias[0] = 0.0
    require_encoder(encoder, wanted)

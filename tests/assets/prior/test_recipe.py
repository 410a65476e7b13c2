# SPDX-License-Identifier: GPL-3.0-or-later
"""The recipe of Prior Extraction: labels become phones, sounds are disturbed but not moved, measures measure."""

import json

import numpy as np
import pytest
import torch

from assets.prior import augment, measures
from assets.prior.alphabets import named
from assets.prior.corpus import RATE, Clip, load_clips, resample, save_clips
from assets.prior.data import PIECES, Crops
from assets.prior.emodb import load_emodb, split
from assets.prior.part_voice import part
from assets.prior.talkers import best_correlation
from assets.prior.train import Losses
from assets.prior.train_ears import ears_loss
from assets.prior.train_style import style_loss
from assets.prior.train_sync import seen
from engine.prior.network import PriorNetwork, PriorSettings
from engine.prior.visemes import PHONES


def names(labels: str, alphabet: str, speaker: str = "") -> list[str]:
    phones = [(label, k * 0.1, k * 0.1 + 0.1) for k, label in enumerate(labels.split())]
    return [name for name, _, _ in named(phones, alphabet, speaker)]


@pytest.mark.parametrize(
    "labels, alphabet, speaker, expected",
    [
        ("_ t !t tasp aI s .", "sampa", "", "sil d aa ih s sil"),
        ("_p !p a m", "sampa", "", "p burst aa m"),
        ("h U n d", "sampa", "", "u u n d"),
        ("x E6 (gef", "sampa", "", "k eh ah sil"),
        ("p ʊ l", "ipa", "", "p burst u l"),
        ("tʃ ɜː tʲ ʲ", "ipa", "", "ch schwa d"),
        ("pau hh ae ow pau", "festival", "flite-slt", "sil ae oh u sil"),
        ("# tt aa1 s~ #", "festival", "czech_dita", "sil d aa ch sil"),
    ],
)
def test_labels_become_phones(labels, alphabet, speaker, expected):
    assert names(labels, alphabet, speaker) == expected.split()


def test_phones_follow_each_other_without_gaps():
    phones = named([("p", 0.0, 0.1), ("aʊ", 0.1, 0.3), ("m", 0.3, 0.4)], "ipa", "")
    assert phones[0][1] == 0.0 and phones[-1][2] == pytest.approx(0.4)
    for (_, _, end), (_, start, _) in zip(phones, phones[1:]):
        assert end == pytest.approx(start)


def test_every_label_of_emodb_is_a_phone(shared):
    clips = load_emodb(shared / "data/emodb")
    assert {name for clip in clips for name, _, _ in named(clip.phones, clip.alphabet, clip.speaker)} <= set(PHONES)
    train, test = split(clips)
    assert not {c.speaker for c in train} & {c.speaker for c in test}
    assert not {c.tags["sentence"] for c in train} & {c.tags["sentence"] for c in test}


def test_clips_on_disk(tmp_path):
    rng = np.random.default_rng(0)
    sounds = [rng.uniform(-0.9, 0.9, n).astype(np.float32) for n in (7, 50)]
    clips = [Clip(sound, [("a", 0.0, 0.5)], "ipa", "x", "de", "y") for sound in sounds]
    save_clips(clips, tmp_path / "clips.npz")
    for clip, again in zip(clips, load_clips(tmp_path / "clips.npz"), strict=True):
        np.testing.assert_allclose(again.audio, clip.audio, atol=1e-4)
        assert (again.phones, again.speaker) == (clip.phones, clip.speaker)


@pytest.mark.parametrize("rate", [8000, 22050, 24000, 32000])
def test_resampling_keeps_a_tone(rate):
    tone = np.sin(2 * np.pi * 440.0 * np.arange(rate) / rate).astype(np.float32)
    expected = np.sin(2 * np.pi * 440.0 * np.arange(RATE) / RATE)
    np.testing.assert_allclose(resample(tone, rate)[500:-500], expected[500:-500], atol=0.02)


def click() -> np.ndarray:
    """A burst of 0.05 s in the middle of a second."""
    sound = np.zeros(RATE, np.float32)
    sound[8000:8800] = np.random.default_rng(3).normal(0.0, 0.2, 800)
    return sound


@pytest.mark.parametrize("seed", range(12))
def test_disturbing_does_not_move_a_sound(seed):
    sound = click()
    out = augment.disturb(sound, [(0.0, 0.5)], np.random.default_rng(seed))
    assert out.shape == sound.shape and np.isfinite(out).all()
    loudness = np.convolve(np.square(out), np.ones(800), "same")
    assert 7000 < loudness.argmax() < 10500


def test_a_whisper_has_no_voice_but_the_same_envelope():
    time = np.arange(RATE) / RATE
    voiced = sum(np.sin(2 * np.pi * 120.0 * k * time) / k for k in range(1, 30)).astype(np.float32)
    voiced[: RATE // 2] *= 0.05
    out = augment.whisper(voiced, np.random.default_rng(0))
    harmonic = [np.abs(np.fft.rfft(x))[np.arange(10) * 120 + 600].mean() / np.abs(np.fft.rfft(x)).mean()
                for x in (voiced, out)]
    assert harmonic[1] < 0.3 * harmonic[0]
    assert np.square(out[RATE // 2 :]).mean() > 20 * np.square(out[: RATE // 2]).mean()


def test_effort_lifts_what_is_high():
    sound = np.random.default_rng(0).normal(0.0, 0.1, RATE).astype(np.float32)
    high = [np.abs(np.fft.rfft(augment.effort(sound, amount)))[3000:4000].mean() for amount in (-1.0, 0.0, 1.0)]
    assert high[0] < 0.5 * high[1] and high[2] > 2.0 * high[1]


def test_contacts_and_false_contacts():
    gap = np.full(100, 10.0)
    gap[30:33] = 0.5
    phones = [("aa", 0.0, 0.6), ("p", 0.6, 0.7), ("aa", 0.7, 1.4), ("m", 1.4, 1.5), ("aa", 1.5, 2.0)]
    shut = measures.closed(gap)
    assert measures.contacts(phones, ("p", "m"), shut, 50.0) == [True, False]
    shut[5] = True
    wrong, other = measures.false_contacts(phones, ("p", "m", "burst"), shut, 50.0)
    assert wrong == 1 and 60 < other < 90


def test_a_linear_probe_tells_what_is_linear_and_not_what_is_not():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 400)
    telling = rng.normal(size=(400, 8)) + 4.0 * np.eye(4, 8)[labels]
    silent = rng.normal(size=(400, 8))
    assert measures.linear_probe(telling[:200], labels[:200], telling[200:], labels[200:]) > 0.9
    assert measures.linear_probe(silent[:200], labels[:200], silent[200:], labels[200:]) < 0.45


def test_the_best_correlation_finds_the_lag():
    curve = np.random.default_rng(0).normal(size=300)
    later = np.concatenate([np.zeros(5), curve])[:300]
    later[100] = np.nan
    r, lag = best_correlation(curve, later)
    assert r > 0.99 and lag == 5


def test_crops_of_pieces_keep_what_is_heard_beside_what_is_taught(tmp_path):
    phones = [("m" if k % 2 else "aa", k * 0.5, k * 0.5 + 0.5) for k in range(20)]
    rows = [{"frames": 500, "phones": phones, "effort": 0.0, "speaker": "one"}]
    np.savez(
        tmp_path / "flite-000.npz", mels=np.zeros((1000, 80), np.int8), features=np.arange(500.0)[:, None],
        rows=np.frombuffer(json.dumps(rows).encode(), np.uint8),
    )
    for pieced in (0.0, 1.0):
        heard, _, visemes = Crops(tmp_path, 200, 0, pieced=pieced).batch(6)
        at = heard[:, -1].numpy()
        steps = np.diff(at, axis=1)
        joints = (steps != 1.0).sum(1)
        assert (joints.min() >= 200 // PIECES[1] - 1) if pieced else (joints.max() <= 12)
        sure = steps == 1.0  # neither at a joint nor where a crop was blanked
        taught = np.array([PHONES[name].viseme for name, _, _ in phones])[np.clip(at[:, 1:], 0, 499).astype(int) // 25]
        assert (visemes.numpy()[:, 1:][sure] == taught[sure]).all()


def test_losses_reach_every_part_of_the_network():
    torch.manual_seed(0)
    network, losses = PriorNetwork(PriorSettings(encoder=None, inputs=24, width=16)), Losses(8)
    rows = torch.randn(4, 24, 50)
    targets, visemes = torch.rand(4, 50, 7), torch.randint(0, 15, (4, 50))
    total, parts = losses(network, (rows, targets, visemes), (rows, torch.tensor([0, 1, 2, 7])), 1.0)
    (total + ears_loss(network, (rows, targets, visemes))).backward()
    assert np.isfinite(list(parts.values())).all()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


def test_style_is_trained_alone():
    torch.manual_seed(0)
    network = PriorNetwork(PriorSettings(encoder=None, inputs=24, width=16)).eval().requires_grad_(False)
    losses = Losses(8)
    network.style_encoder.requires_grad_(True)
    network.to_manner.requires_grad_(True)
    rows = torch.randn(4, 24, 50)
    crops = rows, torch.rand(4, 50, 7), torch.randint(0, 15, (4, 50))
    style_loss(network, losses, crops, (rows, torch.tensor([0, 1, 2, 7]))).backward()
    reached = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert reached == {"style_encoder", "to_manner"} and losses.speaker.weight.grad.abs().max() > 0.0


def test_ears_are_trained_alone():
    torch.manual_seed(0)
    network = PriorNetwork(PriorSettings(encoder=None, inputs=24, width=16)).eval()
    ears_loss(network, (torch.randn(4, 24, 50), torch.rand(4, 50, 7), torch.randint(0, 15, (4, 50)))).backward()
    reached = {name.split(".")[0] for name, p in network.named_parameters() if p.grad is not None}
    assert reached == {"labiodental_ear", "viseme_ear"}


def test_what_style_knows_of_content_is_found():
    """Utterances whose mean content is linear in style, and frames about it: what is left is everybody's mean, 0.5."""
    rng = np.random.default_rng(0)
    network = PriorNetwork(PriorSettings(encoder=None, inputs=24, width=16)).eval()
    mixing, styles = 0.1 * rng.normal(size=(64, 64)), rng.normal(size=(400, 64)) * 3.0
    spoken = [(style @ mixing.T + 0.5 + rng.normal(size=(200, 64)), style) for style in styles]
    part(network, spoken)
    left = [c.mean(0) - network.voice(torch.tensor(style, dtype=torch.float32)).numpy() for c, style in spoken]
    assert np.std(left) < 0.25 * np.std([c.mean(0) for c, _ in spoken]) and abs(np.mean(left) - 0.5) < 0.02


def test_motion_for_the_sync_expert():
    torch.manual_seed(0)
    motion = seen(torch.rand(6, 200, 7))
    assert motion.shape == (6, 4, 100) and torch.isfinite(motion).all()

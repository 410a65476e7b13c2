# SPDX-License-Identifier: GPL-3.0-or-later
"""Prior Extraction at work: windows without seams, frames without drift, style without timing."""

from copy import deepcopy
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from engine.errors import Cancelled, FormatError
from engine.prior.encoder import EncoderSettings
from engine.prior.extract import KIND, SETTLED_AFTER, Spoken, articulators_at, at_frames, emphasise, extract, settle
from engine.prior.frontends import EncodedRows
from engine.prior.network import PriorNetwork, PriorSettings
from engine.prior.storage import load_network, save_network
from engine.prior.visemes import ARTICULATORS, REST
from engine.report import Report

CLOSED, LABIODENTAL = ARTICULATORS.index("closed"), ARTICULATORS.index("labiodental")
SMALL = PriorSettings(EncoderSettings(width=24, heads=2, layers=1), width=32)


@pytest.fixture(scope="module")
def network() -> PriorNetwork:
    """Untrained, with a manner that style changes, and normalisations that are not the identity."""
    torch.manual_seed(0)
    network = PriorNetwork(SMALL).eval()
    torch.nn.init.normal_(network.to_manner.weight, std=0.3)
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm1d):
            torch.nn.init.uniform_(layer.running_mean, -0.3, 0.3)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2.0)
    return network.requires_grad_(False)


@pytest.fixture(scope="module")
def rows(network) -> EncodedRows:
    return EncodedRows(powers(1.0), network.encoder)


def powers(scale: float) -> np.ndarray:
    return np.random.default_rng(0).gamma(0.5, 1e-3 * scale, (2101, 80)).astype(np.float32)


def spoken(curve: np.ndarray) -> np.ndarray:
    """(N, 7) articulators that are all `curve`."""
    return np.repeat(np.asarray(curve, np.float32)[:, None], 7, 1)


def test_content_is_without_what_style_knows_of_the_voice(network, rows):
    """The mouth is not: it is decoded of both. Another's style changes nothing of what is taken away."""
    before = extract(rows, network, Report())
    parted, torch_random = deepcopy(network), torch.Generator().manual_seed(0)
    parted.voice_weight.normal_(generator=torch_random)
    parted.voice_bias.normal_(generator=torch_random)
    after = extract(rows, parted, Report())
    voice = parted.voice(torch.from_numpy(before.style)[None]).numpy()
    assert np.abs(voice).max() > 0.1
    np.testing.assert_allclose(after.content, before.content - voice, atol=1e-5)
    for name in ("style", "articulators", "visemes"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    other = extract(rows, parted, Report(), style=-before.style)
    np.testing.assert_array_equal(other.content, after.content)


@pytest.mark.parametrize("window", [40, 77, 500])
def test_windows_make_no_difference(network, rows, window):
    whole = extract(rows, network, Report(), window=100_000)
    pieces = extract(rows, network, Report(), window=window)
    assert len(whole.content) == 1051
    for name, value in vars(whole).items():
        np.testing.assert_allclose(getattr(pieces, name), value, atol=1e-5)


def test_a_frame_depends_on_no_more_than_its_context(network):
    rows = torch.randn(1, 184, 501, requires_grad=True)
    content = network.content(rows)
    said = network.articulators(content, torch.zeros(1, 64), network.visemes(content, rows))[0, :, 250]
    (said.sum() + network.labiodental(rows)[0, 250]).backward()
    seen = torch.nonzero(rows.grad.abs().sum((0, 1))).ravel()
    assert seen.min() >= 250 - network.settings.context and seen.max() <= 250 + network.settings.context


def test_level_makes_no_difference(network, rows):
    loud, quiet = (extract(EncodedRows(powers(scale), network.encoder), network, Report()) for scale in (1.0, 1e-2))
    np.testing.assert_allclose(quiet.articulators, loud.articulators, atol=1e-3)


def test_style_scales_and_shifts_but_keeps_the_timing(network, rows):
    own = extract(rows, network, Report())
    other = np.random.default_rng(1).normal(size=64).astype(np.float32)
    changed = extract(rows, network, Report(), style=other)
    np.testing.assert_array_equal(changed.content, own.content)
    np.testing.assert_array_equal(changed.style, other)
    assert np.abs(changed.articulators - own.articulators).max() > 0.02
    for k in range(7):
        order = np.argsort(own.articulators[:, k])
        assert (np.diff(changed.articulators[order, k]) >= -1e-6).all()


def test_the_lip_is_at_the_teeth_where_either_ear_says_so(network, rows):
    network, part = deepcopy(network), rows.part(0, rows.frames)
    style, content = torch.from_numpy(extract(rows, network, Report()).style)[None], network.content(part)
    decoded = network.articulators(content, style, network.visemes(content, part))[0, LABIODENTAL]
    network.labiodental_ear[-1].bias += (decoded - network.labiodental(part)[0]).mean()
    detected = network.labiodental(part)[0]
    assert 0.2 < (decoded > detected).float().mean() < 0.8
    said = extract(rows, network, Report(), window=77).articulators[:, LABIODENTAL]
    np.testing.assert_allclose(said, torch.sigmoid(torch.maximum(decoded, detected)), atol=1e-5)


def test_visemes_are_heard_in_content_and_by_an_ear(network, rows):
    part = rows.part(0, rows.frames)
    content = network.content(part)
    both = network.visemes(content, part)
    assert (both - network.to_visemes(content).softmax(1)).abs().max() > 0.01
    torch.testing.assert_close(both.sum(1), torch.ones(1, rows.frames))
    np.testing.assert_allclose(extract(rows, network, Report(), window=77).visemes, both[0].T, atol=1e-5)


def test_style_is_of_one_length(network, rows):
    assert np.linalg.norm(extract(rows, network, Report()).style) == pytest.approx(8.0, abs=1e-3)


def test_a_cancel_is_heard_between_windows(network, rows):
    report = Report()
    report.cancel_event.set()
    with pytest.raises(Cancelled):
        extract(rows, network, report)


def test_no_drift_in_an_hour():
    ramp = np.arange(180_000, dtype=np.float64)[:, None] / 180_000
    fps, frame = Fraction(24000, 1001), 86_000
    found = at_frames(ramp, frame + 1, fps)[frame, 0]
    assert found == pytest.approx(frame * 1001 / 24000 * 50 / 180_000, abs=1e-7)


@pytest.mark.parametrize("fps", [Fraction(12), Fraction(24), Fraction(30000, 1001), Fraction(120)])
@pytest.mark.parametrize("start", range(100, 104))
def test_a_short_closure_is_on_some_frame(fps, start):
    closed = np.zeros(200)
    closed[start : start + 2] = 1.0
    shown = articulators_at(spoken(closed), int(4 * fps), fps)[:, CLOSED]
    assert shown.max() == pytest.approx(1.0)
    assert np.count_nonzero(shown > 0.5) <= 0.04 * float(fps) + 2


def test_a_faint_contact_is_none_and_a_likely_one_is_whole():
    for probability, expected in ((0.3, 0.0), (0.85, 1.0)):
        shown = articulators_at(spoken(np.full(50, probability)), 25, Fraction(25))
        np.testing.assert_allclose(shown[:, CLOSED], expected)
        np.testing.assert_allclose(shown[:, 0], probability, atol=1e-6)


def test_loud_syllables_open_further_and_contacts_stay():
    level = np.repeat([1.0, 0.5, 0.0], 200).astype(np.float32)
    one = Spoken(np.zeros((300, 64)), np.zeros(64), spoken(np.full(300, 0.6)), np.tile(np.eye(15)[3], (300, 1)))
    said = emphasise(one, level).articulators
    assert said[50, 0] > 1.2 * said[150, 0] > 1.5 * said[250, 0] > 0.5
    np.testing.assert_array_equal(said[:, 2:], one.articulators[:, 2:])
    assert np.abs(np.diff(said[:, 0])).max() < 0.05


@pytest.mark.parametrize("by", ["loudness", "network"])
def test_without_speech_the_mouth_comes_to_rest(by):
    speech, visemes = np.ones(1000, np.float32), np.tile(np.eye(15)[3], (500, 1))
    if by == "loudness":
        speech[:200] = speech[400:] = 0.0
    else:
        visemes[:100] = visemes[200:] = np.eye(15)[0]
    one = Spoken(np.zeros((500, 64)), np.zeros(64), spoken(np.full(500, 0.8)), visemes)
    settled = settle(one, speech)
    rest = np.array(list(REST.values()))
    np.testing.assert_allclose(settled[105:195], 0.8, atol=1e-6)
    end = 200 + int(50 * (SETTLED_AFTER + 0.4))
    np.testing.assert_allclose(settled[end:], np.tile(rest, (500 - end, 1)), atol=1e-6)
    assert np.abs(np.diff(settled, axis=0)).max() < 0.15


def test_a_network_on_disk(network, rows, tmp_path):
    save_network(network, KIND, {"steps": 3}, tmp_path / "prior.safetensors")
    again = PriorNetwork(SMALL)
    assert load_network(again, KIND, tmp_path / "prior.safetensors") == {"steps": 3}
    np.testing.assert_allclose(
        extract(rows, again, Report()).articulators, extract(rows, network, Report()).articulators, atol=0.02
    )


def test_a_network_of_another_size_or_damaged_is_refused(network, tmp_path):
    path = tmp_path / "prior.safetensors"
    save_network(network, KIND, {}, path)
    with pytest.raises(FormatError, match="shape"):
        load_network(PriorNetwork(replace(SMALL, width=48)), KIND, path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(FormatError, match="cut off"):
        load_network(PriorNetwork(SMALL), KIND, path)

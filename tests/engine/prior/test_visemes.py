# SPDX-License-Identifier: GPL-3.0-or-later
"""The teacher: phones with times become what jaw and lips do."""

import numpy as np
import pytest

from engine.prior.visemes import ARTICULATORS, LEAD_SECONDS, PHONES, REST, VISEMES, articulate, viseme_track

TIMES = np.arange(0.0, 2.0, 0.01)


def curves(phones, effort=0.0) -> dict[str, np.ndarray]:
    return dict(zip(ARTICULATORS, articulate(phones, TIMES, effort).T))


def between(phone: str, vowel: str = "aa") -> list:
    """Vowel, the phone from 0.8 to 0.9 s, vowel."""
    return [("sil", 0.0, 0.4), (vowel, 0.4, 0.8), (phone, 0.8, 0.9), (vowel, 0.9, 1.3), ("sil", 1.3, 2.0)]


def at(curve: np.ndarray, seconds: float) -> float:
    return float(np.interp(seconds - LEAD_SECONDS, TIMES, curve))


@pytest.mark.parametrize("phone, contact", [("p", "closed"), ("m", "closed"), ("f", "labiodental")])
def test_lips_that_must_touch_do_and_part_again(phone, contact):
    touch = curves(between(phone))[contact]
    assert at(touch, 0.85) == pytest.approx(1.0)
    assert at(touch, 0.70) == 0.0 == at(touch, 1.0)


@pytest.mark.parametrize("phone", ["d", "k", "s", "n", "ch", "aa", "i", "u"])
def test_other_sounds_touch_nothing(phone):
    said = curves(between(phone))
    assert said["closed"].max() == 0.0 == said["labiodental"].max()


def test_the_burst_of_a_stop_is_open():
    phones = [("aa", 0.4, 0.8), ("p", 0.8, 0.9), ("burst", 0.9, 1.05), ("aa", 1.05, 1.4)]
    assert at(curves(phones)["closed"], 1.0) == 0.0


def test_openings_are_ordered_as_people_s_are():
    middle = {name: at(curves([(name, 0.5, 1.5)])["aperture"], 1.0) for name in ("aa", "eh", "i", "s", "o", "u")}
    assert sorted(middle, key=middle.get) == ["u", "o", "i", "s", "eh", "aa"]


def test_jaw_and_lips_are_separate():
    said = {name: curves([(name, 0.5, 1.5)]) for name in ("s", "o")}
    assert at(said["s"]["jaw"], 1.0) < at(said["s"]["aperture"], 1.0)
    assert at(said["o"]["jaw"], 1.0) > at(said["o"]["aperture"], 1.0)


def test_rounding_starts_early_and_early_is_more_than_late():
    rounded = curves([("d", 0.3, 0.9), ("u", 0.9, 1.1), ("d", 1.1, 1.7)])["rounded"]
    assert at(rounded, 0.80) > 0.3
    assert at(rounded, 0.80) > at(rounded, 1.20)


def test_consonants_take_their_neighbours_shape():
    assert at(curves(between("k", "u"))["rounded"], 0.85) > 0.7 > 0.1 > at(curves(between("k", "i"))["rounded"], 0.85)


def test_a_short_vowel_undershoots():
    long, short = (
        [("d", 0.5, 1.0 - half), ("aa", 1.0 - half, 1.0 + half), ("d", 1.0 + half, 1.5)] for half in (0.15, 0.02)
    )
    assert at(curves(long)["aperture"], 1.0) > at(curves(short)["aperture"], 1.0) + 0.1


def test_the_mouth_leads_the_sound():
    aperture = curves([("sil", 0.0, 0.9), ("p", 0.9, 1.0), ("aa", 1.0, 1.5)])["closed"]
    middle = np.average(TIMES, weights=aperture)
    assert middle == pytest.approx(0.95 - LEAD_SECONDS, abs=0.006)


def test_a_short_pause_stays_parted_and_a_long_one_comes_to_rest():
    phones = [("aa", 0.0, 0.2), ("sil", 0.2, 0.5), ("aa", 0.5, 0.7), ("sil", 0.7, 2.0)]
    aperture = curves(phones)["aperture"]
    assert 0.25 < at(aperture, 0.35) < 0.6
    assert at(aperture, 1.7) == pytest.approx(REST["aperture"], abs=1e-3) and REST["aperture"] > 0.0
    np.testing.assert_allclose(articulate([], TIMES)[7], list(REST.values()), atol=1e-6)


def test_effort_opens_jaw_and_lips():
    shout, plain, mumble = (curves(between("d"), effort) for effort in (1.0, 0.0, -1.0))
    for name in ("aperture", "jaw"):
        assert at(shout[name], 0.6) >= at(plain[name], 0.6) > at(mumble[name], 0.6) + 0.1


def test_everything_stays_within_its_bounds():
    rng = np.random.default_rng(0)
    names = list(PHONES)
    ends = np.cumsum(rng.uniform(0.02, 0.2, 25))
    phones = [(names[rng.integers(len(names))], end - 0.02, end) for end in ends]
    said = articulate(phones, TIMES, 1.0)
    assert said.shape == (len(TIMES), 7) and said.min() >= 0.0 and said.max() <= 1.0


def test_the_track_of_visemes():
    track = viseme_track([("p", 0.1, 0.2), ("aa", 0.2, 0.3)], np.array([0.0, 0.15, 0.2, 0.5]))
    assert [VISEMES[k] for k in track] == ["sil", "PP", "aa", "sil"]

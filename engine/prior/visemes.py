# SPDX-License-Identifier: GPL-3.0-or-later
"""From phones with times to what jaw and lips do: the teacher of Prior Extraction, and its reading of pasted text.

Coarticulation is Cohen & Massaro's (1993, Modeling coarticulation in synthetic visual speech): each phone has a target
for each articulator, and a dominance that falls exponentially with the distance in time from the phone; a curve is
the dominance-weighted mean of the targets. Distance counts from the phone's edges, so that long vowels hold. Lips
that must touch (p b m, f v) do so as a rule beyond the blend, as in JALI (Edwards et al. 2016): bilabials close,
labiodentals touch the teeth, sibilants narrow the jaw, and rounding starts early.

The openings of the inner lips are means measured on tracked real talkers: 1 is an open `aa`; between words people's
lips stay parted. All sounds ask for theirs alike and let go at once: with the slower dominance of the other curves,
the openings follow those of tracked talkers less well. The jaw is another curve: it lowers by less than the lips part
in `s`, and by more in `o`.
"""

from dataclasses import dataclass

import numpy as np

VISEMES = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")
ARTICULATORS = ("aperture", "jaw", "rounded", "spread", "teeth", "closed", "labiodental")

LEAD_SECONDS = 0.03  # lips are in place before the sound is heard
REST = {"aperture": 0.10, "jaw": 0.06, "rounded": 0.0, "spread": 0.0, "teeth": 0.0, "closed": 0.0, "labiodental": 0.0}
PAUSE_APERTURE, PAUSE_JAW = 0.25, 0.16
PAUSE_HOLDS, PAUSE_SETTLES = 0.45, 0.50  # seconds
CONTACT_RAMP = 0.06  # seconds in which lips come together or part
EFFORT_OPENS = 0.33  # share by which lips and jaw open further in a shout, or less in a mumble


@dataclass(frozen=True)
class Phone:
    """Targets of one kind of phone, each in [0, 1], and how strongly it asks for them.

    Args:
        viseme: index into VISEMES.
        aperture, jaw, rounded, spread, teeth: targets.
        lips, jaws, shape: dominance at the phone of `aperture`, of `jaw`, and of the other three.
        contact: "closed", "labiodental" or "".
    """

    viseme: int
    aperture: float
    jaw: float
    rounded: float = 0.0
    spread: float = 0.0
    teeth: float = 0.0
    lips: float = 1.0
    jaws: float = 1.0
    shape: float = 1.0
    contact: str = ""


def _phone(viseme: str, aperture: float, jaw: float, **rest) -> Phone:
    return Phone(VISEMES.index(viseme), aperture, jaw, **rest)


PHONES = {
    "sil": _phone("sil", PAUSE_APERTURE, PAUSE_JAW, jaws=0.7, shape=0.5),
    "p": _phone("PP", 0.15, 0.15, jaws=0.5, shape=0.1, contact="closed"),
    "m": _phone("PP", 0.15, 0.15, jaws=0.5, shape=0.1, contact="closed"),
    "burst": _phone("PP", 0.30, 0.22, lips=0.6, jaws=0.4, shape=0.1),  # of a p or b, when its lips have parted
    "f": _phone("FF", 0.12, 0.12, jaws=0.6, shape=0.2, contact="labiodental"),
    "th": _phone("TH", 0.30, 0.20, teeth=0.3, jaws=0.6, shape=0.3),
    "d": _phone("DD", 0.36, 0.18, teeth=0.35, jaws=0.6, shape=0.2),
    "k": _phone("kk", 0.30, 0.30, jaws=0.4, shape=0.1),
    "ch": _phone("CH", 0.35, 0.10, rounded=0.55, teeth=0.6, jaws=1.2, shape=0.8),
    "s": _phone("SS", 0.42, 0.06, spread=0.35, teeth=1.0, jaws=1.4, shape=0.6),
    "n": _phone("nn", 0.38, 0.22, teeth=0.2, jaws=0.5, shape=0.15),
    "l": _phone("nn", 0.38, 0.30, teeth=0.15, jaws=0.5, shape=0.2),
    "r": _phone("RR", 0.20, 0.22, rounded=0.45, jaws=0.6, shape=0.5),
    "uvular": _phone("RR", 0.30, 0.35, lips=0.6, jaws=0.4, shape=0.1),
    "aa": _phone("aa", 1.00, 1.00),
    "ae": _phone("aa", 0.95, 0.85, spread=0.35),
    "ah": _phone("aa", 0.85, 0.70),
    "schwa": _phone("E", 0.55, 0.42, jaws=0.7, shape=0.5),
    "eh": _phone("E", 0.68, 0.60, spread=0.40),
    "ee": _phone("E", 0.62, 0.42, spread=0.60),
    "ih": _phone("I", 0.44, 0.35, spread=0.45),
    "i": _phone("I", 0.40, 0.20, spread=0.80),
    "y": _phone("U", 0.16, 0.15, rounded=0.95, shape=1.2),
    "oe": _phone("O", 0.30, 0.40, rounded=0.80, shape=1.2),
    "o": _phone("O", 0.28, 0.45, rounded=0.90, shape=1.2),
    "oh": _phone("O", 0.36, 0.65, rounded=0.65, shape=1.2),
    "u": _phone("U", 0.15, 0.18, rounded=1.00, shape=1.2),
    "w": _phone("U", 0.12, 0.18, rounded=1.00, jaws=0.6, shape=1.3),
    "j": _phone("I", 0.40, 0.20, spread=0.60, jaws=0.5, shape=0.5),
}

# How far the inner lips are apart in each of VISEMES, measured as the phones' openings are, but among contacts, too.
APERTURES = (PAUSE_APERTURE, 0.0, 0.03, 0.30, 0.36, 0.30, 0.35, 0.42, 0.38, 0.20, 1.0, 0.65, 0.42, 0.30, 0.15)

# Seconds in which dominance falls to 1/e: before the phone (anticipation) and after it (carry-over).
_FALL = {
    "aperture": (0.02, 0.02), "jaw": (0.07, 0.06), "rounded": (0.11, 0.06), "spread": (0.07, 0.06),
    "teeth": (0.05, 0.04),
}
_STRENGTH = {"aperture": "lips", "jaw": "jaws", "rounded": "shape", "spread": "shape", "teeth": "shape"}


def viseme_targets() -> np.ndarray:
    """(15, 7) float32 of ARTICULATORS for each of VISEMES: APERTURES, and for the rest the means of its phones."""
    rows = []
    for k in range(len(VISEMES)):
        phones = [phone for phone in PHONES.values() if phone.viseme == k]
        shape = [APERTURES[k], *(np.mean([getattr(phone, name) for phone in phones]) for name in ARTICULATORS[1:5])]
        rows.append(shape + [np.mean([phone.contact == name for phone in phones]) for name in ARTICULATORS[5:]])
    return np.array(rows, np.float32)


def viseme_track(phones: list[tuple[str, float, float]], times: np.ndarray) -> np.ndarray:
    """(T,) int64 viseme of each of `times`, seconds; what no phone covers is silence.

    Args:
        phones: name in PHONES, start and end in seconds, in order.
    """
    track = np.zeros(len(times), np.int64)
    for name, start, end in phones:
        track[(times >= start) & (times < end)] = PHONES[name].viseme
    return track


def articulate(phones: list[tuple[str, float, float]], times: np.ndarray, effort: float = 0.0) -> np.ndarray:
    """(T, 7) float32 of ARTICULATORS at `times`, in seconds of the sound; the mouth leads it by LEAD_SECONDS.

    Args:
        phones: name in PHONES, start and end in seconds, in order.
        effort: of the voice, -1 (mumbled) to 1 (shouted): lips and jaw open by up to a third less or more.
    """
    times = times + LEAD_SECONDS
    if not phones:
        return np.tile(np.array([REST[name] for name in ARTICULATORS], np.float32), (len(times), 1))
    starts = np.array([start for _, start, _ in phones])[:, None]
    ends = np.array([end for _, _, end in phones])[:, None]
    kinds = [PHONES[name] for name, _, _ in phones]
    before, after = np.maximum(starts - times, 0.0), np.maximum(times - ends, 0.0)
    settled = _settled(phones, times)
    out = np.zeros((len(times), len(ARTICULATORS)), np.float32)
    for k, name in enumerate(ARTICULATORS[:5]):
        anticipation, carry = _FALL[name]
        strength = np.array([getattr(kind, _STRENGTH[name]) for kind in kinds])[:, None]
        dominance = strength * np.exp(-before / anticipation - after / carry) + 1e-9
        target = np.array([getattr(kind, name) for kind in kinds])[:, None]
        curve = (dominance * target).sum(0) / dominance.sum(0)
        if name in ("aperture", "jaw"):
            curve = curve * (1.0 + EFFORT_OPENS * effort)
        out[:, k] = curve + settled * (REST[name] - curve)
    for k, name in enumerate(ARTICULATORS[5:], 5):
        for (start, end), kind in zip(((s, e) for _, s, e in phones), kinds):
            if kind.contact == name:
                gap = np.maximum(np.maximum(start - times, times - end), 0.0) / CONTACT_RAMP
                out[:, k] = np.maximum(out[:, k], 0.5 + 0.5 * np.cos(np.pi * np.minimum(gap, 1.0)))
    out[:, 5] *= 1.0 - settled
    return np.clip(out, 0.0, 1.0)


def _settled(phones: list[tuple[str, float, float]], times: np.ndarray) -> np.ndarray:
    """(T,) in [0, 1]: how far a pause has gone on for the mouth to come to rest, and not yet gone to the next word."""
    spoken = [(start, end) for name, start, end in phones if name != "sil"]
    if not spoken:
        return np.ones(len(times))
    away = np.full(len(times), np.inf)
    for start, end in spoken:
        away = np.minimum(away, np.maximum(np.maximum(start - times, times - end), 0.0))
    t = np.clip((away - PAUSE_HOLDS) / PAUSE_SETTLES, 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)

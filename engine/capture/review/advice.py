# SPDX-License-Identifier: GPL-3.0-or-later
"""What the numbers of a capture mean for the head, in plain sentences, each with what was measured and what to do."""

from dataclasses import dataclass
from math import isnan

import numpy as np

from ..capture import SourceFacts
from .coverage import Coverage
from .looks import Looks
from .sound import Sound

GOOD, USABLE, POOR = "good", "usable", "poor"

# Below this a fit has fewer pictures than a head has things to move; two seconds of film.
FEWEST_PICTURES = 50
# Talking portraits are usually learned from 3 to 5 minutes (Li et al.: ER-NeRF, 2023); in less than one, many sounds
# never follow each other.
SPEECH_SECONDS, ENOUGH_SPEECH = 120.0, 60.0
SLOWEST_FPS = 20.0  # syllables follow each other 4 to 8 times a second: fewer pictures miss their lips
SMALL_FACE, TINY_FACE = 160.0, 80.0  # pixels: of the first a lip is some ten pixels high, of the second it is five
# A face seen from less far aside shows neither the sides of its nose nor its cheeks: they are guessed.
TURNED_SIDEWAYS, TURNED_UPRIGHT = 20.0, 8.0  # degrees
WANTED_SIDEWAYS, WANTED_UPRIGHT = 30.0, 15.0  # what the advice asks for
# Weights that count as seen, and below which nothing was.
SEEN, NEVER = 0.35, 0.15
CLOSED_LIDS = 0.4  # MediaPipe gives closed lids about 0.5
# The accuracy that is asked of the tracking, of the face's width, and four times it.
LOOSE_CAMERAS, LOST_CAMERAS = 0.005, 0.02
LEFT_OUT = 0.3  # share of the source
JUMPING_MASK, JUMPING_SHARE = 0.08, 0.05  # of the head's area; of the pairs that may
SMALLEST_HEAD = 0.02  # share of the picture: less is a mask that lost the person
BLURRED, BLURRED_SHARE = 0.35, 0.1  # sharpness over the median, as frames of films are judged; of the pictures
UNSTEADY_LIGHT = 0.3  # of the median brightness, between the darkest and the brightest twentieth
UNSTEADY_COLOUR = 0.06  # of red's share and of blue's: an automatic white balance at work
LIP_OFFSET = 0.06  # seconds between lips and sound that people notice (EBU R37: 40 ms early, 60 ms late)
CLIPPED = 0.005  # of tenths of seconds
NOISE_DISTANCE = 20.0  # dB between speech and noise; prosody is drowned in less


@dataclass(frozen=True)
class Advice:
    """One sentence or two for the person.

    Args:
        topic: the section of the page that shows what was measured.
        stops: the head will disappoint; else it lacks something.
    """

    topic: str
    text: str
    stops: bool = False


# What is asked of a person, and the ARKit shapes that show it.
EXPRESSIONS = {
    "smiling": ("mouthSmileLeft", "mouthSmileRight"),
    "frowning": ("mouthFrownLeft", "mouthFrownRight"),
    "raising the brows": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "lowering the brows": ("browDownLeft", "browDownRight"),
    "widening the eyes": ("eyeWideLeft", "eyeWideRight"),
    "opening the mouth": ("jawOpen",),
    "rounding the lips": ("mouthPucker", "mouthFunnel"),
}


def verdict(advice: list[Advice]) -> str:
    """GOOD, USABLE or POOR."""
    if any(item.stops for item in advice):
        return POOR
    return USABLE if advice else GOOD


def advise(coverage: Coverage, looks: Looks, sound: Sound | None, facts: SourceFacts | None) -> list[Advice]:
    """All that should be said, what stops a good head first."""
    advice = [
        *_of_pictures(coverage, facts), *_of_tracking(coverage, facts), *_of_pose(coverage), *_of_shapes(coverage),
        *_of_emotions(coverage), *_of_looks(coverage, looks), *_of_masks(coverage, looks),
        *_of_sound(coverage, sound, facts),
    ]  # fmt: skip
    return sorted(advice, key=lambda item: not item.stops)


def judged(coverage: Coverage, names: tuple[str, ...]) -> str:
    """Whether shapes were "seen", "weak", "never" seen, or "unknown" because nobody can tell."""
    reach = coverage.reach_of(*names)
    if isnan(reach):
        return "unknown"
    return "seen" if reach >= SEEN else "weak" if reach >= NEVER else "never"


def _of_pictures(coverage: Coverage, facts: SourceFacts | None) -> list[Advice]:
    advice = []
    if coverage.fit_pictures < FEWEST_PICTURES:
        text = f"Only {coverage.fit_pictures} pictures are there to fit from: a head needs hundreds. "
        text += _todo(coverage, "Use a longer film.", "Render more of the performance.")
        advice.append(Advice("pictures", text, stops=True))
    if coverage.fps < SLOWEST_FPS:
        text = f"There are {coverage.fps:.3g} pictures per second: quick lips are missed. "
        text += _todo(coverage, "Film with 25 or more.", "Render 25 or more.")
        advice.append(Advice("pictures", text))
    left_out = sum(facts.dropped.values()) if facts else 0
    if facts and left_out > LEFT_OUT * max(1, facts.frames):
        reason = max(facts.dropped, key=facts.dropped.get)
        text = f"{left_out} of {facts.frames} pictures could not be used, most of them because {reason}. "
        advice.append(Advice("pictures", text + "Film one person, the whole face in view, sharp and well lit."))
    return advice


def _of_tracking(coverage: Coverage, facts: SourceFacts | None) -> list[Advice]:
    if not coverage.tracked:
        text = "No face was tracked in any picture: expressions and cameras are not to be trusted."
        return [Advice("pictures", text, stops=True)]
    error = facts.reprojection_error_relative if facts else None
    if error is None or error <= LOOSE_CAMERAS:
        return []
    text = f"The cameras miss the face by {error:.1%} of its width ({LOOSE_CAMERAS:.1%} is good): the head will be "
    text += "blurred. Film with less movement, more light and nothing before the face."
    return [Advice("pictures", text, stops=error > LOST_CAMERAS)]


def _of_pose(coverage: Coverage) -> list[Advice]:
    turned = coverage.turned()
    left, right, above, below = (turned[side] for side in ("left", "right", "above", "below"))
    advice = []
    if max(left, right) < TURNED_SIDEWAYS:
        text = f"The head is never seen from further than {max(left, right):.0f}° aside: it will look right only from "
        text += "the front. "
        text += _todo(coverage, "Turn it slowly to both sides", "Add cameras on both sides")
        text += f", to about {WANTED_SIDEWAYS:.0f}°."
        advice.append(Advice("pose", text))
    elif min(left, right) < TURNED_SIDEWAYS:
        seen, other = ("left", "right") if left > right else ("right", "left")
        text = f"The head is seen up to {turned[seen]:.0f}° from its {seen}, but only {turned[other]:.0f}° from its "
        text += f"{other}: that side is guessed. "
        text += _todo(coverage, "Turn the head the other way, too.", "Add cameras on that side.")
        advice.append(Advice("pose", text))
    if max(above, below) < TURNED_UPRIGHT:
        text = f"The head is never seen from further than {max(above, below):.0f}° above or below: nods will look "
        text += "flat. "
        text += _todo(coverage, "Raise and lower the chin slowly", "Add cameras above and below")
        text += f", to about {WANTED_UPRIGHT:.0f}°."
        advice.append(Advice("pose", text))
    return advice


def _of_shapes(coverage: Coverage) -> list[Advice]:
    advice = []
    lids = coverage.reach_of("eyeBlinkLeft", "eyeBlinkRight")
    if lids < CLOSED_LIDS:
        text = f"No blink was seen (the lids close to {lids:.0%} at most): the head's eyes will not close. "
        text += _todo(coverage, "Film for a minute, or blink on purpose.", "Let the character blink.")
        advice.append(Advice("shapes", text))
    for state, seen, end in (
        ("never", "never seen", "the head will not learn {it}"),
        ("weak", "seen only faintly", "the head will learn {it} weakly"),
    ):
        met = [name for name, shapes in EXPRESSIONS.items() if judged(coverage, shapes) == state]
        if not met:
            continue
        reach = [coverage.reach_of(*EXPRESSIONS[name]) for name in met]
        measured = f"none beyond {max(reach):.0%}" if len(met) > 2 else _listed([f"{value:.0%}" for value in reach])
        were, it = ("was", "it") if len(met) == 1 else ("were", "them")
        subject = _listed(met)
        text = f"{subject[0].upper()}{subject[1:]} {were} {seen} ({measured} of the full movement): "
        text += f"{end.format(it=it)}. "
        text += _todo(coverage, f"Show {it} to the camera for some seconds.", f"Add a take that shows {it}.")
        advice.append(Advice("shapes", text))
    return advice


def _of_emotions(coverage: Coverage) -> list[Advice]:
    shown = [name for name in coverage.emotions if name != "neutral"]
    if not coverage.emotions or shown:
        return []
    text = "Every labelled second is neutral: the head will learn no emotion. "
    return [Advice("emotions", text + _todo(coverage, "Show some to the camera.", "Add takes that show some."))]


def _of_looks(coverage: Coverage, looks: Looks) -> list[Advice]:
    advice = []
    width = float(np.median(looks.face_px))
    if 0 < width < SMALL_FACE:
        text = f"The face is {width:.0f} pixels wide: teeth and lids will be soft. Go nearer, or capture at a larger "
        advice.append(Advice("looks", text + "size.", stops=width < TINY_FACE))
    usual = float(np.median(looks.sharpness))
    blurred = float((looks.sharpness < BLURRED * usual).mean())
    if blurred > BLURRED_SHARE:
        text = f"{blurred:.0%} of the pictures are much less sharp than the others. "
        text += _todo(coverage, "Use more light and a fixed focus.", "Turn off motion blur and depth of field.")
        advice.append(Advice("looks", text))
    light = _unsteady(looks)
    if coverage.filmed and light:  # a scene's own light is as its maker wants it
        advice.append(Advice("looks", f"{light} Lock the camera's exposure and white balance."))
    return advice


def _unsteady(looks: Looks) -> str:
    """A sentence where the light on the face changes, else nothing."""
    known = np.isfinite(looks.brightness) & (looks.brightness > 0)
    if known.sum() < 2:
        return ""
    brightness = looks.brightness[known]
    spread = float(np.ptp(np.percentile(brightness, [5, 95])) / np.median(brightness))
    if spread > UNSTEADY_LIGHT:
        return f"The face's brightness changes by {spread:.0%}: the head will flicker between the two."
    shares = looks.light[known] / looks.light[known].sum(axis=1, keepdims=True)
    drift = float(np.ptp(np.percentile(shares[:, [0, 2]], [5, 95], axis=0), axis=0).max() / (1 / 3))
    if drift > UNSTEADY_COLOUR:
        return f"The face's colour drifts by {drift:.0%}."
    return ""


def _of_masks(coverage: Coverage, looks: Looks) -> list[Advice]:
    advice = []
    lost = float((looks.head_share < SMALLEST_HEAD).mean())
    if lost > 0.5:
        text = f"In {lost:.0%} of the pictures the mask shows hardly any head: there is nothing to fit."
        return [Advice("masks", text, stops=True)]
    jumping = float((looks.jumps > JUMPING_MASK).mean()) if len(looks.jumps) else 0.0
    if jumping > JUMPING_SHARE:
        text = f"The masks jump in {jumping:.0%} of the pictures: the head's outline will be frayed. "
        wall = "Film before a plain wall that differs from hair and clothes."
        text += _todo(coverage, wall, "Look which materials belong to which region.")
        advice.append(Advice("masks", text))
    return advice


def _of_sound(coverage: Coverage, sound: Sound | None, facts: SourceFacts | None) -> list[Advice]:
    if sound is None:
        text = "No sound: the head can be fitted for its looks, but the voice of this person cannot be learned."
        return [Advice("sound", text)]
    if not sound.speech_share:
        loudest = sound.levels.max()
        text = f"No speech was heard (the loudest moment is {loudest:.0f} dB): the voice of this person cannot be "
        return [Advice("sound", text + "learned. Check the recording.")]
    advice = []
    if sound.speech_seconds < ENOUGH_SPEECH:
        text = _todo(coverage, "Film", "Add takes with")
        text += f" {SPEECH_SECONDS / 60:.0f} minutes of speech: {sound.speech_seconds:.0f} seconds were heard, and "
        advice.append(Advice("sound", text + "many sounds are missing from them."))
    if sound.clipped > CLIPPED:
        text = f"{sound.clipped:.1%} of the sound is cut off at full level. Turn the microphone down."
        advice.append(Advice("sound", text))
    distance = sound.speech_level - sound.noise
    if distance < NOISE_DISTANCE:
        text = f"Speech is only {distance:.0f} dB louder than the noise ({NOISE_DISTANCE:.0f} is good). Move the "
        advice.append(Advice("sound", text + "microphone nearer, or find a quieter room."))
    offset = facts.lip_offset_seconds if facts else None
    if offset is not None and abs(offset) > LIP_OFFSET:
        late = "late" if offset > 0 else "early"
        text = f"The sound is {abs(offset):.2f} seconds {late} against the lips: mouth and voice will not meet. "
        advice.append(Advice("sound", text + "Correct it in the film and capture again."))
    return advice


def _todo(coverage: Coverage, filmed: str, rendered: str) -> str:
    return filmed if coverage.filmed else rendered


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"

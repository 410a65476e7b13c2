# SPDX-License-Identifier: GPL-3.0-or-later
"""What a character does in its capture, frame by frame: a design that leaves no shape out, then what it says.

The designed frames come first on the time axis and are silent; speech lies after them. So the last tenth of the times,
which a capture holds out of fitting, is speech that the head never saw.
"""

from dataclasses import dataclass, field

import numpy as np

from ...engine.protocol import EXPRESSION_NAMES
from ..takes import Performance

ALONE = (1.0, 0.5, 0.75, 0.25)
INTENSITIES = (1.0, 0.6, 0.8, 0.3)
SIDES = ("Left", "Right")

# Both sides where there are two.
LIPS = ("mouthFunnel", "mouthPucker", "mouthSmile", "mouthFrown", "mouthStretch", "mouthUpperUp", "mouthLowerDown",
        "mouthRollLower", "mouthRollUpper", "mouthPress", "mouthShrugLower", "mouthShrugUpper", "mouthDimple",
        "mouthLeft", "mouthRight", "tongueOut", "jawLeft", "jawRight", "jawForward", "cheekPuff")
BROWS = ("browDown", "browInnerUp", "browOuterUp")
LIDS = ("eyeBlink", "eyeWide", "eyeSquint")
GAZES = {
    "left": {"eyeLookOutLeft": 1, "eyeLookInRight": 1}, "right": {"eyeLookInLeft": 1, "eyeLookOutRight": 1},
    "up": {"eyeLookUp": 1}, "down": {"eyeLookDown": 1},
}
TOGETHER = (
    {"mouthSmile": 0.8, "cheekSquint": 0.8, "eyeSquint": 0.5}, {"noseSneer": 0.8, "mouthUpperUp": 0.7},
    {"mouthSmile": 0.7, "mouthPucker": 0.5}, {"mouthFunnel": 0.6, "mouthPucker": 0.6},
    {"mouthFrown": 0.8, "mouthShrugLower": 0.7}, {"mouthPress": 0.8, "mouthRollLower": 0.5, "mouthRollUpper": 0.5},
    {"mouthStretch": 0.8, "mouthLowerDown": 0.6}, {"mouthUpperUp": 0.7, "mouthLowerDown": 0.7},
    {"browDown": 0.9, "noseSneer": 0.6}, {"browInnerUp": 0.9, "browDown": 0.5},
    {"browInnerUp": 0.8, "browOuterUp": 0.9},
)


@dataclass
class Plan:
    """F rows in the order of their frames.

    Args:
        frames: (F,) int, frame k is the time k / fps.
        expression: (F, 52) float32 in [0, 1].
        labels: first frame, frame after the last, emotion, intensity.
        sounds: (index of the take, first frame).
    """

    frames: np.ndarray
    expression: np.ndarray
    labels: list[tuple[int, int, str, float]] = field(default_factory=list)
    sounds: list[tuple[int, int]] = field(default_factory=list)


def plan_frames(
    shapes: list[tuple[str, ...]], takes: list[Performance], emotions: dict[str, np.ndarray], count: int, share: float,
    seed: int,
) -> Plan:
    """Which expressions to render.

    Args:
        shapes: the ARKit names that the character can show, grouped where one key moves several.
        takes: what it says, in any number.
        emotions: emotion -> (52,).
        count: F.
        share: of the frames for the takes, as far as they have so many.
    """
    rng = np.random.default_rng([seed, 1])
    spoken = min(round(share * count), sum(map(len, takes)))
    poses = design(shapes, emotions, count - spoken, rng)
    frames, rows = list(range(len(poses))), [pose for _, _, pose in poses]
    labels = _label_runs([(emotion, amount) for emotion, amount, _ in poses])
    sounds, start = [], len(poses)
    chosen = spread(spoken, [len(take) for take in takes], rng)
    for number, (take, picks) in enumerate(zip(takes, chosen)):
        sounds.append((number, start))
        labels.append((start, start + len(take), *take.label()))
        frames += (start + picks).tolist()
        rows += list(take.expression[picks])
        start += len(take)
    expression = able(np.array(rows, np.float32).reshape(-1, len(EXPRESSION_NAMES)), shapes)
    return Plan(np.array(frames, int), expression, labels, sounds)


def able(expression: np.ndarray, shapes: list[tuple[str, ...]]) -> np.ndarray:
    """(F, 52) as the character can show it: shapes that it lacks rest, and those of one key share their mean."""
    shown = np.zeros_like(expression)
    for names in shapes:
        columns = [EXPRESSION_NAMES.index(name) for name in names]
        shown[:, columns] = expression[:, columns].mean(axis=1, keepdims=True)
    return np.round(shown, 4).astype(np.float32)


def spread(count: int, lengths: list[int], rng: np.random.Generator) -> list[np.ndarray]:
    """Which frames of takes of these lengths to render: `count` in all, evenly over all of them, ascending."""
    total = sum(lengths)
    places = np.floor((np.arange(count) + rng.random()) * (total / max(count, 1))).astype(int)
    ends = np.cumsum([0, *lengths])
    return [places[(places >= low) & (places < high)] - low for low, high in zip(ends, ends[1:])]


def design(
    shapes: list[tuple[str, ...]], emotions: dict[str, np.ndarray], count: int, rng: np.random.Generator
) -> list[tuple[str, float, np.ndarray]]:
    """`count` silent poses as (emotion or "", intensity, (52,)); what matters most comes in however few they are.

    Rest and every shape alone, then every emotion, then what goes together; where there is room for more, mixtures of
    these.
    """
    groups = {names for names in shapes}
    known = {name for names in groups for name in names}
    rest = [("neutral", 1.0, pose())]
    alone = [[("", 1.0, pose({name: weight for name in names})) for names in sorted(groups)] for weight in ALONE]
    moods = [[(name, amount, (shown * amount).astype(np.float32)) for name, shown in emotions.items()]
             for amount in INTENSITIES]
    pairs = [("", 1.0, p) for p in (pose(weights) for weights in combinations(known)) if p.any()]
    rng.shuffle(pairs)
    tiers = [rest, alone[0], moods[0], alone[1], moods[1], pairs, *alone[2:], *moods[2:]]
    chosen = [entry for tier in tiers for entry in tier][:count]
    pool = [entry for entry in chosen if entry[2].any()]
    while len(chosen) < count:
        draw = rng.random()
        if emotions and draw < 0.25:
            chosen.append(_mood(emotions, rng))
        else:
            chosen.append(_mixture(pool, rng) if pool and draw < 0.92 else rest[0])
    order = {"": -1, "neutral": 0} | {name: k + 1 for k, name in enumerate(emotions)}
    return sorted(chosen, key=lambda entry: (order[entry[0]], entry[1]))


def pose(weights: dict[str, float] | None = None) -> np.ndarray:
    """(52,) float32; a name without a side means both."""
    made = np.zeros(len(EXPRESSION_NAMES), np.float32)
    for name, weight in (weights or {}).items():
        names = [name] if name in EXPRESSION_NAMES else [name + side for side in SIDES]
        for known in names:
            made[EXPRESSION_NAMES.index(known)] = weight
    return made


def combinations(known: set[str]) -> list[dict[str, float]]:
    """Shapes that meet in faces and whose meeting is more than their sum: jaw with lips, lids with brows and gaze."""
    def has(name: str) -> bool:
        return name in known or name + "Left" in known

    made: list[dict[str, float]] = []
    if has("jawOpen"):
        for jaw in (0.25, 0.5, 0.9):
            made += [{"jawOpen": jaw, lips: amount} for lips in LIPS if has(lips) for amount in (0.5, 1.0)]
            made += [{"jawOpen": jaw, "mouthClose": jaw * part} for part in (0.5, 1.0) if has("mouthClose")]
            made += [{"jawOpen": jaw, **together} for together in TOGETHER]
    made += [{lid: a, brow: b} for lid in LIDS if has(lid) for brow in BROWS if has(brow)
             for a, b in ((0.5, 1.0), (1.0, 0.5), (1.0, 1.0))]
    for gaze in GAZES.values():
        made += [{name: w * amount for name, w in gaze.items()} for amount in (0.35, 0.7)]
        made += [{**{name: 0.6 * w for name, w in gaze.items()}, lid: amount}
                 for lid in LIDS if has(lid) for amount in (0.4, 0.8)]
        made += [{**{name: 0.8 * w for name, w in gaze.items()}, brow: 0.8} for brow in BROWS if has(brow)]
    made += [{"eyeBlink": weight} for weight in (0.2, 0.4, 0.6, 0.8, 0.9, 1.0)]
    made += [{base: weight} for base in _two_sided() for weight in (0.5, 1.0)]
    made += list(TOGETHER)
    return [{name: w for name, w in weights.items() if has(name)} for weights in made]


def _two_sided() -> list[str]:
    bases = [name.removesuffix("Left") for name in EXPRESSION_NAMES if name.endswith("Left")]
    return [base for base in bases if base not in ("jaw", "mouth")]


def _mixture(pool: list, rng: np.random.Generator) -> tuple[str, float, np.ndarray]:
    """Two poses at once, each at some weight."""
    a, b = (pool[k][2] * rng.uniform(0.3, 1.0) for k in rng.integers(len(pool), size=2))
    return "", 1.0, _alive(1.0 - (1.0 - a) * (1.0 - b), rng)


def _mood(emotions: dict[str, np.ndarray], rng: np.random.Generator) -> tuple[str, float, np.ndarray]:
    """An emotion at one of a few intensities, so that frames of one make one stretch."""
    name = list(emotions)[rng.integers(len(emotions))]
    amount = INTENSITIES[rng.integers(len(INTENSITIES))]
    return name, amount, _alive(emotions[name] * amount, rng)


def _alive(shown: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(52,) with a blink, a glance or an open jaw now and then."""
    gazes = list(GAZES.values())
    for weights, chance in (({"eyeBlink": 1.0}, 0.15), (gazes[rng.integers(len(gazes))], 0.3), ({"jawOpen": 1.0}, 0.3)):
        if rng.random() < chance:
            shown = np.maximum(shown, pose(weights) * rng.uniform(0.1, 0.8))
    return shown.astype(np.float32)


def _label_runs(poses: list[tuple[str, float]]) -> list[tuple[int, int, str, float]]:
    runs, start = [], 0
    for k in range(1, len(poses) + 1):
        if k == len(poses) or poses[k] != poses[start]:
            if poses[start][0]:
                runs.append((start, k, *poses[start]))
            start = k
    return runs

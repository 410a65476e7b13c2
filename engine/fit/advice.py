# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be said of a capture before it is fitted: what cannot be done, what the head will lack, and consent."""

import numpy as np

from ..capture.capture import Capture, directions
from ..errors import InputError
from ..protocol import EXPRESSION_NAMES, FitJob
from .metrics import HEAD
from .scene import Scene

LEAST_PICTURES = 20
OPEN_MOUTH, BLINK = 0.15, 0.4  # ARKit weights from which a mouth is open and an eye closed
ONE_SIDE = np.radians(20.0)
LOOKED_AT, SMALLEST_HEAD, LARGEST_HEAD = 40, 0.01, 0.95  # masks, and shares of their pixels


def refuse_unfit(capture: Capture, held_out: np.ndarray) -> None:
    """Raise InputError where nothing can be fitted."""
    left = int((~held_out & (capture.confidence > 0)).sum())
    if left < LEAST_PICTURES:
        raise InputError(
            f"The capture has {left} pictures to fit, and a head needs at least {LEAST_PICTURES}.",
            "Film at least a minute of the person, and make the capture again.",
        )


def capture_warnings(capture: Capture, held_out: np.ndarray, job: FitJob) -> list[str]:
    """What the head will lack, one sentence each."""
    texts = []
    fitted = ~held_out & (capture.confidence > 0)
    expression = capture.expression[fitted]

    def reach(start: str) -> float:
        return float(expression[:, [k for k, name in enumerate(EXPRESSION_NAMES) if name.startswith(start)]].max())

    if reach("jawOpen") < OPEN_MOUTH:
        texts.append("The mouth never opens in this capture: the head will not learn to speak.")
    if reach("eyeBlink") < BLINK:
        texts.append("The eyes never close in this capture: the head will not learn to blink.")
    yaw, _ = directions(capture.viewmats[fitted])
    if np.ptp(yaw) < ONE_SIDE:
        texts.append("The head is seen from one side only: it will look right from there alone.")
    if is_person(capture) and not job.consent:
        texts.append("Nobody's consent was given: this capture is of a real person, and the head says that none was "
                     "recorded. Record it with --consent.")
    return texts


def mask_warnings(scene: Scene) -> list[str]:
    """What is wrong with the masks, one sentence each."""
    rows = scene.fitted[np.unique(np.linspace(0, len(scene.fitted) - 1, LOOKED_AT).astype(int))].tolist()
    shares = np.array([HEAD[scene.pictures.regions(row)].mean() for row in rows])
    wrong = int(((shares < SMALLEST_HEAD) | (shares > LARGEST_HEAD)).sum())
    if wrong <= 0.1 * len(rows):
        return []
    return [f"The masks show no head in {wrong} of {len(rows)} pictures that were looked at: the head will have ragged "
            "edges, or none."]


def is_person(capture: Capture) -> bool:
    """Whether a real person was filmed: a character's cameras are exact, a person's were tracked."""
    return capture.landmarks is not None or bool(capture.facts and capture.facts.reprojection_error_relative)

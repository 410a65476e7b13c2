# SPDX-License-Identifier: GPL-3.0-or-later
"""Region masks of a film without a downloaded model: GrabCut on some pictures, then votes for all of them.

GrabCut (Rother et al. 2004) alone flickers and cuts off hair. So it runs only on samples spread over the clip, from
what the landmarks know. They vote on where the person is (relative to the head above the chin, to the picture below
it), which colours are the person's, and what the background looks like where it was seen. Each picture is then judged
by these three together. Within a band around the outline that comes of it, GrabCut on the picture itself has the last
word, and the edge follows the picture's own by a guided filter (He et al. 2013).

Hair that falls below the jaw counts as neck and torso.
"""

from collections.abc import Sequence

import numpy as np

from ..errors import InputError, MissingPackageError
from ..report import Report
from .capture import REGIONS
from .face_geometry import (
    CHIN, FACE_OVAL, LEFT_BROW, LEFT_EYE, OUTER_LIPS, RIGHT_BROW, RIGHT_EYE, face_width, fill, head_coordinates,
    mouth_interior,
)  # fmt: skip

BACKGROUND, HAIR, FACE, MOUTH, TORSO = range(len(REGIONS))
SAMPLES = 24  # more change nothing that can be seen, and each costs a tenth of a second
WORK_SIDE = 224  # pixels on which all is judged; the edge is drawn at full size
BINS = 16  # of each colour channel
NEAR_SAMPLES = 5
GRID = 96  # of the votes around the head
REACH = 2.0  # of these votes, in face widths to each side
VOTES_WEIGHT, PLATE_WEIGHT, COLOUR_LIMIT = 2.0, 2.0, 1.5
BAND = 0.07  # of the outline, to each side, in face widths
BAND_SIDE = 112  # pixels on which GrabCut judges it: twice as many cost four times as much and look the same
NOISE = 6.0  # grey levels that compression alone adds to a still background


class RegionMasks:
    """Learns a clip from samples of it, then gives the mask of any of its pictures.

    Args:
        samples: pictures (H, W, 3) uint8 of one size with their landmarks (478, 2) in pixels, spread over the clip; of
            more than SAMPLES, that many evenly chosen ones are used.

    Raises:
        InputError: no samples.
        Cancelled: asked to stop.
        MissingPackageError: OpenCV is not there.
    """

    def __init__(self, samples: Sequence[tuple[np.ndarray, np.ndarray]], report: Report | None = None) -> None:
        report = report or Report()
        if not samples:
            todo = "Choose a film that shows a face."
            raise InputError("No picture with a face is there to learn masks from.", todo)
        self._cv2 = import_cv2()
        chosen = np.unique(np.linspace(0, len(samples) - 1, SAMPLES).round().astype(int))
        small = [self._shrink(*samples[index]) for index in chosen]
        people = []
        for image, landmarks in small:
            report.check()
            people.append(self._grab_cut(image, landmarks))
        self._learn(small, people)

    def __call__(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The mask of one picture.

        Args:
            image: (H, W, 3) uint8, or (H, W, 4), whose alpha then says where the person is.
            landmarks: (478, 2) pixels.

        Returns:
            (H, W) uint8 indices into REGIONS.
        """
        height, width = image.shape[:2]
        small, points = self._shrink(image[..., :3], landmarks)
        if image.shape[2] == 4:
            person = image[..., 3] > 127
        else:
            person = self._person(image, small, points)
        hair = self._cv2.resize(self._hair_odds(small, points), (width, height)) > 0
        _, v = head_coordinates(landmarks, height, width)
        oval = fill(landmarks[list(FACE_OVAL)], height, width)
        mask = np.where(hair, HAIR, FACE).astype(np.uint8)
        mask[~oval & (v > jaw_height(landmarks))] = TORSO
        mask[~person] = BACKGROUND
        mask[mouth_interior(landmarks, height, width)] = MOUTH
        return mask

    def _shrink(self, image: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scale = min(1.0, WORK_SIDE / max(image.shape[:2]))
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        small = self._cv2.resize(np.ascontiguousarray(image[..., :3]), size, interpolation=self._cv2.INTER_AREA)
        return small, landmarks * scale

    def _grab_cut(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """Where the person is in one sample, (H, W) bool, from what the landmarks know of heads and shoulders."""
        cv2 = self._cv2
        height, width = image.shape[:2]
        u, v = head_coordinates(landmarks, height, width)
        chin = _chin(landmarks)
        shoulders = np.clip(0.45 + 1.6 * (v - chin - 0.1), 0, 1.6)
        likely = ((u / 0.68) ** 2 + ((v + 0.12) / 0.9) ** 2 < 1) | ((v > chin) & (np.abs(u) < shoulders))
        possible = ((u / 1.1) ** 2 + ((v + 0.12) / 1.35) ** 2 < 1) | ((v > chin - 0.3) & (np.abs(u) < shoulders + 0.8))
        certain = fill(_shrunk(landmarks[list(FACE_OVAL)], 0.95), height, width)
        certain |= (v > chin - 0.1) & (np.abs(u) < 0.25 + np.clip(1.8 * (v - chin - 0.2), 0, 1.2))
        trimap = np.full((height, width), cv2.GC_BGD, np.uint8)
        trimap[possible] = cv2.GC_PR_BGD
        trimap[likely] = cv2.GC_PR_FGD
        trimap[certain] = cv2.GC_FGD
        # A face so near that it fills the picture, or one that is not in it.
        if not (trimap == cv2.GC_BGD).any() or not (likely | certain).any():
            return likely
        cv2.setRNGSeed(0)
        cv2.grabCut(image, trimap, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
        return (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)

    def _learn(self, small: list, people: list[np.ndarray]) -> None:
        images = np.stack([image for image, _ in small])
        persons = np.stack(people)
        self._votes = _odds(persons.mean(axis=0), len(small))
        self._head_votes = np.stack([self._to_head(person, points) for person, (_, points) in zip(people, small)])
        self._poses = np.stack([_pose(points) for _, points in small])
        self._colours = _log_ratio(_histogram(images[persons]), _histogram(images[~persons]))
        # GrabCut misses a dark shoulder now and then: where most samples have a body, none of them shows background.
        below = np.stack([head_coordinates(points, *persons.shape[1:])[1] > _chin(points) for _, points in small])
        self._plate, self._noise = _plate(images, persons | (below & (persons.mean(axis=0) > 0.5)))
        skin, hair = np.zeros(BINS**3), np.zeros(BINS**3)
        for (image, points), person in zip(small, people):
            height, width = person.shape
            skin += _histogram(image[_skin(points, height, width)])
            _, v = head_coordinates(points, height, width)
            oval = fill(_shrunk(points[list(FACE_OVAL)], 1.12), height, width)
            hair += _histogram(image[person & ~oval & (v < _brows(points))])
        self._hair_colours = _log_ratio(hair, skin)

    def _to_head(self, person: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """(GRID, GRID) float32: a sample's person as seen from its head; beyond the picture counts as undecided."""
        matrix = _head_to_picture(landmarks)
        flags = self._cv2.INTER_LINEAR | self._cv2.WARP_INVERSE_MAP
        return self._cv2.warpAffine(person.astype(np.float32), matrix, (GRID, GRID), flags=flags, borderValue=0.5)

    def _votes_like(self, landmarks: np.ndarray) -> np.ndarray:
        """(GRID, GRID) log odds around the head; samples that look the same way count for more, as hair turns along."""
        distances = np.linalg.norm(self._poses - _pose(landmarks), axis=(1, 2))
        reach = np.sort(distances)[min(NEAR_SAMPLES, len(distances)) - 1] + 1e-6
        weights = np.exp(-0.5 * (distances / reach) ** 2)
        share = np.tensordot(weights / weights.sum(), self._head_votes, axes=1)
        return _odds(share, weights.sum())

    def _person(self, image: np.ndarray, small: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """(H, W) bool at full size."""
        cv2 = self._cv2
        height, width = small.shape[:2]
        _, v = head_coordinates(landmarks, height, width)
        to_picture = _head_to_picture(landmarks)
        from_head = cv2.warpAffine(self._votes_like(landmarks), to_picture, (width, height), borderValue=-4.0)
        below = np.clip((v - _chin(landmarks)) / 0.15, 0, 1)
        odds = VOTES_WEIGHT * (from_head * (1 - below) + self._votes * below)
        odds += np.clip(self._colours[_bins(small)], -COLOUR_LIMIT, COLOUR_LIMIT)
        apart = np.abs(small - self._plate)  # NaN where no background was ever seen
        far = np.maximum(np.maximum(apart[..., 0], apart[..., 1]), apart[..., 2]) / (3 * self._noise)
        odds += PLATE_WEIGHT * np.nan_to_num(np.clip(far - 1, -0.4, 1))
        odds[fill(_shrunk(landmarks[list(FACE_OVAL)], 0.98), height, width)] = 8.0
        likely = one_piece(odds > 0, landmarks)
        person = self._guided(self._redrawn(likely, small, landmarks), small, image) > 0.5
        return one_piece(person, landmarks * (image.shape[0] / height))

    def _redrawn(self, likely: np.ndarray, small: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """(h, w) float32 in [0, 1]: `likely` (h, w) bool with its outline drawn anew, by this picture's own colours."""
        cv2 = self._cv2
        height, width = likely.shape
        scale = min(1.0, BAND_SIDE / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        person = cv2.resize(likely.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        person = (person > 0.5).astype(np.uint8)
        radius = max(1, round(BAND * face_width(landmarks) * scale))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        trimap = np.where(person > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
        trimap[cv2.erode(person, kernel) > 0] = cv2.GC_FGD
        trimap[cv2.dilate(person, kernel) == 0] = cv2.GC_BGD
        if not ((trimap == cv2.GC_BGD).any() and (trimap == cv2.GC_FGD).any()):
            return likely.astype(np.float32)
        picture = cv2.resize(small, size, interpolation=cv2.INTER_AREA)
        cv2.setRNGSeed(0)
        cv2.grabCut(picture, trimap, None, np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
        person = (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)
        return cv2.resize(person.astype(np.float32), (width, height))

    def _guided(self, probability: np.ndarray, small: np.ndarray, image: np.ndarray) -> np.ndarray:
        """The fast guided filter (He and Sun 2015): its coefficients at the small size, the edge at the full one."""
        cv2 = self._cv2
        guide = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
        box = (7, 7)
        mean, mean_p = cv2.blur(guide, box), cv2.blur(probability, box)
        slope = (cv2.blur(guide * probability, box) - mean * mean_p) / (cv2.blur(guide * guide, box) - mean**2 + 2e-4)
        offset = mean_p - slope * mean
        size = (image.shape[1], image.shape[0])
        full = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
        return cv2.resize(cv2.blur(slope, box), size) * full + cv2.resize(cv2.blur(offset, box), size)

    def _hair_odds(self, small: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """(h, w) float32, above 0 where a pixel of the head is hair: by colour, and by how far it lies off the oval."""
        cv2 = self._cv2
        height, width = small.shape[:2]
        oval = fill(landmarks[list(FACE_OVAL)], height, width).astype(np.uint8)
        outside = cv2.distanceTransform(1 - oval, cv2.DIST_L2, 3) - cv2.distanceTransform(oval, cv2.DIST_L2, 3)
        outside = outside / face_width(landmarks)
        _, v = head_coordinates(landmarks, height, width)
        above = np.clip((_brows(landmarks) - v) / 0.3, -0.3, 1)
        colour = cv2.blur(np.clip(self._hair_colours[_bins(small)], -3, 3).astype(np.float32), (3, 3))
        odds = colour + np.clip(outside / 0.12, -4, 2) * above
        odds[(outside < -0.05) | ((outside < 0) & (v > _brows(landmarks)))] = -4.0
        return odds.astype(np.float32)


def one_piece(person: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The part that the face belongs to, without holes."""
    cv2 = import_cv2()
    height, width = person.shape
    radius = max(1, round(0.012 * face_width(landmarks)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    person = cv2.morphologyEx(person.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    person |= fill(landmarks[list(FACE_OVAL)], height, width)
    _, pieces = cv2.connectedComponents(person)
    middle = np.clip(landmarks.mean(axis=0).astype(int), 0, [width - 1, height - 1])
    person = (pieces == pieces[middle[1], middle[0]]).astype(np.uint8)
    ends = np.flatnonzero(person[-1])
    ground = np.zeros((1, width), np.uint8)  # the body goes on below the picture: a notch there is a hole, too
    if len(ends):
        ground[0, ends[0] : ends[-1] + 1] = 1
    contours, _ = cv2.findContours(np.vstack([person, ground]), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    areas = [contour for contour in contours if len(contour) > 2]
    filled = cv2.drawContours(np.zeros_like(person), areas, -1, 1, cv2.FILLED)
    gaps = (filled > 0) & (person == 0)  # between an arm and the body there may be a true one
    _, labels, stats, _ = cv2.connectedComponentsWithStats(gaps.astype(np.uint8))
    small = stats[:, cv2.CC_STAT_AREA] < (0.25 * face_width(landmarks)) ** 2
    return (person > 0) | (gaps & small[labels])


def import_cv2():
    try:
        import cv2
    except ImportError as error:
        raise MissingPackageError(
            f"OpenCV does not load in the engine's Python ({error}).", "Install the extension's zip for your platform."
        ) from None
    return cv2


def _shrunk(contour: np.ndarray, factor: float) -> np.ndarray:
    middle = contour.mean(axis=0)
    return middle + factor * (contour - middle)


def _height_of(landmarks: np.ndarray, points: np.ndarray) -> np.ndarray:
    """v of `head_coordinates` of points (P, 2)."""
    down = landmarks[CHIN] - landmarks[FACE_OVAL[0]]
    down = down / np.linalg.norm(down)
    return (points - landmarks[list(FACE_OVAL)].mean(axis=0)) @ down / face_width(landmarks)


def _chin(landmarks: np.ndarray) -> float:
    return float(_height_of(landmarks, landmarks[[CHIN]])[0])


def _brows(landmarks: np.ndarray) -> float:
    return float(_height_of(landmarks, landmarks[list(RIGHT_BROW + LEFT_BROW)]).mean())


def jaw_height(landmarks: np.ndarray) -> float:
    """Where ears end and the neck begins: at the mouth's height."""
    return float(_height_of(landmarks, landmarks[list(OUTER_LIPS)]).mean())


def _head_to_picture(landmarks: np.ndarray) -> np.ndarray:
    """(2, 3) affine matrix from the votes' grid around the head to pixels, for cv2.warpAffine."""
    down = landmarks[CHIN] - landmarks[FACE_OVAL[0]]
    down = down / np.linalg.norm(down)
    unit = face_width(landmarks) * 2 * REACH / GRID
    axes = unit * np.array([[down[1], down[0]], [-down[0], down[1]]])
    origin = landmarks[list(FACE_OVAL)].mean(axis=0) - axes @ np.full(2, GRID / 2)
    return np.column_stack([axes, origin])


def _pose(landmarks: np.ndarray) -> np.ndarray:
    """(P, 2) places of the face's parts within it, which say how it is turned."""
    points = landmarks[list(FACE_OVAL + RIGHT_EYE + LEFT_EYE)]
    return (points - landmarks[list(FACE_OVAL)].mean(axis=0)) / face_width(landmarks)


def _skin(landmarks: np.ndarray, height: int, width: int) -> np.ndarray:
    """The face without what is no skin."""
    skin = fill(_shrunk(landmarks[list(FACE_OVAL)], 0.85), height, width)
    for part in (RIGHT_EYE, LEFT_EYE, RIGHT_BROW, LEFT_BROW, OUTER_LIPS):
        skin &= ~fill(_shrunk(landmarks[list(part)], 1.3), height, width)
    return skin


def _bins(image: np.ndarray) -> np.ndarray:
    """Each pixel's bin of BINS^3, shape (...) of an image (..., 3) uint8."""
    levels = image.astype(np.int32) * BINS // 256
    return (levels[..., 0] * BINS + levels[..., 1]) * BINS + levels[..., 2]


def _histogram(colours: np.ndarray) -> np.ndarray:
    """(BINS^3,) counts of colours (P, 3) uint8."""
    return np.bincount(_bins(colours), minlength=BINS**3).astype(np.float64)


def _log_ratio(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(BINS^3,) float32 log of how much likelier a colour is in the first histogram; 0 for colours never seen."""
    smooth = [_spread(counts) for counts in (first, second)]
    first, second = (counts / max(counts.sum(), 1.0) + 1e-5 for counts in smooth)
    return np.log(first / second).astype(np.float32)


def _spread(counts: np.ndarray) -> np.ndarray:
    """A histogram whose bins lend a little to their neighbours."""
    cube = counts.reshape(BINS, BINS, BINS)
    for axis in range(3):
        padded = np.pad(cube, [(1, 1) if other == axis else (0, 0) for other in range(3)], mode="edge")
        cube = 0.25 * np.take(padded, range(BINS), axis) + 0.5 * cube + 0.25 * np.take(padded, range(2, BINS + 2), axis)
    return cube.ravel()


def _odds(share: np.ndarray, samples: float) -> np.ndarray:
    """Log odds of a share of votes; a few votes are no certainty."""
    share = (share * samples + 1) / (samples + 2)
    return np.log(share / (1 - share)).astype(np.float32)


def _plate(images: np.ndarray, persons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The background where it was seen.

    Args:
        images: (S, h, w, 3) uint8.
        persons: (S, h, w) bool.

    Returns:
        plate (h, w, 3) float32, NaN where the background was seen in fewer than three samples; noise (h, w) float32,
        grey levels, large where the background moves.
    """
    seen = np.where(persons[..., None], np.float32(np.nan), images.astype(np.float32))
    enough = (~persons).sum(axis=0) >= min(3, len(images))
    seen[:, ~enough] = 0.0
    plate = np.nanmedian(seen, axis=0)
    noise = NOISE + 1.5 * np.nanmedian(np.abs(seen - plate), axis=0).max(axis=2)
    plate[~enough] = np.nan
    return plate.astype(np.float32), noise.astype(np.float32)

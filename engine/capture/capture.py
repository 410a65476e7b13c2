# SPDX-License-Identifier: GPL-3.0-or-later
"""The Capture: what a head is fitted from, row by row."""

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from ..disk_rows import DiskRows, blocks
from ..protocol import EMOTION_NAMES, EXPRESSION_NAMES

# What the values of a mask mean.
REGIONS = ("background", "hair", "face", "mouth_interior", "neck_torso")
LANDMARKS = 478

TEST_STRETCH = 0.1  # of the clip, in one piece: says how a head speaks what it never saw
TEST_SCATTER = 0.05  # of the rest, frame by frame: says how a head looks between what it saw


@dataclass(frozen=True)
class EmotionLabel:
    """An emotion that the person shows from `start` to `end` seconds.

    Args:
        emotion: a name of EMOTION_NAMES.
        intensity: 0 to 1.
    """

    start: float
    end: float
    emotion: str
    intensity: float = 1.0

    def __post_init__(self) -> None:
        if self.emotion not in EMOTION_NAMES:
            raise ValueError(f"There is no emotion {self.emotion!r}; there are {', '.join(EMOTION_NAMES)}.")
        if not (0 <= self.start < self.end < float("inf") and 0 <= self.intensity <= 1):
            raise ValueError(f"The label {self.emotion} {self.start} to {self.end} s at {self.intensity} has no sense.")


@dataclass(frozen=True)
class SourceFacts:
    """What a capture's source was like, for the report; what is not known is None.

    Args:
        frames: pictures that the source has.
        tracked: of them, those with a face that was found (of an exact source: all).
        clip_seconds: the source's length.
        dropped: why pictures were left out -> how many; a reason completes "left out because ...".
        reprojection_error_relative: root mean square of the rigid landmarks' distance from their projections, over the
            face's width.
        av_offset_seconds: from the first picture to the first sound, by the container's clocks and the encoder's delay;
            the capture's sound has been moved by it.
        lip_offset_seconds: what offset remains between lips and sound (positive: the sound is late).
    """

    frames: int
    tracked: int
    clip_seconds: float
    dropped: dict[str, int] = field(default_factory=dict)
    reprojection_error_relative: float | None = None
    av_offset_seconds: float | None = None
    lip_offset_seconds: float | None = None

    def __post_init__(self) -> None:
        counts = {"frames": self.frames, "tracked": self.tracked, **self.dropped}
        for name, count in counts.items():
            if not isinstance(name, str) or not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise ValueError(f"{name!r:.100} = {count!r:.40} counts no pictures.")
        for name in ("clip_seconds", "reprojection_error_relative", "av_offset_seconds", "lip_offset_seconds"):
            value = getattr(self, name)
            if value is None and name != "clip_seconds":
                continue
            if not isinstance(value, (int, float)) or not abs(value) < 1e9:
                raise ValueError(f"{name} = {value!r:.40} is no number.")


@dataclass
class Capture:
    """Pictures of one head with what was seen in each: F rows, one per picture, by camera and then by time.

    Row i is the picture of camera `cameras[i]` at the time `frames[i]` / fps from the audio's start. Times at which the
    face could not be used have no row.

    Args:
        identity: the person's name.
        fps: exact frames per second.
        width, height: pixels of every picture and mask.
        frames: (F,) int32.
        cameras: (F,) int32.
        viewmats: (F, 4, 4) float32, head's frame to camera, rigid, OpenCV axes, metres: the head stands still and the
            camera moves. Head's frame: origin between the ears, face towards -y, z up, x to the head's left.
        Ks: (F, 3, 3) float32 pinhole matrices in pixels, pixel centres at +0.5.
        expression: (F, 52) float32 ARKit weights in [0, 1], in the order of EXPRESSION_NAMES.
        gaze: (F, 2) float32, yaw (positive: to the head's left) and pitch (positive: up), radians.
        confidence: (F,) float32 in [0, 1]; 0 where nothing was tracked.
        test: (F,) bool, held out of fitting; see `split_test`.
        landmarks: (F, 478, 2) float32, MediaPipe's landmarks in pixels, or None. Rows of confidence 0 mean nothing. An
            array, or on the disk: half a gigabyte for an hour.
        codes: (F, C) float32, components of mouth, lids and brows beside ARKit's 52, or None.
        labels: emotions where they are known.
        source: what it was made from, for people.
        facts: what that was like, or None.
        warnings: what to tell the person about it, one sentence each.

    Raises:
        ValueError: a shape, a value that is not finite, or rows out of order.
    """

    identity: str
    fps: Fraction
    width: int
    height: int
    frames: np.ndarray
    cameras: np.ndarray
    viewmats: np.ndarray
    Ks: np.ndarray
    expression: np.ndarray
    gaze: np.ndarray
    confidence: np.ndarray
    test: np.ndarray
    landmarks: np.ndarray | DiskRows | None = None
    codes: np.ndarray | None = None
    labels: list[EmotionLabel] = field(default_factory=list)
    source: str = ""
    facts: SourceFacts | None = None
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows = len(self.frames)
        shapes = {"frames": (rows,), "cameras": (rows,), "viewmats": (rows, 4, 4), "Ks": (rows, 3, 3)}
        shapes |= {"expression": (rows, len(EXPRESSION_NAMES)), "gaze": (rows, 2), "confidence": (rows,)}
        shapes |= {"test": (rows,), "landmarks": (rows, LANDMARKS, 2)}
        if self.codes is not None:
            shapes["codes"] = (rows, self.codes.shape[-1])
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is not None and (value.shape != shape or not _is_finite(value)):
                raise ValueError(f"Capture.{name} must be finite and of shape {shape}, not {value.shape}.")
        order = np.lexsort((self.frames, self.cameras))
        pairs = np.stack([self.cameras, self.frames], axis=1)
        if not rows or not (order == np.arange(rows)).all() or (pairs[1:] == pairs[:-1]).all(axis=1).any():
            raise ValueError("Capture needs rows by camera and then by frame, each once, and at least one.")
        if pairs.min() < 0:
            raise ValueError("Capture counts frames and cameras from 0.")
        _check_cameras(self.viewmats, self.Ks)

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def times(self) -> np.ndarray:
        """(F,) float64 seconds from the audio's start."""
        return self.frames * float(1 / self.fps)

    @property
    def seconds(self) -> float:
        """From the audio's start to the end of the last picture."""
        return float((int(self.frames.max()) + 1) / self.fps)

    def stem(self, row: int) -> str:
        """What a row's picture and mask are called, without folder and suffix."""
        return picture_stem(int(self.cameras[row]), int(self.frames[row]))


def _is_finite(value: np.ndarray | DiskRows) -> bool:
    return all(np.isfinite(value[part]).all() for part in blocks(len(value)))


def picture_stem(camera: int, frame: int) -> str:
    return f"{camera:03d}_{frame:07d}"


def directions(viewmats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where cameras stand as the head's origin sees them; 0, 0 is straight before the face.

    Args:
        viewmats: (T, 4, 4) head's frame to camera.

    Returns:
        (T,) yaw (positive: to the head's left) and pitch (positive: above), radians.
    """
    x, y, z = -np.einsum("tij,ti->jt", viewmats[:, :3, :3], viewmats[:, :3, 3])
    return np.arctan2(x, -y), np.arctan2(z, np.hypot(x, y))


def _check_cameras(viewmats: np.ndarray, Ks: np.ndarray) -> None:
    for part in blocks(len(viewmats)):
        rotations, last = viewmats[part, :3, :3].astype(np.float64), viewmats[part, 3]
        rigid = np.allclose(rotations @ rotations.transpose(0, 2, 1), np.eye(3), atol=1e-3)
        if not rigid or np.linalg.det(rotations).min() < 0 or not np.allclose(last, [0, 0, 0, 1], atol=1e-5):
            raise ValueError("Capture.viewmats must be rigid, without scale, shear or mirroring.")
    if Ks[:, [0, 1], [0, 1]].min() <= 0 or not np.allclose(Ks[:, 2], [0, 0, 1], atol=1e-5) or Ks[:, 1, 0].any():
        raise ValueError("Capture.Ks must be pinhole matrices with positive focal lengths and [0, 0, 1] at the bottom.")


def split_test(frames: np.ndarray, seed: int = 0) -> np.ndarray:
    """Which pictures are held out of fitting: the last tenth of the times, and seeded frames of the rest.

    All pictures of one time go together, whatever their camera.

    Args:
        frames: (F,) int, each picture's frame.

    Returns:
        (F,) bool; at least one picture stays for fitting.
    """
    moments = np.unique(frames)
    stretch = int(len(moments) * TEST_STRETCH)
    rest = len(moments) - stretch
    scattered = np.random.default_rng(seed).permutation(rest)[: int(rest * TEST_SCATTER)]
    held = np.zeros(len(moments), bool)
    held[rest:] = True
    held[scattered] = True
    return held[np.searchsorted(moments, frames)]

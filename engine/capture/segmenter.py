# SPDX-License-Identifier: GPL-3.0-or-later
"""Region masks by MediaPipe's selfie multiclass segmenter, which is fetched from its makers where the person allows it.

https://ai.google.dev/edge/mediapipe/solutions/vision/image_segmenter#multiclass-model, Apache-2.0, Google.
"""

import hashlib
import threading
import urllib.request
from pathlib import Path

import numpy as np

from ..errors import InputError, MissingModelError
from ..files import make_folder, user_cache, whole_file
from ..report import Report
from .face_geometry import FACE_OVAL, fill, head_coordinates, mouth_interior
from .masks import BACKGROUND, FACE, HAIR, MOUTH, TORSO, jaw_height, one_piece
from .tracking.model import load_mediapipe, pinned

NAME = "selfie_multiclass_256x256.tflite"
TIMEOUT = 10.0
BLOCK = 1 << 16

# The segmenter's classes: background, hair, body skin, face skin, clothes, others (glasses, hats, phones).
OTHERS = 5
REGION_OF_CLASS = np.array([BACKGROUND, HAIR, TORSO, FACE, TORSO, TORSO], np.uint8)


def fetch_segmenter(report: Report) -> Path:
    """The segmenter's file in the user's cache, downloaded where it is not there or not whole.

    Raises:
        MissingModelError: the network refuses, or what came is another file.
        StorageError: the cache cannot be written.
        Cancelled: asked to stop; no half file stays.
    """
    pin = pinned(NAME)
    url, sha256, size = pin["url"], pin["sha256"], pin["bytes"]
    todo = "Allow the network, or switch the download off: masks are then learnt from the film alone."
    try:
        path = make_folder(user_cache() / "models") / NAME
    except RuntimeError as error:
        raise MissingModelError(f"There is no folder to keep {NAME} in ({error}).", todo) from None
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
        return path
    report.progress("download", 0, size)
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            if not answer.geturl().startswith("https://"):
                raise MissingModelError(f"{url} leads to a page without encryption.", todo)
            data = _read(answer, size, report)
    except OSError as error:  # URLError and timeouts are
        raise MissingModelError(f"{url} could not be fetched ({error}).", todo) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise MissingModelError(f"{url} is another file than the one that was tested, or came damaged.", todo)
    with whole_file(path) as part:
        part.write_bytes(data)
    report.progress("download", size, size)
    return path


def _read(answer, size: int, report: Report) -> bytes:
    """At most one byte more than the file has: a longer one is another one."""
    data = bytearray()
    while block := answer.read(min(BLOCK, size + 1 - len(data))):
        data += block
        report.progress("download", min(len(data), size - 1), size)
    return bytes(data)


class SegmentedMasks:
    """Gives the mask of any picture of a person; nothing is learnt from the film.

    Args:
        path: from `fetch_segmenter`.

    Raises:
        MissingPackageError: mediapipe is not there.
        InputError: the file is no segmenter.
    """

    def __init__(self, path: Path) -> None:
        vision, mediapipe = load_mediapipe()
        options = vision.ImageSegmenterOptions(
            base_options=mediapipe.tasks.BaseOptions(model_asset_buffer=path.read_bytes()),
            output_confidence_masks=False, output_category_mask=True,
        )  # fmt: skip
        try:
            self._segmenter = vision.ImageSegmenter.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            raise InputError(f"{path} is no segmenter ({error}).", "Delete it; it is fetched again.") from error
        self._mediapipe, self._lock = mediapipe, threading.Lock()

    def __call__(self, image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
        """The mask of one picture, (H, W) uint8 indices into REGIONS.

        Args:
            image: (H, W, 3) uint8, or (H, W, 4), whose alpha then says where the person is.
            landmarks: (478, 2) pixels.
        """
        data = np.ascontiguousarray(image[..., :3])
        picture = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=data)
        with self._lock:
            classes = self._segmenter.segment(picture).category_mask.numpy_view().copy()
        mask = regions_of(classes.reshape(image.shape[:2]), landmarks)
        if image.shape[2] == 4:
            mask[image[..., 3] <= 127] = BACKGROUND
        return mask

    def close(self) -> None:
        self._segmenter.close()


def regions_of(classes: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The segmenter's classes (H, W) uint8 as regions (H, W) uint8: ears are body skin to it, and mouths are faces.

    Args:
        landmarks: (478, 2) pixels.
    """
    height, width = classes.shape
    _, v = head_coordinates(landmarks, height, width)
    oval = fill(landmarks[list(FACE_OVAL)], height, width)
    below = (v > jaw_height(landmarks)) & ~oval
    mask = REGION_OF_CLASS[np.minimum(classes, OTHERS)]
    mask[(mask == TORSO) & ~below] = FACE
    mask[(classes == OTHERS) & ~below & ~oval] = HAIR
    mask[(mask == FACE) & below] = TORSO
    mask[(mask == BACKGROUND) & oval] = FACE
    mask[~one_piece(mask != BACKGROUND, landmarks)] = BACKGROUND
    mask[mouth_interior(landmarks, height, width)] = MOUTH
    return mask

# SPDX-License-Identifier: GPL-3.0-or-later
"""A capture's pictures with the head held still, to see how steady its cameras are: `python -m engine.capture.still`.

Where cameras are exact, a film of these pictures shows a face that only acts; where they are not, it shakes.
"""

import argparse
from fractions import Fraction
from pathlib import Path

import numpy as np

from ..errors import MissingPackageError
from .capture import Capture
from .storage import load_capture, read_picture

FACE_PLANE = -0.07  # metres: y of the plane through a face between eyes, nose and mouth, in the head's frame


def still_view(capture: Capture) -> tuple[np.ndarray, np.ndarray]:
    """The camera (4, 4) and pinhole matrix (3, 3) from which the head is held still: the one in the middle of all."""
    places = np.einsum("tij,ti->tj", capture.viewmats[:, :3, :3], -capture.viewmats[:, :3, 3])
    middle = int(np.linalg.norm(places - np.median(places, axis=0), axis=1).argmin())
    return capture.viewmats[middle], capture.Ks[middle]


def head_still(
    image: np.ndarray, viewmat: np.ndarray, K: np.ndarray, view: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """A picture as `view` would have seen it, if the face were flat: exact in the face's plane, near it elsewhere.

    Args:
        image: (H, W, 3) uint8.
        viewmat, K: its camera, (4, 4) and (3, 3).
        view: camera and pinhole matrix that are wanted.

    Returns:
        (H, W, 3) uint8.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingPackageError(f"OpenCV does not load here ({error}).", "Reinstall the add-on.") from None
    to_still = _plane_to_pixels(*view) @ np.linalg.inv(_plane_to_pixels(viewmat, K))
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])  # OpenCV counts from the middle of the first pixel
    matrix = np.linalg.inv(half) @ to_still @ half
    size = (image.shape[1], image.shape[0])
    return cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _plane_to_pixels(viewmat: np.ndarray, K: np.ndarray) -> np.ndarray:
    """(3, 3) homography from x and z in the face's plane to pixels."""
    viewmat = np.asarray(viewmat, np.float64)
    axes = np.stack([viewmat[:3, 0], viewmat[:3, 2], viewmat[:3, 1] * FACE_PLANE + viewmat[:3, 3]], axis=1)
    return np.asarray(K, np.float64) @ axes


def write_still_film(folder: Path, out: Path) -> None:
    """Write a film of the pictures of camera 0 as they are, beside the same with the head held still."""
    import av

    capture = load_capture(folder)
    view = still_view(capture)
    with av.open(str(out), "w") as container:
        stream = container.add_stream("libx264", capture.fps, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = 2 * capture.width // 2 * 2, capture.height // 2 * 2, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90000)
        for row in np.flatnonzero(capture.cameras == 0):
            image = read_picture(folder, capture, row)[0][..., :3]
            still = head_still(image, capture.viewmats[row], capture.Ks[row], view)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.hstack([image, still])), "rgb24")
            frame.pts, frame.time_base = round(capture.frames[row] / capture.fps * 90000), Fraction(1, 90000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m engine.capture.still", description=__doc__.splitlines()[0])
    parser.add_argument("capture", type=Path)
    parser.add_argument("out", type=Path, help="the film, such as still.mp4")
    options = parser.parse_args()
    write_still_film(options.capture, options.out)

# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of data sets, judged before they are used: sizes first, numbers finite, paths within the folder, no code run.

Every function raises FormatError, in one sentence, for what is wrong.
"""

import json
import math
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ...errors import FormatError
from ..storage import MAX_SIDE

MAX_JSON_BYTES = 256_000_000
MAX_LANDMARK_BYTES = 100_000
MAX_PARAMETER_BYTES = 2_000_000_000
MIN_SIDE = 16
MAX_ASPECT = 8  # longer side over shorter
SAME_ASPECT = 0.01
LARGEST_LENGTH = 1e6
RIGID = 1e-2  # how far a rotation's rows may be from length 1 and right angles: some files hold four digits
AGAIN = "Copy or make the data set again."


def read_json(path: Path) -> dict:
    """A JSON file that holds an object."""
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise FormatError(f"{path} is larger than {MAX_JSON_BYTES // 1_000_000} MB.", AGAIN)
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FormatError(f"{path} could not be read ({error.strerror}).", AGAIN) from None
    except (ValueError, RecursionError):
        raise FormatError(f"{path} is no JSON file, or is cut off.", AGAIN) from None
    if not isinstance(data, dict):
        raise FormatError(f"{path} holds no JSON object.", AGAIN)
    return data


def entries(data: dict, path: Path) -> list[dict]:
    """The list `frames` of a transforms file."""
    frames = data.get("frames")
    if not isinstance(frames, list) or not frames or not all(isinstance(entry, dict) for entry in frames):
        raise FormatError(f"{path} has no list of frames.", AGAIN)
    return frames


def inside(folder: Path, name, path: Path) -> Path:
    """The file that a text within `path` names; it must lie in the data set's folder, whatever links lie there."""
    if not isinstance(name, str) or not name or len(name) > 1000 or "\0" in name:
        raise FormatError(f"{path} names a file {name!r:.60}, which is no name.", AGAIN)
    found = (folder / name.replace("\\", "/")).resolve()
    if not found.is_relative_to(folder.resolve()):
        todo = "Move the pictures into the folder."
        raise FormatError(f"{path} names {name:.200}, which leads out of {folder}.", todo)
    return found


def number(value, what: str, path: Path, low: float, high: float) -> float:
    """A finite number from low to high."""
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high
    if not fits:
        raise FormatError(f"{path}: {what} is {value!r:.60}, not a number from {low:g} to {high:g}.", AGAIN)
    return float(value)


def whole_number(value, what: str, path: Path, high: int) -> int:
    """A whole number from 0 to high; 3.0 is one."""
    if number(value, what, path, 0, high) % 1:
        raise FormatError(f"{path}: {what} is {value!r:.60}, not a whole number.", AGAIN)
    return int(value)


def rigid_matrix(value, what: str, path: Path) -> np.ndarray:
    """(4, 4) float64 rotation and translation, its rotation made exact; three rows get their fourth."""
    try:
        matrix = np.array(value, np.float64)
    except (ValueError, TypeError, OverflowError):
        matrix = np.zeros(0)
    if matrix.shape == (3, 4):
        matrix = np.vstack([matrix, [0, 0, 0, 1]])
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise FormatError(f"{path}: {what} is no 4x4 matrix of finite numbers.", AGAIN)
    if np.abs(matrix[:3, 3]).max() > LARGEST_LENGTH:
        raise FormatError(f"{path}: {what} moves by more than {LARGEST_LENGTH:g}.", AGAIN)
    u, singular, vt = np.linalg.svd(matrix[:3, :3])
    rigid = np.abs(singular - 1).max() < RIGID and np.linalg.det(matrix[:3, :3]) > 0
    if not rigid or not np.allclose(matrix[3], [0, 0, 0, 1], atol=1e-6):
        raise FormatError(f"{path}: {what} is no rotation and translation.", AGAIN)
    matrix[:3, :3] = u @ vt
    return matrix


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height from a picture's header."""
    with _opened(path) as image:
        return image.size


def read_picture(path: Path, size: tuple[int, int]) -> np.ndarray:
    """(H, W, 3) uint8 sRGB, or (H, W, 4) with straight alpha, as the file has it.

    Args:
        size: width and height that the file must have the aspect of.
    """
    with _opened(path) as image:
        if abs(image.width * size[1] / (image.height * size[0]) - 1) > SAME_ASPECT:
            raise FormatError(
                f"{path} is {image.width}x{image.height}, which is another aspect than its camera's "
                f"{size[0]}x{size[1]}.",
                AGAIN,
            )
        alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
        return np.asarray(_decoded(path, image, "RGBA" if alpha else "RGB"))


def read_mask(path: Path, colours: bool = False) -> np.ndarray:
    """(H, W) uint8 grey values, or (H, W, 3) colours; a mask with alpha is its alpha."""
    with _opened(path) as image:
        if colours:
            return np.asarray(_decoded(path, image, "RGB"))
        if "A" in image.mode:
            return np.asarray(_decoded(path, image, "RGBA"))[..., 3]
        return np.asarray(_decoded(path, image, "L"))


def read_bool_array(path: Path) -> np.ndarray:
    """(H, W) bool from a numpy file."""
    try:
        # A map and no read: a header that announces more than the file holds is refused before memory is taken.
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        fits = isinstance(array, np.ndarray) and array.ndim == 2 and array.dtype.kind in "bui"
        if not fits or not MIN_SIDE <= min(array.shape) <= max(array.shape) <= MAX_SIDE:
            raise FormatError(f"{path} is no mask of {MIN_SIDE} to {MAX_SIDE} pixels.", AGAIN)
        return np.array(array) != 0
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise FormatError(f"{path} is no numpy file of plain numbers ({error!s:.80}).", AGAIN) from None


def read_points(path: Path, count: int) -> np.ndarray:
    """(count, 2) float64 from a text file of two numbers a line."""
    try:
        if path.stat().st_size > MAX_LANDMARK_BYTES:
            raise FormatError(f"{path} is larger than {MAX_LANDMARK_BYTES} bytes.", AGAIN)
        values = [float(word) for word in path.read_text(encoding="ascii").split()]
    except OSError as error:
        raise FormatError(f"{path} could not be read ({error.strerror}).", AGAIN) from None
    except ValueError:
        raise FormatError(f"{path} holds what is no number.", AGAIN) from None
    if len(values) != 2 * count or not all(math.isfinite(value) and abs(value) < 1e6 for value in values):
        raise FormatError(f"{path} holds no {count} points.", AGAIN)
    return np.array(values).reshape(count, 2)


def read_tensors(path: Path) -> dict:
    """The name -> float64 array of a PyTorch file, of the tensors in it; nothing in the file is run."""
    import torch

    try:
        if path.stat().st_size > MAX_PARAMETER_BYTES:
            raise FormatError(f"{path} is larger than {MAX_PARAMETER_BYTES // 1_000_000} MB.", AGAIN)
        data = torch.load(path, map_location="cpu", weights_only=True)
    except FormatError:
        raise
    except Exception as error:  # torch raises whatever its parsers do
        raise FormatError(f"{path} is no file of plain tensors ({error!s:.80}).", AGAIN) from None
    if not isinstance(data, dict):
        raise FormatError(f"{path} holds no named tensors.", AGAIN)
    return {name: value.double().numpy() for name, value in data.items() if isinstance(value, torch.Tensor)}


def _opened(path: Path) -> Image.Image:
    """A picture whose header has been judged and whose pixels have not been read."""
    try:
        image = Image.open(path, formats=("PNG", "JPEG", "WEBP"))
    except FileNotFoundError:
        raise FormatError(f"There is no picture {path}.", AGAIN) from None
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FormatError(f"{path} is no PNG, JPEG or WebP picture ({error!s:.80}).", AGAIN) from None
    short, long = sorted(image.size)
    if not MIN_SIDE <= short <= long <= MAX_SIDE or long > MAX_ASPECT * short:
        image.close()
        raise FormatError(f"{path} is {image.width}x{image.height}, which captures do not take.", AGAIN)
    if image.mode.startswith(("I", "F")):
        image.close()
        raise FormatError(f"{path} has more than 8 bits per channel.", "Convert the pictures to 8 bits.")
    return image


def _decoded(path: Path, image: Image.Image, mode: str) -> Image.Image:
    try:
        return image.convert(mode)
    except (OSError, SyntaxError, ValueError) as error:
        raise FormatError(f"{path} is damaged ({error!s:.80}).", AGAIN) from None

# SPDX-License-Identifier: GPL-3.0-or-later
"""How near a drawn picture comes to the true one."""

import numpy as np
import torch

from ..capture.capture import REGIONS
from .pictures import grown
from .ssim import ssim

HEAD = np.isin(np.arange(len(REGIONS)), [REGIONS.index(name) for name in ("hair", "face", "mouth_interior")])
CORE = 5  # pixels off a head's edge, where hair and masks are not sure
BEST = 99.0  # dB of two equal pictures


def psnr(picture: np.ndarray, target: np.ndarray, where: np.ndarray | None = None) -> float | None:
    """Peak signal-to-noise ratio in dB of (H, W, 3) pictures in [0, 1], over the pixels `where` (H, W) bool says; None
    where it says none."""
    if where is not None:
        picture, target = picture[where], target[where]
    if not picture.size:
        return None
    error = float(((picture - target).astype(np.float64) ** 2).mean())
    return BEST if error < 10 ** (-BEST / 10) else -10 * np.log10(error)


def core(regions: np.ndarray) -> np.ndarray:
    """(H, W) bool: hair, face and mouth, less CORE pixels along their edge."""
    return ~grown(~HEAD[regions], CORE)


def in_box(box: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W) bool: the pixels of a box of left, top, right and bottom."""
    left, top, right, bottom = np.clip(box, 0, [width, height, width, height]).tolist()
    inside = np.zeros((height, width), bool)
    inside[top:bottom, left:right] = True
    return inside


def structural_similarity(picture: np.ndarray, target: np.ndarray) -> float:
    """SSIM of (H, W, 3) pictures in [0, 1]."""
    planes = (np.ascontiguousarray(image.transpose(2, 0, 1), np.float32) for image in (picture, target))
    with torch.no_grad():
        return float(ssim(*map(torch.from_numpy, planes)))


def sharpness(picture: np.ndarray, where: np.ndarray) -> float:
    """Mean square of the Laplacian of the brightness (H, W, 3) over `where`."""
    grey = picture.mean(axis=2)
    laplacian = np.zeros_like(grey)
    laplacian[1:-1, 1:-1] = (
        grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
    )
    return float((laplacian[where] ** 2).mean()) if where.any() else 0.0


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Between normal distributions fitted to (T, D) and (S, D) (Dowson, Landau 1982)."""
    means = a.mean(axis=0) - b.mean(axis=0)
    covariances = [np.cov(values, rowvar=False).reshape(a.shape[1], -1) for values in (a, b)]
    values, vectors = np.linalg.eigh(covariances[0])
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ covariances[1] @ root), 0)).sum()
    return float(max(means @ means + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * shared, 0.0))


def correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Pearson's, of (T,) values; None where one does not vary."""
    if len(a) < 3 or a.std() < 1e-9 or b.std() < 1e-9:
        return None
    return float(np.corrcoef(a, b)[0, 1])

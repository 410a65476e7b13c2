# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether memory and disk will do, asked before a fit begins rather than found out an hour later."""

import sys
from pathlib import Path

from ..errors import InputError
from ..files import require_space

# Measured: what torch and the kernels take, and what a Gaussian and a pixel take with gradients and Adam's memory.
BASE, PER_POINT, PER_PIXEL = 700e6, 6000, 600


def require_memory(points: int, size: tuple[int, int]) -> None:
    """Raise InputError unless there is memory for a fit of so many Gaussians on pictures of so many pixels."""
    needed = BASE + PER_POINT * points + PER_PIXEL * size[0] * size[1]
    free = free_memory()
    if free is not None and free < needed:
        raise InputError(
            f"A fit of {points:,} points at {max(size)} pixels needs about {needed / 1e9:.1f} GB of memory and "
            f"{free / 1e9:.1f} GB are free.",
            "Close other programs, or choose a smaller size.",
        )


def require_disk(folder: Path, pictures: int, points: int) -> None:
    """Raise StorageError unless the disk holds so many bytes of pictures, two checkpoints and the report."""
    require_space(folder, pictures + 2 * 3 * 4 * 240 * points + 20_000_000)


def free_memory() -> int | None:
    """Bytes that programs can have, or None where the system does not say."""
    if sys.platform == "win32":
        return _windows()
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None  # macOS: it compresses and swaps before it refuses


def _windows() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)]
        _fields_ += [(name, ctypes.c_ulonglong) for name in ("total", "free", "pages", "free_pages", "a", "b", "c")]

    status = Status(length=ctypes.sizeof(Status))
    return status.free if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else None

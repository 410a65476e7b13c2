# SPDX-License-Identifier: GPL-3.0-or-later
"""Three ways to draw the same splats: torch (the readable reference), numba (every CPU), gsplat (CUDA)."""

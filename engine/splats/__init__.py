# SPDX-License-Identifier: GPL-3.0-or-later
"""Gaussian splats: data, cameras, PLY, and one rasterize() with three backends."""

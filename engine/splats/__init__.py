"""Gaussian splats: data, cameras, PLY, and one rasterize() with three backends."""

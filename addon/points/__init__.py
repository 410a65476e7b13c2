# SPDX-License-Identifier: GPL-3.0-or-later
"""Splat points: a baked clip as a mesh of points with shape keys, F-curves and a Geometry Nodes modifier."""

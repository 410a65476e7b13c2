# SPDX-License-Identifier: GPL-3.0-or-later
"""A rigged character becomes pictures that a head can be fitted from: plan, render in a background Blender."""

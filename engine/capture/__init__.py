# SPDX-License-Identifier: GPL-3.0-or-later
"""Capture: frames, region masks, cameras and tracks of one person, that a head can be fitted from."""

# SPDX-License-Identifier: GPL-3.0-or-later
"""Blinks, gaze and head motion: seeded, in time with speech."""

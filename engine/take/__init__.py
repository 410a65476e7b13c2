# SPDX-License-Identifier: GPL-3.0-or-later
"""Take: what drives a head over time."""
